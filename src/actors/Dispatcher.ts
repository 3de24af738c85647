/**
 * The dispatcher of one queue: keeps its workers' slots filled.
 *
 * It claims in batches sized to the free slots plus a prefetch that follows the measured speed of the handlers: slow
 * jobs are claimed one by one, fast ones some hundreds ahead.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { ClaimRequest, JobLogOperations } from "../log/JobLog.ts"
import { delay } from "./Backoff.ts"
import type { LeaseSupervisor } from "./LeaseSupervisor.ts"
import type { Elapsed } from "./MonotonicClock.ts"
import type { Settler } from "./Settler.ts"
import type { Telemetry } from "./Telemetry.ts"
import type { WorkerPool } from "./WorkerPool.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface DispatcherOptions {
  readonly log: JobLogOperations
  readonly pool: WorkerPool
  readonly supervisor: LeaseSupervisor
  readonly settler: Settler
  readonly elapsed: Elapsed
  readonly telemetry: Telemetry
  /** Most grants that may wait for a slot. */
  readonly maxPrefetch: number
  /** Names to claim, where the log can filter and the queue's jobs are not all ours. */
  readonly names: ReadonlyArray<string> | undefined
  /** Milliseconds between polls of an empty queue, where the log does not notify or a hint may be lost. */
  readonly pollInterval: number
}

/** How far ahead of the handlers to claim: what they end in this many milliseconds. */
const prefetchMillis = 20

/** Most jobs of one claim: larger ones make each wait longer and drain no faster. */
const claimMost = 500

/** Up to this many grants are started before the next claim is sent. */
const startFirst = 16

/**
 * Dispatches for ever; interrupt it to stop claiming. What an interrupted claim may have granted is given back when
 * its session closes.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const run = Effect.fnUntraced(function* (options: DispatcherOptions): Effect.fn.Return<never> {
  const { elapsed, log, pool, settler, supervisor, telemetry } = options
  const { maxBatch, notify, parkedClaims } = log.capabilities
  let failures = 0
  let measuredAt = elapsed()
  let endedBefore = pool.ended()
  /** Jobs that end per millisecond, smoothed. */
  let rate = 0

  /** How many to claim when `incoming` grants are about to be assigned. */
  const wanted = (incoming: number): number => {
    const now = elapsed()
    if (now - measuredAt >= 1) {
      const ended = pool.ended()
      const current = (ended - endedBefore) / (now - measuredAt)
      rate = rate === 0 ? current : rate * 0.7 + current * 0.3
      endedBefore = ended
      measuredAt = now
    }
    const prefetch = Math.min(options.maxPrefetch, Math.floor(rate * prefetchMillis))
    const held = pool.buffered() + incoming
    const want = pool.free() + prefetch - held
    // a fast queue is refilled in large batches, and an empty one at once
    return want >= Math.max(1, prefetch / 4) || held === 0 ? Math.min(want, maxBatch, claimMost) : 0
  }

  const claim = Effect.fnUntraced(function* (limit: number) {
    const live = yield* supervisor.session
    const request: ClaimRequest = {
      session: live.session.id,
      call: live.nextCall(),
      queue: pool.queue,
      limit,
      park: parkedClaims,
      names: options.names
    }
    const startedAt = elapsed()
    const exit = yield* Effect.exit(
      live.call("claim", log.claim(request), parkedClaims ? live.session.leaseDuration : undefined)
    )
    const at = elapsed()
    return { epoch: live.epoch, exit, at, millis: at - startedAt }
  })

  /** The next claim is on its way while the grants of the last one are started. */
  let next: Fiber.Fiber<Effect.Success<ReturnType<typeof claim>>> | undefined

  for (;;) {
    if (next === undefined) {
      // a log that settles slower than it grants would fill the memory with ended jobs
      if (settler.isCongested()) yield* settler.room
      const limit = wanted(0)
      if (limit <= 0) {
        pool.changed.closeUnsafe()
        if (wanted(0) <= 0) yield* pool.changed.await
        continue
      }
      next = yield* Effect.forkChild(claim(limit), { startImmediately: true })
    }
    const { at, epoch, exit, millis } = yield* Fiber.join(next)
    next = undefined
    if (!Exit.isSuccess(exit)) {
      const error = Cause.findErrorOption(exit.cause)
      const reason = error._tag === "Some" ? error.value.reason._tag : undefined
      // nobody knows what a defect of the log left behind
      const unclear = error._tag === "None" || error.value.outcome === "unknown"
      if (reason === "SessionDead" || reason === "Poisoned" || unclear) {
        // what an unclear claim may hold comes back only with its session; the supervisor opens the next one, and a log
        // that cannot open one must not make this loop spin
        supervisor.sessionDied(epoch)
        if (reason === undefined) yield* Effect.logError(`claiming from ${pool.queue} died in the log`, exit.cause)
      } else {
        yield* Effect.logError(`claiming from ${pool.queue} failed; trying again`, exit.cause)
      }
      yield* Effect.sleep(yield* delay(failures++))
      continue
    }
    failures = 0
    const { cursor, grants, nextAt, now } = exit.value
    if (grants.length > 0) {
      telemetry.claimed(pool.queue, grants, millis, now, at)
      // a few jobs start at once; of many, the next claim goes out first, to be on its way while they start
      const few = grants.length <= startFirst
      if (few) pool.assign({ epoch, grants })
      const ahead = wanted(few ? 0 : grants.length)
      if (ahead > 0 && !settler.isCongested()) next = yield* Effect.forkChild(claim(ahead), { startImmediately: true })
      if (!few) pool.assign({ epoch, grants })
      continue
    }
    const pause = Math.min(options.pollInterval, nextAt === undefined ? Infinity : Math.max(1, nextAt - now))
    // a hint that fails is none: the pause is what remains, so that this loop does not spin
    const changes = notify ? log.changes({ _tag: "Queue", queue: pool.queue, cursor }) : Effect.never
    yield* Effect.raceFirst(
      Effect.catchCause(changes, () => Effect.never),
      Effect.sleep(pause)
    )
  }
})
