/**
 * The log as a service: the operations, and around them the news that wake whoever waits, and the grouping of enqueues.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { Capabilities } from "../../log/Capabilities.ts"
import { coalesce } from "../../log/Coalesce.ts"
import { atTheEdge } from "../../log/JobLog.ts"
import type { JobLogOperations } from "../../log/JobLog.ts"
import { JobWaits } from "../../log/JobWaits.ts"
import type { LogError } from "../../log/LogError.ts"
import { News } from "../../log/News.ts"
import type { Connection } from "./Connection.ts"
import { fromShort } from "./JobId.ts"
import { operations } from "./Operations.ts"
import { makeParkedClaims } from "./ParkedClaims.ts"

/** Milliseconds between looks of those who wait, with news from the server and without. */
const seldom = 5000
const often = { shortest: 50, longest: 1000 }

/** Milliseconds for which the server remembers that somebody waits for a job; it is told again before. */
const waitsMillis = 60_000

/** Milliseconds for which a start waits until it listens: who claims from then on is in line at once. */
const listenMillis = 100

/** Calls of enqueue that are under way at once. */
const enqueues = 2

/**
 * Starts the service; closing the scope ends it.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = Effect.fnUntraced(function* (
  connection: Connection,
  capabilities: Capabilities
): Effect.fn.Return<JobLogOperations, never, Scope.Scope> {
  const news = new News()
  const jobWaits = new JobWaits()
  let live = false
  const direct = operations(connection)

  /** Without news from the server, or until they are there, at least this process is told of what it did itself. */
  const tellAll = (): void => {
    news.tell("all")
    jobWaits.tell("all")
  }

  /** Milliseconds between looks. */
  const usual = (queue: string): number =>
    live
      ? seldom
      : Math.min(often.longest, often.shortest * 2 ** Math.min(Math.max(0, news.emptyClaims(queue) - 1), 10))

  const pause = (queue: string): Effect.Effect<void> =>
    Effect.flatMap(Random.next, (random) => Effect.sleep(usual(queue) * (0.75 + random / 2)))

  const id = (yield* Random.nextIntBetween(0, Number.MAX_SAFE_INTEGER)).toString(36)
  const parked = yield* makeParkedClaims({
    calls: direct,
    news,
    // who hears nothing is not to be granted anything; and a message does not wait for replicas, as an answer does
    channel: () => (live && !connection.confirms ? id : undefined),
    pause: (queue, millis) =>
      millis === undefined
        ? pause(queue)
        : // an instant that has passed is one that a paused queue waits for
          Effect.raceFirst(pause(queue), Effect.sleep(millis > 0 ? millis : often.shortest))
  })

  const heard = (message: string): void => {
    const what = message.slice(2)
    if (message.startsWith("q ")) news.tell([what])
    else if (message.startsWith("j ")) jobWaits.tell([fromShort(what)])
    else parked.heard(message)
  }

  const listens = yield* Deferred.make<void>()
  const changed = (isLive: boolean): void => {
    live = isLive
    Deferred.doneUnsafe(listens, Exit.void)
    // what was said while nobody listened is lost, and from now on looks are due sooner
    tellAll()
  }

  yield* Effect.forkScoped(connection.listen({ heard, changed }, id))
  yield* Effect.timeoutOption(Deferred.await(listens), listenMillis)
  yield* Effect.forkScoped(
    jobWaits.run(
      (ids) => direct.await(ids, waitsMillis),
      () => (live ? seldom : often.longest)
    )
  )

  /** What may have happened without an answer is told as well. */
  const told = <A>(effect: Effect.Effect<A, LogError>): Effect.Effect<A, LogError> =>
    Effect.onExit(effect, () =>
      Effect.sync(() => {
        if (!live) tellAll()
      })
    )

  const context = yield* Effect.context<never>()
  const grouped = coalesce((items) => told(direct.enqueue(items)), context, enqueues)

  return atTheEdge({
    ...direct,
    capabilities,
    close: (session) => told(direct.close(session)),
    enqueue: grouped,
    claim: (request) =>
      request.park === true
        ? parked.claim(request)
        : Effect.suspend(() => {
            // before the call is sent: what happens while it is under way may be news to it
            const cursor = news.cursor(request.queue)
            return Effect.map(direct.claim(request, ""), ({ grants, nextAt, now }) => {
              news.claimed(request.queue, grants.length)
              return { grants, nextAt, now, cursor }
            })
          }),
    settle: (request) => told(direct.settle(request)),
    reclaim: (options) => told(direct.reclaim(options)),
    control: (commands) => told(direct.control(commands)),
    changes: (request) =>
      request._tag === "Job"
        ? jobWaits.ended(request.id)
        : Effect.raceFirst(news.after(request.queue, request.cursor), pause(request.queue))
  })
})
