/**
 * Instants and spans as people read them.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"

/**
 * Unix milliseconds as ISO 8601 in UTC.
 *
 * @since 0.1.0
 * @category formatting
 * @stability unstable
 */
export const instant = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis))

const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000]
] as const

/**
 * A span's two greatest units, such as `2h 5m`.
 *
 * @since 0.1.0
 * @category formatting
 * @stability unstable
 */
export const span = (millis: number): string => {
  if (millis < 1_000) return `${Math.max(0, Math.round(millis))}ms`
  const first = units.findIndex(([, size]) => millis >= size)
  const [unit, size] = units[first]!
  const rest = units[first + 1]
  const whole = Math.floor(millis / size)
  const more = rest === undefined ? 0 : Math.floor((millis - whole * size) / rest[1])
  return rest === undefined || more === 0 ? `${whole}${unit}` : `${whole}${unit} ${more}${rest[0]}`
}

/**
 * An instant and how far it is from now.
 *
 * @since 0.1.0
 * @category formatting
 * @stability unstable
 */
export const relative = (millis: number, now: number): string =>
  `${instant(millis)} (${millis > now ? `in ${span(millis - now)}` : `${span(now - millis)} ago`})`
