/** A producer and workers on a server that is struck again and again: what was acknowledged is there, once. */
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as RedisLog from "../../../src/backends/redis/RedisLog.ts"
import type { Grant, JobLogOperations } from "../../../src/log/JobLog.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import type { Redis } from "../../support/servers/Redis.ts"
import { allJobs, completionOf, idOf, persisting, stateOf } from "./TroubleSupport.ts"

export interface Options {
  /** How each client connects. */
  readonly log: RedisLog.Options
  /** Does harm; ends when the server works again. */
  readonly strike: (strikes: number) => Effect.Effect<void>
  readonly goOn: (strikes: number) => boolean
  readonly random: () => number
}

export interface Report {
  readonly strikes: number
  readonly enqueued: number
  readonly completed: number
  /** Calls that failed, by how they ended. */
  readonly unknown: number
  readonly refused: number
  /** Jobs that were taken back from who left them. */
  readonly reclaimed: number
  readonly violations: ReadonlyArray<string>
}

const queue = "work"

/** Longer than any of this takes: the lease of no worker ends. */
const leaseDuration = 3_600_000

/** Who takes jobs and leaves them has a short one, and comes back when it is about to end. */
const desertion = { leaseDuration: 200, absence: 190, jobs: 3 }

class Workload {
  readonly violations: Array<string> = []
  readonly acknowledged = new Set<string>()
  readonly completed = new Set<string>()
  readonly #holders = new Map<string, bigint>()
  /** Jobs that were left alone: another may have them. */
  readonly #deserted = new Set<string>()
  /** Jobs that deserters may have settled. */
  readonly #doubtful = new Set<string>()
  /** Jobs of deserters of which no answer came. */
  #unheard = 0
  #highest = 0n
  producing = true
  /** Nothing more is under way from the producer. */
  #produced = false
  unknown = 0
  refused = 0
  reclaimed = 0
  #jobs = 0

  get over(): boolean {
    return this.violations.length > 0 || (this.#produced && this.completed.size === this.acknowledged.size)
  }

  /** The very same call again, until it is answered. */
  persist<A>(what: string, call: Effect.Effect<A, LogError>): Effect.Effect<A, LogError> {
    return persisting(call, (error) => {
      if (error.outcome === "unknown") this.unknown++
      else this.refused++
      if (!error.isRetryable) this.violations.push(`${what}: ${error.message}`)
    })
  }

  readonly produce = (log: JobLogOperations) =>
    Effect.gen({ self: this }, function* () {
      while (this.producing && this.violations.length === 0) {
        if (this.acknowledged.size - this.completed.size > 200) {
          yield* Effect.sleep(1)
          continue
        }
        // every other job is more than an entry of a stream
        const items = Array.from({ length: 5 }, () => {
          const n = this.#jobs++
          return {
            id: idOf(n),
            queue,
            name: "work",
            version: 1,
            payload: `${n}`,
            ...(n % 2 === 0 ? undefined : { group: `g${n % 20}` })
          }
        })
        for (const answer of yield* this.persist("enqueue", log.enqueue(items))) {
          if (answer._tag !== "Inserted") this.violations.push(`enqueue answered ${JSON.stringify(answer)}`)
          this.acknowledged.add(answer.id)
        }
      }
      this.#produced = true
    })

  readonly work = (log: JobLogOperations) =>
    Effect.gen({ self: this }, function* () {
      const { id: session } = yield* this.persist("open", log.open({ owner: "worker", leaseDuration }))
      let call = 0
      while (!this.over) {
        const floor = this.#highest
        const { grants } = yield* this.persist("claim", log.claim({ session, call: ++call, queue, limit: 10 }))
        if (grants.length === 0) {
          yield* Effect.sleep(1)
          continue
        }
        this.#granted(grants, floor)
        const started = grants.map(({ token }) => token)
        const renewal = yield* this.persist("renew", log.renew({ session, call: ++call, started, progress: [] }))
        if (renewal.lost.length > 0) this.violations.push(`lost: ${renewal.lost.join()}`)
        const items = grants.map(completionOf)
        const results = yield* this.persist("settle", log.settle({ session, call: ++call, items }))
        for (const [i, result] of results.entries()) {
          const id = items[i]?.id ?? ""
          if (result._tag === "Settled") this.#settled(id)
          else this.violations.push(`${id} is held, and its settlement answered ${JSON.stringify(result)}`)
        }
      }
    })

  /** Takes jobs and leaves them; comes back when others may have them, and settles those that they do not have. */
  readonly desert = (log: JobLogOperations) =>
    Effect.gen({ self: this }, function* () {
      const opening = log.open({ owner: "deserter", leaseDuration: desertion.leaseDuration })
      while (this.producing && this.violations.length === 0) {
        const { id: session } = yield* this.persist("open", opening)
        const floor = this.#highest
        const claim = log.claim({ session, call: 1, queue, limit: desertion.jobs })
        const claimed = yield* this.alive("claim", claim)
        if (claimed === undefined) {
          // a server that was down for longer than the lease has ended it, and what it granted is not known
          this.#unheard += desertion.jobs
          continue
        }
        for (const { id, token } of claimed.grants) {
          if (token <= floor) this.violations.push(`${id} is granted as ${token} after ${floor}`)
          this.#note(id, token)
          this.#deserted.add(id)
        }
        yield* Effect.sleep(desertion.absence)
        const items = claimed.grants.map(completionOf)
        if (items.length === 0) continue
        const results = yield* this.alive("settle", log.settle({ session, call: 2, items }))
        if (results === undefined)
          yield* this.#findOut(
            log,
            items.map(({ id }) => id)
          )
        for (const [i, result] of results?.entries() ?? []) {
          if (result._tag === "Settled") this.#settled(items[i]?.id ?? "")
        }
      }
    })

