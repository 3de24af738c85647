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

const slack = 2

/**
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make: Effect.Effect<Elapsed> = Clock.clockWith((clock) =>
  Effect.sync(() => {
    const wallStart = clock.currentTimeMillisUnsafe()
    const monotonicStart = clock.monotonicTimeNanosUnsafe()
    let ahead = 0
    let elapsed = 0
    return () => {
      const wall = clock.currentTimeMillisUnsafe() - wallStart
      const monotonic = Number(clock.monotonicTimeNanosUnsafe() - monotonicStart) / 1e6
      // the wall clock counts whole milliseconds: only a real lead of it is taken over
      if (wall > monotonic + ahead + slack) ahead = wall - monotonic
      if (monotonic + ahead > elapsed) elapsed = monotonic + ahead
      return elapsed
    }
  })
)
