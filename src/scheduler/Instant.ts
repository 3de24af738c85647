/**
 * Instants and durations as users write them.
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"

/**
 * Unix milliseconds, a `Date` or a `DateTime`.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Instant = number | Date | DateTime.DateTime

/**
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const toMillis = (instant: Instant): number =>
  // oxlint-disable-next-line no-restricted-globals -- a type test reads no clock
  typeof instant === "number" ? instant : instant instanceof Date ? instant.getTime() : instant.epochMilliseconds

/**
 * Whole milliseconds that last at least as long as a duration, undefined when there is none.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const durationMillis = (duration: Duration.Input | undefined): number | undefined =>
  duration === undefined ? undefined : Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(duration)))
