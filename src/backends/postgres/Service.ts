/**
 * The log as a service: the operations, and around them the news that wake whoever waits, the grouping of enqueues, and
 * what callers' transactions need.
 *
 * @since 0.1.0
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type {
  ChangesRequest,
  ClaimResult,
  ControlCommand,
  ControlResult,
  EnqueueItem,
  EnqueueResult,
  JobLogOperations,
  SettleItem,
  SettleResult
} from "../../log/JobLog.ts"
import { coalesce } from "../../log/Coalesce.ts"
import { atTheEdge } from "../../log/JobLog.ts"
import { JobWaits } from "../../log/JobWaits.ts"
import type { LogError } from "../../log/LogError.ts"
import { type Change, News } from "../../log/News.ts"
import { listen } from "./NewsListener.ts"
import { NewsOutbox } from "./NewsOutbox.ts"
import { operations } from "./Operations.ts"
import { uuids } from "./Parameters.ts"
import { capabilities } from "./PostgresCapabilities.ts"

/** Milliseconds between looks of those who wait, with LISTEN and without. */
const seldom = 5000
const often = { shortest: 50, longest: 1000 }

/** Milliseconds for which another process's waiting for jobs is remembered; it says so again before. */
const waitsMillis = 30_000

const none: ReadonlyArray<string> = []

/** Which of the jobs have ended, or are unknown. */
const overStatement = (schema: string): string =>
  `SELECT u.id FROM unnest($1) AS u(id) LEFT JOIN "${schema}".job j ON j.id = u.id
    LEFT JOIN "${schema}".job_state s ON s.seq = j.seq WHERE j.seq IS NULL OR s.status >= 2`

/** Queues in which these answers added or moved a job. */
const enqueued = (items: ReadonlyArray<EnqueueItem>, results: ReadonlyArray<EnqueueResult>): ReadonlyArray<string> => {
  const queues = new Set<string>()
  for (const [i, { queue }] of items.entries()) {
    const tag = results[i]?._tag
    if (tag === "Inserted" || tag === "Replaced") queues.add(queue)
  }
  return [...queues]
}

const followUps = (items: ReadonlyArray<SettleItem>, results: ReadonlyArray<SettleResult>): ReadonlyArray<string> =>
  items.flatMap(({ settlement }, i) => {
    const result = results[i]
    return settlement._tag === "Complete" && settlement.enqueue !== undefined && result?._tag === "Settled"
      ? enqueued(settlement.enqueue, result.enqueued ?? [])
      : []
  })

const isOver = (result: SettleResult | undefined): boolean =>
  result?._tag === "Settled" &&
  (result.state === "Completed" || result.state === "DeadLettered" || result.state === "Cancelled")

/**
 * The next instant worth waking for. One that has passed and changes nothing, such as the deadline of a job that a
 * caller's transaction has locked, is put off further with every look.
 */
const worthwhile = ({ nextAt, now }: ClaimResult, empty: number): number | undefined =>
  nextAt !== undefined && nextAt <= now && empty > 3 ? now + Math.min(often.longest, 2 ** empty) : nextAt

/** What commands may have changed. A command on a job does not say in which queue that is. */
const commanded = (commands: ReadonlyArray<ControlCommand>, results: ReadonlyArray<ControlResult>): Change => {
  const queues = new Set<string>()
  const jobs: Array<string> = []
  let all = false
  for (const [i, command] of commands.entries()) {
    if (results[i]?._tag !== "Done") continue
    switch (command._tag) {
      case "Resume":
      case "Configure":
        queues.add(command.queue)
        break
      case "Cancel":
        all = true
        jobs.push(command.id)
        break
      case "Purge":
        jobs.push(command.id)
        break
      case "Redrive":
      case "Reschedule":
        all = true
        break
      case "Pause":
        break
    }
  }
  return { queues: all ? "all" : [...queues], jobs }
}

/**
 * A log of a schema, and the way to tell of what was written past its operations.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Service {
  readonly log: JobLogOperations
  /** Tells of a change once the caller's transaction has committed, or at once where there is none. */
  readonly announce: (change: Change) => Effect.Effect<void>
}

