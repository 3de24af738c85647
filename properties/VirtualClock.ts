/**
 * A clock that moves only when told to, for logs that take their time from Effect's `Clock`.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { JobLogOperations } from "../src/log/JobLog.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface VirtualClock extends Clock.Clock {
  /** Moves the clock forward by milliseconds and wakes what slept until then, in order. */
  readonly advance: (millis: number) => Effect.Effect<void>
  /** Sets the wall clock forward or back by milliseconds; no time passes, and the monotonic clock stays as it is. */
  readonly step: (millis: number) => Effect.Effect<void>
}

interface Sleeper {
  readonly until: number
  readonly resume: () => void
}

/**
 * Makes a clock that stands still at `start`, Unix milliseconds (default: the beginning of 2030).
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = (start = 1_893_456_000_000): VirtualClock => {
  let now = start
  /** How far the wall clock was set away from the time that passed. */
  let set = 0
  let sleepers: Array<Sleeper> = []
  const nanos = (millis: number): bigint => BigInt(millis) * 1_000_000n
  return {
    currentTimeMillisUnsafe: () => now + set,
    currentTimeMillis: Effect.sync(() => now + set),
    currentTimeNanosUnsafe: () => nanos(now + set),
    currentTimeNanos: Effect.sync(() => nanos(now + set)),
    monotonicTimeNanosUnsafe: () => nanos(now),
    monotonicTimeNanos: Effect.sync(() => nanos(now)),
    step: (millis) =>
      Effect.sync(() => {
        set += millis
      }),
    sleep: (duration) =>
      Effect.callback((resume) => {
        const until = now + Math.ceil(Math.max(0, Duration.toMillis(duration)))
        if (until <= now) return resume(Effect.void)
        const sleeper: Sleeper = { until, resume: () => resume(Effect.void) }
        sleepers.push(sleeper)
        return Effect.sync(() => {
          sleepers = sleepers.filter((other) => other !== sleeper)
        })
      }),
    advance: (millis) =>
      Effect.gen(function* () {
        const target = now + millis
        while (true) {
          const due = sleepers.filter((sleeper) => sleeper.until <= target).sort((a, b) => a.until - b.until)
          const first = due[0]
          if (first === undefined) break
          now = Math.max(now, first.until)
          sleepers = sleepers.filter((sleeper) => sleeper !== first)
          first.resume()
          // lets what was woken run, and sleep again, before the clock goes on
          yield* Effect.yieldNow
        }
        now = target
        yield* Effect.yieldNow
      })
  }
}

/**
 * The same log, with all its operations on another clock than their caller's.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const runLogOn = (clock: Clock.Clock, log: JobLogOperations): JobLogOperations => {
  const on = Effect.provideService(Clock.Clock, clock)
  return {
    capabilities: log.capabilities,
    open: (options) => on(log.open(options)),
    renew: (request) => on(log.renew(request)),
    close: (session) => on(log.close(session)),
    enqueue: (items) => on(log.enqueue(items)),
    claim: (request) => on(log.claim(request)),
    settle: (request) => on(log.settle(request)),
    reclaim: (options) => on(log.reclaim(options)),
    control: (commands) => on(log.control(commands)),
    read: (query) => on(log.read(query)),
    changes: (request) => on(log.changes(request))
  }
}
