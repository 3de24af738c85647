/**
 * Elapsed time as a worker may trust it: the greater of what the monotonic and the wall clock say has passed. Either
 * alone can stand still (a suspended machine stops the monotonic clock) or step back (a corrected wall clock).
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/**
 * Milliseconds since the clock was made; never decreases.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Elapsed = () => number

/** Milliseconds that the two clocks may differ without either having jumped: the wall clock counts whole ones. */
const tolerance = 2

/**
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make: Effect.Effect<Elapsed> = Clock.clockWith((clock) =>
  Effect.sync(() => {
    const monotonicStart = clock.monotonicTimeNanosUnsafe()
    /** How far the wall clock was ahead of the monotonic one when both were last seen to agree. */
    let ahead = clock.currentTimeMillisUnsafe()
    /** What the wall clock has counted beyond the monotonic one, all its leaps together. */
    let leapt = 0
    let elapsed = 0
    return () => {
      const monotonic = Number(clock.monotonicTimeNanosUnsafe() - monotonicStart) / 1e6
      const drift = clock.currentTimeMillisUnsafe() - monotonic - ahead
      if (drift > tolerance || drift < -tolerance) {
        // a leap ahead counts; one back only means that the wall clock counts from there, or time would stand still
        // until it has caught up with its own mistake
        if (drift > 0) leapt += drift
        ahead += drift
      }
      elapsed = Math.max(elapsed, monotonic + leapt)
      return elapsed
    }
  })
)
