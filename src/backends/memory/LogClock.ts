/**
 * The log's own time: it never goes back, and never stands still while time passes.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"

const nanosPerMilli = BigInt(1_000_000)

/**
 * Reads Unix milliseconds: the wall clock at the start plus whichever has advanced further since, the monotonic clock
 * or the wall clock. Setting the wall clock back thus cannot lengthen a lease, and a machine that slept with its
 * monotonic clock stopped still lets leases run out.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = (clock: Clock.Clock): (() => number) => {
  const start = clock.currentTimeMillisUnsafe()
  const monotonicStart = clock.monotonicTimeNanosUnsafe()
  let latest = start
  return () => {
    const monotonic = start + Number((clock.monotonicTimeNanosUnsafe() - monotonicStart) / nanosPerMilli)
    latest = Math.max(latest, monotonic, clock.currentTimeMillisUnsafe())
    return latest
  }
}
