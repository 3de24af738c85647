/** A producer and workers on a server that is struck again and again: what was acknowledged is there, once. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as PostgresLog from "../../../src/backends/postgres/PostgresLog.ts"
import type { EnqueueItem, JobLogOperations, JobView } from "../../../src/log/JobLog.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import type { Postgres } from "../../support/servers/Postgres.ts"

export interface Options {
  readonly server: Postgres
  readonly schema: string
  /** Does harm; ends when the server works again. */
  readonly strike: (sql: PgClient.PgClient) => Effect.Effect<void>
  readonly goOn: (strikes: number) => boolean
  readonly random: () => number
  /** Further settings of the workload's connections. */
  readonly startupParameters?: Readonly<Record<string, string>> | undefined
}

export interface Report {
  readonly strikes: number
  readonly enqueued: number
  readonly completed: number
  /** Calls that failed, by how they ended. */
  readonly unknown: number
  readonly refused: number
  readonly violations: ReadonlyArray<string>
}

const queue = "work"

/** Longer than any of this takes: no lease ends, so that each job has one holder in all its life. */
const leaseDuration = 3_600_000

const itemOf = (n: number): EnqueueItem => ({
  id: `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`,
  queue,
  name: "work",
  version: 1,
  payload: `${n}`
})

class Workload {
  readonly log: JobLogOperations
  readonly violations: Array<string> = []
  readonly acknowledged = new Set<string>()
  readonly completed = new Set<string>()
  readonly #holders = new Map<string, bigint>()
  producing = true
  /** Nothing more is under way from the producer. */
  #produced = false
  unknown = 0
  refused = 0
  #jobs = 0

  constructor(log: JobLogOperations) {
    this.log = log
  }

  get over(): boolean {
    return this.violations.length > 0 || (this.#produced && this.completed.size === this.acknowledged.size)
  }

  /** The very same call again, until it is answered. */
  persist<A>(what: string, call: Effect.Effect<A, LogError>): Effect.Effect<A, LogError> {
    return Effect.catch(call, (error) => {
      if (error.outcome === "unknown") this.unknown++
      else this.refused++
      if (!error.isRetryable) {
        this.violations.push(`${what}: ${error.message}`)
        return Effect.fail(error)
      }
      return Effect.andThen(Effect.sleep(5), this.persist(what, call))
    })
  }

  readonly produce = Effect.gen({ self: this }, function* () {
    while (this.producing && this.violations.length === 0) {
      if (this.acknowledged.size - this.completed.size > 200) {
        yield* Effect.sleep(1)
        continue
      }
      const items = Array.from({ length: 5 }, () => itemOf(this.#jobs++))
      for (const answer of yield* this.persist("enqueue", this.log.enqueue(items))) {
        if (answer._tag !== "Inserted") this.violations.push(`enqueue answered ${JSON.stringify(answer)}`)
        this.acknowledged.add(answer.id)
      }
    }
    this.#produced = true
  })

  readonly work = Effect.gen({ self: this }, function* () {
    const opening = this.log.open({ owner: "worker", leaseDuration })
    const { id: session } = yield* this.persist("open", opening)
    let call = 0
    while (!this.over) {
      const claim = this.log.claim({ session, call: ++call, queue, limit: 10 })
      const { grants } = yield* this.persist("claim", claim)
      if (grants.length === 0) {
        yield* Effect.sleep(1)
        continue
      }
      for (const { id, token } of grants) {
        const holder = this.#holders.get(id)
        if (holder !== undefined) this.violations.push(`${id} has token ${holder} and is granted as ${token}`)
        this.#holders.set(id, token)
      }
      const started = grants.map(({ token }) => token)
      const renewal = yield* this.persist("renew", this.log.renew({ session, call: ++call, started, progress: [] }))
      if (renewal.lost.length > 0) this.violations.push(`lost: ${renewal.lost.join()}`)
      const items = grants.map(({ id, receipt, token }) => ({
        id,
        receipt,
        token,
        settlement: { _tag: "Complete" } as const
      }))
      const results = yield* this.persist("settle", this.log.settle({ session, call: ++call, items }))
      for (const [i, result] of results.entries()) {
        const id = items[i]?.id ?? ""
        if (result._tag !== "Settled") this.violations.push(`${id} is held, and its settlement answered ${result._tag}`)
        else if (this.completed.has(id)) this.violations.push(`${id} completed twice`)
        this.completed.add(id)
      }
    }
  })

  /** Everything that the log shows, against everything that it acknowledged. */
  readonly compare = Effect.gen({ self: this }, function* () {
    const found = new Map<string, JobView>()
    let after: string | undefined
    do {
      const page = yield* this.log.read({ _tag: "Jobs", after, limit: 1000 })
      if (page._tag !== "Jobs") break
      for (const job of page.jobs) found.set(job.id, job)
      after = page.next
    } while (after !== undefined)
    for (const id of this.acknowledged) {
      const job = found.get(id)
      if (job === undefined) this.violations.push(`${id} is lost`)
      else if (job.state !== "Completed" || job.deliveries !== 1 || job.attempts !== 1) {
        this.violations.push(`${id} is ${job.state} after ${job.deliveries} deliveries`)
      }
    }
    for (const id of found.keys()) if (!this.acknowledged.has(id)) this.violations.push(`${id} is nobody's`)
  })
}

/** Strikes while the workload goes on, lets it end, and looks at what is there. */
export const run = ({ goOn, random, schema, server, startupParameters, strike }: Options): Promise<Report> =>
  Effect.gen(function* () {
    const connecting = {
      path: `${server.sockets}/.s.PGSQL.${server.port}`,
      username: "leasehold",
      database: "postgres"
    }
    const context = yield* Layer.build(
      PgClient.layer({ ...connecting, maxConnections: 6, ...(startupParameters && { startupParameters }) })
    )
    const sql = Context.get(context, PgClient.PgClient)
    const log = yield* Effect.provideContext(PostgresLog.make({ schema, migrate: true }), context)
    const workload = new Workload(log)
    let strikes = 0
    const striking = Effect.gen(function* () {
      while (goOn(strikes) && workload.violations.length === 0) {
        // in the middle of work, at no particular moment of it
        const next = workload.completed.size + 20 + Math.floor(random() * 40)
        while (workload.completed.size < next && workload.violations.length === 0) yield* Effect.sleep(1)
        yield* Effect.sleep(Math.floor(random() * 5))
        yield* strike(sql)
        strikes++
      }
      workload.producing = false
    })
    yield* Effect.ignore(
      Effect.all([striking, workload.produce, workload.work, workload.work, workload.work], {
        concurrency: "unbounded",
        discard: true
      })
    )
    // that nothing can be read any more is found as well
    yield* Effect.ignore(workload.persist("read", workload.compare))
    return {
      strikes,
      enqueued: workload.acknowledged.size,
      completed: workload.completed.size,
      unknown: workload.unknown,
      refused: workload.refused,
      violations: workload.violations
    }
  }).pipe(Effect.scoped, Effect.provideService(References.MinimumLogLevel, "None"), Effect.runPromise)

/** SIGKILL to the whole server, and its recovery. */
export const kill = (server: Postgres): Effect.Effect<void> =>
  Effect.promise(async () => {
    await server.kill()
    await server.restart()
  })