  /** The very same call again, until it is answered, or nothing if the session is dead. */
  alive<A>(what: string, call: Effect.Effect<A, LogError>): Effect.Effect<A | undefined, LogError> {
    return this.persist(
      what,
      Effect.catchIf(
        call,
        ({ reason }) => reason._tag === "SessionDead",
        () => Effect.undefined
      )
    )
  }

  #granted(grants: ReadonlyArray<Grant>, floor: bigint): void {
    for (const { id, token } of grants) {
      const holder = this.#holders.get(id) ?? 0n
      if (holder > 0n && !this.#deserted.has(id))
        this.violations.push(`${id} has token ${holder}, is granted as ${token}`)
      if (this.completed.has(id)) this.violations.push(`${id} is completed, and is granted as ${token}`)
      if (token <= floor || token <= holder)
        this.violations.push(`${id} is granted as ${token} after ${floor}, ${holder}`)
      this.#note(id, token)
    }
  }

  #note(id: string, token: bigint): void {
    if (token > this.#highest) this.#highest = token
    if (token > (this.#holders.get(id) ?? 0n)) this.#holders.set(id, token)
  }

  /** The answer to a settlement is not to be had any more: either it was done, or another does the same later on. */
  #findOut(log: JobLogOperations, ids: ReadonlyArray<string>): Effect.Effect<void, LogError> {
    return Effect.gen({ self: this }, function* () {
      for (const id of ids) this.#doubtful.add(id)
      for (const id of ids) {
        while (!this.completed.has(id) && this.violations.length === 0) {
          const state = yield* this.persist("read", stateOf(log, id))
          if (state === "Completed") this.completed.add(id)
          else yield* Effect.sleep(5)
        }
      }
    })
  }

  #settled(id: string): void {
    if (this.completed.has(id) && !this.#doubtful.has(id)) this.violations.push(`${id} completed twice`)
    this.completed.add(id)
  }

  /** What deserters left is given to others. */
  readonly reclaim = (log: JobLogOperations) =>
    Effect.gen({ self: this }, function* () {
      while (!this.over) {
        this.reclaimed += (yield* this.persist("reclaim", log.reclaim({ limit: 100 }))).reclaimed
        yield* Effect.sleep(20)
      }
    })

  /** Everything that the log shows, against everything that it acknowledged. */
  readonly compare = (log: JobLogOperations) =>
    Effect.gen({ self: this }, function* () {
      const found = yield* allJobs(log)
      const again: Array<string> = []
      for (const id of this.acknowledged) {
        const job = found.get(id)
        if (job === undefined) this.violations.push(`${id} is lost`)
        else if (job.state !== "Completed" || job.attempts !== 1) {
          this.violations.push(`${id} is ${job.state} after ${job.attempts} attempts`)
        } else if (job.deliveries > 1 && !this.#deserted.has(id)) again.push(id)
      }
      if (again.length > this.#unheard) this.violations.push(`never left, and delivered twice: ${again.join()}`)
      for (const id of found.keys()) if (!this.acknowledged.has(id)) this.violations.push(`${id} is nobody's`)
    })
}

/** Strikes while the workload goes on, lets it end, and looks at what is there. */
export const run = ({ goOn, log: options, random, strike }: Options): Promise<Report> =>
  Effect.gen(function* () {
    const logs = yield* Effect.forEach([1, 2, 3, 4], () => RedisLog.make(options))
    const [producer, ...workers] = logs
    if (producer === undefined) return yield* Effect.die(new Error("there is no log"))
    const workload = new Workload()
    let strikes = 0
    const striking = Effect.gen(function* () {
      while (goOn(strikes) && workload.violations.length === 0) {
        // in the middle of work, at no particular moment of it
        const next = workload.completed.size + 20 + Math.floor(random() * 40)
        while (workload.completed.size < next && workload.violations.length === 0) yield* Effect.sleep(1)
        yield* Effect.sleep(Math.floor(random() * 5))
        yield* strike(strikes)
        strikes++
      }
      workload.producing = false
    })
    yield* Effect.ignore(
      Effect.all(
        [
          striking,
          workload.produce(producer),
          workload.reclaim(producer),
          workload.desert(producer),
          ...workers.map((log) => workload.work(log))
        ],
        { concurrency: "unbounded", discard: true }
      )
    )
    // that nothing can be read any more is found as well
    yield* Effect.ignore(workload.persist("read", workload.compare(producer)))
    return {
      strikes,
      enqueued: workload.acknowledged.size,
      completed: workload.completed.size,
      unknown: workload.unknown,
      refused: workload.refused,
      reclaimed: workload.reclaimed,
      violations: workload.violations
    }
  }).pipe(Effect.scoped, Effect.provideService(References.MinimumLogLevel, "None"), Effect.runPromise)

/** SIGKILL to the server, and its recovery. */
export const kill = (server: Redis): Effect.Effect<void> =>
  Effect.promise(async () => {
    await server.kill()
    await server.restart()
  })
