/**
 * The lease supervisor: keeps one session alive, off the handlers' fibers.
 *
 * It renews on a beat of a third of the lease, passes on losses and cancellations, fences itself when renewal fails
 * for too long, opens a new session when the old one is dead, reclaims what dead sessions left behind, holds the
 * timeouts of all runs in one heap, and notices when the event loop stalls.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import type { JobLogOperations, RenewRequest, RenewResult } from "../log/JobLog.ts"
import { type LogError, Unavailable, unknown } from "../log/LogError.ts"
import { Limits } from "../model/Limits.ts"
import type { Elapsed } from "./MonotonicClock.ts"
import type { Epoch, LiveSession } from "./Protocol.ts"
import { SessionCalls } from "./SessionCalls.ts"
import type { Telemetry } from "./Telemetry.ts"
import { type Timer, TimerHeap } from "./TimerHeap.ts"

/** What a renewal carries. */
type Report = Pick<RenewRequest, "started" | "progress">

/**
 * What the supervisor asks of whoever holds grants (the worker pools).
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface GrantHolder {
  readonly queue: string
  /** Runs that started since the last call and still run, and new progress values. */
  readonly report: (epoch: Epoch) => Report
  readonly renewed: (epoch: Epoch, result: RenewResult) => void
  /** Everything of this epoch is lost. */
  readonly lost: (epoch: Epoch) => void
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface LeaseSupervisor {
  /** The live session; waits while there is none. */
  readonly session: Effect.Effect<LiveSession>
  /** Whether this epoch's session is the live one. */
  readonly isLive: (epoch: Epoch) => boolean
  /** Local elapsed time until which this process may believe in its lease. */
  readonly trustedUntil: () => number
  /** Says that the log refused a call of this epoch because its session is dead. */
  readonly sessionDied: (epoch: Epoch) => void
  readonly attach: (holder: GrantHolder) => void
  /** Runs `fire` after `millis`, outside of any handler's fiber. */
  readonly after: (millis: number, fire: () => void) => Timer
  /** Renews now, for example to carry a progress value or to learn of a cancellation. */
  readonly renewNow: Effect.Effect<void>
  /** Ends the session: what it still holds becomes claimable. Idempotent. */
  readonly close: Effect.Effect<void>
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface LeaseSupervisorOptions {
  readonly log: JobLogOperations
  readonly owner: string
  /** Milliseconds. */
  readonly leaseDuration: number
  readonly elapsed: Elapsed
  readonly telemetry: Telemetry
  /** Milliseconds between reclaim beats. */
  readonly reclaimInterval: number
}

/** A session is given up this much before its lease could run out: two clocks may differ a little in rate. */
const margin = (leaseDuration: number): number => Math.min(1_000, leaseDuration / 10)

/** Milliseconds that opening a session may take: a poisoned log recovers from its storage first. */
const openPatience = 60_000

const openUnanswered = unknown("open", new Unavailable({ detail: `no answer within ${openPatience} ms` }))

const openTooLate = unknown("open", new Unavailable({ detail: "the answers take longer than the lease" }))

/** Milliseconds that a closing log may take. */
const closePatience = 5_000

const nothing: Report = { started: [], progress: [] }

const join = (left: Report, right: Report): Report => ({
  started: left.started.length === 0 ? right.started : [...left.started, ...right.started],
  progress: left.progress.length === 0 ? right.progress : [...left.progress, ...right.progress]
})

/** Cuts a report to what one call may carry. */
const cut = (report: Report): { readonly now: Report; readonly later: Report } => {
  const fits = Math.floor(Limits.batchBytes / Limits.progressBytes)
  if (report.progress.length <= fits) return { now: report, later: nothing }
  return {
    now: { started: report.started, progress: report.progress.slice(0, fits) },
    later: { started: [], progress: report.progress.slice(fits) }
  }
}

/**
 * Starts a supervisor; closing the scope stops it and closes its session.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = Effect.fnUntraced(function* (
  options: LeaseSupervisorOptions
): Effect.fn.Return<LeaseSupervisor, LogError, Scope.Scope> {
  const { elapsed, leaseDuration, log, telemetry } = options
  const holders: Array<GrantHolder> = []
  const timers = new TimerHeap()
  const timerWake = Latch.makeUnsafe(false)
  const beatWake = Latch.makeUnsafe(false)
  const beat = leaseDuration / 3

  let epoch: Epoch = 0
  let live: LiveSession | undefined
  let calls: SessionCalls | undefined
  let trustedUntil = 0
  let unsent = nothing
  let closed = false
  let waiting = Deferred.makeUnsafe<LiveSession>()

  const openSession = Effect.fnUntraced(function* () {
    const sentAt = elapsed()
    const session = yield* Effect.timeoutOrElse(log.open({ owner: options.owner, leaseDuration }), {
      duration: openPatience,
      orElse: () => Effect.fail(openUnanswered)
    })
    let number = 0
    const trusted = leaseDuration - margin(leaseDuration)
    let since = sentAt
    if (elapsed() >= since + trusted) {
      // the log took its time, as one does that recovers first: whether the session lives only a quick answer can tell
      since = elapsed()
      const renewal = log.renew({ session: session.id, call: ++number, ...nothing })
      yield* Effect.timeoutOrElse(renewal, { duration: trusted, orElse: () => Effect.fail(openTooLate) })
      if (elapsed() >= since + trusted) return yield* Effect.fail(openTooLate)
    }
    epoch++
    trustedUntil = since + trusted
    unsent = nothing
    const own = new SessionCalls(session.id, elapsed)
    calls = own
    live = {
      epoch,
      session,
      nextCall: () => ++number,
      call: (operation, call, patience = beat / 2) => own.run(operation, call, patience, () => elapsed() < trustedUntil)
    }
    const opened = waiting
    waiting = Deferred.makeUnsafe<LiveSession>()
    yield* Deferred.succeed(opened, live)
  })

  const sessionDied = (died: Epoch): void => {
    if (live === undefined || live.epoch !== died) return
    live = undefined
    for (const holder of holders) holder.lost(died)
    calls?.end()
    beatWake.openUnsafe()
  }

  const renew = Effect.fnUntraced(function* () {
    const current = live
    if (current === undefined) return
    const sentAt = elapsed()
    const { now, later } = cut(holders.map((holder) => holder.report(current.epoch)).reduce(join, unsent))
    unsent = later
    const request = { session: current.session.id, call: current.nextCall(), ...now }
    const exit = yield* Effect.exit(current.call("renew", log.renew(request)))
    if (live !== current) return
    if (Exit.isSuccess(exit)) {
      trustedUntil = sentAt + leaseDuration - margin(leaseDuration)
      for (const holder of holders) holder.renewed(current.epoch, exit.value)
      return
    }
    // the marks go with the next renewal: a start that the log does not know of would cost no attempt
    unsent = join(now, later)
    yield* Effect.logWarning("lease renewal failed", exit.cause)
    const error = Cause.findErrorOption(exit.cause)
    const dead =
      error._tag === "Some" && (error.value.reason._tag === "SessionDead" || error.value.reason._tag === "Poisoned")
    if (dead || elapsed() >= trustedUntil) sessionDied(current.epoch)
  })

  const renewLoop = Effect.gen(function* () {
    let failures = 0
    while (!closed) {
      const before = elapsed()
      // a beat comes early when the session died, when somebody asks, or in time to fence ourselves
      const pause = live === undefined ? Math.min(5_000, 50 * 2 ** Math.min(failures, 10)) : beat
      const woken = live === undefined && failures === 0 ? true : yield* sleepUntilOpen(beatWake, pause)
      beatWake.closeUnsafe()
      const late = elapsed() - before - pause
      if (!woken && late > Math.max(100, beat / 4)) telemetry.stalled(late)
      if (closed) return
      if (live !== undefined) {
        yield* renew()
      }
      if (live === undefined) {
        const exit = yield* Effect.exit(openSession())
        if (Exit.isSuccess(exit)) failures = 0
        else {
          failures++
          yield* Effect.logError("the log opens no session; trying again", exit.cause)
        }
      }
    }
  })

  const fenceLoop = Effect.gen(function* () {
    while (!closed) {
      const current = live
      if (current === undefined) {
        // of a session that took long to open little may be left: less than a pause of this loop
        yield* Deferred.await(waiting)
        continue
      }
      const left = trustedUntil - elapsed()
      if (left <= 0) {
        sessionDied(current.epoch)
        continue
      }
      // a reply that was lost is asked for again while there is time
      calls?.giveUpOverdue()
      yield* Effect.sleep(Math.max(1, Math.min(left, beat / 4)))
    }
  })

  const reclaimLoop = Effect.gen(function* () {
    while (!closed) {
      const exit = yield* Effect.exit(log.reclaim({ limit: 1_000 }))
      if (Exit.isSuccess(exit)) {
        const { deadLettered, more, reclaimed } = exit.value
        if (reclaimed > 0 || deadLettered > 0) telemetry.reclaimed(reclaimed, deadLettered)
        if (more) continue
      }
      yield* Effect.sleep(options.reclaimInterval)
    }
  })

  const timerLoop = Effect.gen(function* () {
    for (;;) {
      timers.fireDue(elapsed())
      const next = timers.next()
      if (next === undefined) {
        yield* timerWake.await
      } else {
        yield* sleepUntilOpen(timerWake, Math.max(1, next - elapsed()))
      }
      timerWake.closeUnsafe()
    }
  })

  const close = Effect.suspend(() => {
    closed = true
    const current = live
    live = undefined
    calls?.end()
    return current === undefined
      ? Effect.void
      : log.close(current.session.id).pipe(
          // a log that answers no more must not hold up the end
          Effect.timeout(closePatience),
          Effect.catchCause((cause) => Effect.logWarning("the session was not closed; its lease will run out", cause))
        )
  })

  yield* openSession()
  yield* Effect.addFinalizer(() => close)
  yield* Effect.forkScoped(renewLoop)
  yield* Effect.forkScoped(fenceLoop)
  yield* Effect.forkScoped(reclaimLoop)
  yield* Effect.forkScoped(timerLoop)

  return {
    session: Effect.suspend(() => (live === undefined ? Deferred.await(waiting) : Effect.succeed(live))),
    isLive: (of) => live !== undefined && live.epoch === of,
    trustedUntil: () => trustedUntil,
    sessionDied,
    attach: (holder) => {
      holders.push(holder)
    },
    after: (millis, fire) => {
      const timer: Timer = { at: elapsed() + millis, cancelled: false, fire }
      if (timers.add(timer)) timerWake.openUnsafe()
      return timer
    },
    renewNow: Effect.sync(() => {
      beatWake.openUnsafe()
    }),
    close
  }
})

/** Sleeps for `millis`, or until the latch opens; answers whether the latch did. */
const sleepUntilOpen = (latch: Latch.Latch, millis: number): Effect.Effect<boolean> =>
  Effect.raceFirst(Effect.as(latch.await, true), Effect.as(Effect.sleep(millis), false))