/**
 * Starts the service; closing the scope ends it.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  schema: string,
  listening: boolean
): Effect.fn.Return<Service, never, Scope.Scope> {
  // whatever runs in the background must not run in a transaction that this was made in
  const outside = Context.omit(sql.transactionService)(yield* Effect.context<never>()) as Context.Context<never>
  const node = (yield* Random.nextIntBetween(0, 2 ** 52)).toString(36)
  const outbox = new NewsOutbox(node, `leasehold_${schema}`)
  const news = new News()
  const jobWaits = new JobWaits()
  const { currentTimeMillisUnsafe } = yield* Clock.Clock
  let live = false
  let othersWaitUntil = 0

  const tell = (change: Change): void => {
    news.tell(change.queues)
    jobWaits.tell(change.jobs)
    outbox.tell(currentTimeMillisUnsafe() < othersWaitUntil ? change : { queues: change.queues, jobs: none })
  }

  const background = <A>(effect: Effect.Effect<A>): Effect.Effect<void, never, Scope.Scope> =>
    Effect.asVoid(Effect.forkScoped(Effect.provideContext(effect, outside)))

  yield* background(outbox.run(sql))
  yield* background(
    jobWaits.run(
      (ids) =>
        Effect.map(sql.unsafe(overStatement(schema), [uuids(ids)]).values, (rows) => rows.map(([id]) => String(id))),
      () => (live ? seldom : often.longest),
      () => outbox.tellWaiting()
    )
  )
  if (listening) {
    yield* background(
      listen(sql, outbox, {
        heard: ({ jobs, queues, waits }) => {
          if (waits) othersWaitUntil = currentTimeMillisUnsafe() + waitsMillis
          news.tell(queues)
          jobWaits.tell(jobs)
        },
        changed: (isLive) => {
          live = isLive
          // what was told while nobody listened is lost, and from now on looks are due sooner
          news.tell("all")
          jobWaits.tell("all")
        }
      })
    )
  }

  const direct = operations(sql, schema, (queues) => tell({ queues, jobs: none }))

  const inTransaction = (context: Context.Context<never>): boolean =>
    Context.getOrUndefined(context, sql.transactionService) !== undefined

  /** A session's calls never join a transaction: they would hold locks that all others wait for. */
  const apart = <A>(effect: Effect.Effect<A, LogError>): Effect.Effect<A, LogError> =>
    Effect.withFiber((fiber) =>
      inTransaction(fiber.context)
        ? Effect.updateContext(
            effect,
            (context: Context.Context<never>) => Context.omit(sql.transactionService)(context) as Context.Context<never>
          )
        : effect
    )

  /** What may have happened without an answer is told as well. */
  const toldIfUnknown = <A>(effect: Effect.Effect<A, LogError>): Effect.Effect<A, LogError> =>
    Effect.tapError(effect, (error) => {
      if (error.outcome === "unknown") tell({ queues: "all", jobs: none })
      return Effect.void
    })

  const announce = (change: Change): Effect.Effect<void> => sql.afterCommit(Effect.sync(() => tell(change)))

  const enqueueTold = (items: ReadonlyArray<EnqueueItem>): Effect.Effect<ReadonlyArray<EnqueueResult>, LogError> =>
    toldIfUnknown(
      Effect.map(direct.enqueue(items), (results) => {
        tell({ queues: enqueued(items, results), jobs: none })
        return results
      })
    )
  const plain = coalesce(enqueueTold, outside)
  // a held key may belong to a transaction that lasts, and only those with keys should wait for it
  const special = coalesce(enqueueTold, outside)
  const grouped = (items: ReadonlyArray<EnqueueItem>) =>
    items.some(({ group, key }) => key !== undefined || group !== undefined) ? special(items) : plain(items)
  const joined = (items: ReadonlyArray<EnqueueItem>): Effect.Effect<ReadonlyArray<EnqueueResult>, LogError> =>
    Effect.tap(direct.enqueue(items), (results) => announce({ queues: enqueued(items, results), jobs: none }))

  const pause = (queue: string): Effect.Effect<void> =>
    Effect.flatMap(Random.next, (random) => {
      const millis = live
        ? seldom
        : Math.min(often.longest, often.shortest * 2 ** Math.min(Math.max(0, news.emptyClaims(queue) - 1), 10))
      return Effect.sleep(millis * (0.75 + random / 2))
    })

  const changes = (request: ChangesRequest): Effect.Effect<void> =>
    request._tag === "Job"
      ? jobWaits.ended(request.id)
      : Effect.raceFirst(news.after(request.queue, request.cursor), pause(request.queue))

  return {
    announce,
    log: atTheEdge({
      ...direct,
      capabilities,
      open: (options) => apart(direct.open(options)),
      renew: (request) => apart(direct.renew(request)),
      close: (session) => apart(toldIfUnknown(direct.close(session))),
      enqueue: (items) => Effect.withFiber((fiber) => (inTransaction(fiber.context) ? joined(items) : grouped(items))),
      claim: (request) =>
        Effect.suspend(() => {
          // before the statement is sent: what is committed while it runs may be news to it
          const cursor = news.cursor(request.queue)
          return Effect.map(apart(direct.claim(request)), (result) => {
            news.claimed(request.queue, result.grants.length)
            return { ...result, cursor, nextAt: worthwhile(result, news.emptyClaims(request.queue)) }
          })
        }),
      settle: (request) =>
        apart(
          toldIfUnknown(
            Effect.map(direct.settle(request), (results) => {
              const over = jobWaits.any || currentTimeMillisUnsafe() < othersWaitUntil
              tell({
                queues: followUps(request.items, results),
                jobs: over ? request.items.filter((_, i) => isOver(results[i])).map(({ id }) => id) : none
              })
              return results
            })
          )
        ),
      reclaim: (options) =>
        apart(
          toldIfUnknown(
            Effect.map(direct.reclaim(options), (result) => {
              if (result.reclaimed > 0 || result.deadLettered > 0) {
                tell({ queues: "all", jobs: result.deadLettered > 0 ? "all" : none })
              }
              return result
            })
          )
        ),
      control: (commands) =>
        Effect.tap(toldIfUnknown(direct.control(commands)), (results) => announce(commanded(commands, results))),
      changes
    })
  }
})
