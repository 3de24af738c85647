/** Programs on private Redis servers that are in trouble: each has connections of its own, as processes have. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import { afterAll, beforeAll } from "vitest"
import * as RedisLog from "../../../src/backends/redis/RedisLog.ts"
import type { EnqueueItem, Grant, JobLogOperations, JobView, SettleItem } from "../../../src/log/JobLog.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import { type Options, Redis } from "../../support/servers/Redis.ts"

/** A server for a file of tests. */
export const server = (options?: Options): (() => Redis) => {
  let started: Redis | undefined
  beforeAll(async () => {
    started = await Redis.start(options)
  })
  afterAll(() => started?.close())
  return () => {
    if (started === undefined) throw new Error("the server has not started")
    return started
  }
}

/** A server for one test. */
export const own = (settings: Options["settings"] = {}): Effect.Effect<Redis, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => Redis.start({ settings })),
    (of) => Effect.promise(() => of.close())
  )

/** Runs a test that needs a scope; what it logs on the way is no news. */
export const running = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.provideService(effect, References.MinimumLogLevel, "None")))

/** The log of a server, with connections of its own until the scope ends. */
export const logOf = (
  of: { readonly url: Redis["url"] },
  options: Partial<RedisLog.Options> = {}
): Effect.Effect<JobLogOperations, LogError, Scope.Scope> =>
  RedisLog.make({ server: { _tag: "Url", url: of.url() }, ...options })

/** How an operation failed: whether it may have happened, why, and in what words. */
export const failureOf = <A, R>(operation: Effect.Effect<A, LogError, R>) =>
  Effect.map(Effect.flip(operation), ({ message, outcome, reason }) => ({ outcome, reason: reason._tag, message }))

export const cli = (of: Redis, ...command: Parameters<Redis["cli"]>): Effect.Effect<unknown> =>
  Effect.promise(() => of.cli(...command))

/** Looks until it is so, within a bound of milliseconds; answers how long that took. */
export const waitFor = <E, R>(
  what: string,
  holds: Effect.Effect<boolean, E, R>,
  bound = 30_000
): Effect.Effect<number, E, R> =>
  Effect.gen(function* () {
    const began = yield* Clock.currentTimeMillis
    while (!(yield* holds)) {
      if ((yield* Clock.currentTimeMillis) - began > bound) {
        return yield* Effect.die(new Error(`in vain, for ${bound} ms: ${what}`))
      }
      yield* Effect.sleep(5)
    }
    return (yield* Clock.currentTimeMillis) - began
  })

let counter = 0

export const idOf = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`

/** A request like no other. */
export const item = (queue: string, options?: Partial<EnqueueItem>): EnqueueItem => ({
  id: idOf(++counter),
  queue,
  name: "work",
  version: 1,
  payload: "{}",
  ...options
})

/** A queue that no other test uses. */
export const newQueue = (): string => `q${++counter}`

/** A session that claims from a queue. */
export const claimer = Effect.fnUntraced(function* (log: JobLogOperations, queue: string, leaseDuration = 60_000) {
  const session = yield* log.open({ owner: "test", leaseDuration })
  let call = 0
  return {
    session: session.id,
    next: () => ++call,
    claim: (limit = 10) => log.claim({ session: session.id, call: ++call, queue, limit })
  }
})

export const completionOf = ({ id, receipt, token }: Grant): SettleItem => ({
  id,
  receipt,
  token,
  settlement: { _tag: "Complete" }
})

/** The state of a job, undefined if there is none. */
export const stateOf = (log: JobLogOperations, id: string) =>
  Effect.map(log.read({ _tag: "Job", id }), (answer) => (answer._tag === "Job" ? answer.job?.state : undefined))

/** All that the log has. */
export const allJobs = Effect.fnUntraced(function* (log: JobLogOperations) {
  const found = new Map<string, JobView>()
  let after: string | undefined
  do {
    const page = yield* log.read({ _tag: "Jobs", after, limit: 1000 })
    if (page._tag !== "Jobs") break
    for (const job of page.jobs) found.set(job.id, job)
    after = page.next
  } while (after !== undefined)
  return found
})

/** Again as long as it fails in a way that passes: the very same call. */
export const persisting = <A>(
  call: Effect.Effect<A, LogError>,
  failed: (error: LogError) => void = () => undefined
): Effect.Effect<A, LogError> =>
  Effect.catch(call, (error) => {
    failed(error)
    if (!error.isRetryable) return Effect.fail(error)
    return Effect.andThen(
      Effect.sleep(5),
      Effect.suspend(() => persisting(call, failed))
    )
  })

/** Whether a worker has found nothing, and waits. */
export interface Idle {
  now: boolean
}

/** What a worker was given, and when. */
export interface Received {
  readonly grant: Grant
  readonly at: number
}

/**
 * A worker that takes jobs and completes them, waits by `changes` where there are none, and opens a new session where its
 * own is gone. It goes on until its scope ends.
 */
export const worker = (
  log: JobLogOperations,
  queue: string,
  received: Array<Received>,
  idle: Idle = { now: false }
): Effect.Effect<never, LogError> =>
  Effect.gen(function* () {
    const { claim, next, session } = yield* persisting(claimer(log, queue))
    while (true) {
      const { cursor, grants } = yield* persisting(claim())
      const at = yield* Clock.currentTimeMillis
      received.push(...grants.map((grant) => ({ grant, at })))
      if (grants.length === 0) {
        idle.now = true
        yield* log.changes({ _tag: "Queue", queue, cursor })
        idle.now = false
      } else {
        const call = next()
        yield* persisting(log.settle({ session, call, items: grants.map(completionOf) }))
      }
    }
  }).pipe(
    Effect.catch((error) =>
      error.reason._tag === "SessionDead" ? worker(log, queue, received, idle) : Effect.fail(error)
    )
  )

/** A worker of its own that has found nothing and waits. */
export const waitingWorker = Effect.fnUntraced(function* (
  of: Redis,
  queue: string,
  open: Effect.Effect<JobLogOperations, LogError, Scope.Scope> = logOf(of)
) {
  const log = yield* open
  const received: Array<Received> = []
  const idle: Idle = { now: false }
  yield* Effect.forkScoped(worker(log, queue, received, idle))
  const first = item(queue)
  const other = yield* open
  yield* other.enqueue([first])
  yield* waitFor(
    "the worker has the first job",
    Effect.sync(() => received.length === 1)
  )
  yield* waitFor(
    "it is done",
    Effect.map(stateOf(other, first.id), (state) => state === "Completed")
  )
  const waits = waitFor(
    "the worker waits",
    Effect.sync(() => idle.now)
  )
  yield* waits
  return { received, other, waits }
})

/** Enqueues a job, and waits until the worker has it; answers how long it took, in milliseconds. */
export const handedOver = Effect.fnUntraced(function* (
  log: JobLogOperations,
  queue: string,
  received: ReadonlyArray<Received>,
  bound: number
) {
  const job = item(queue)
  yield* persisting(log.enqueue([job]))
  const has = Effect.sync(() => received.some(({ grant }) => grant.id === job.id))
  return yield* waitFor("the worker has the job", has, bound)
})
