/**
 * Job ids: UUIDs of version 7 (RFC 9562), made by the producer before it sends. Time and randomness come from the
 * caller's services.
 *
 * @since 0.1.0
 */
import type * as Random from "effect/Random"

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

const hex32 = (value: number): string =>
  hex[value >>> 24]! + hex[(value >>> 16) & 255]! + hex[(value >>> 8) & 255]! + hex[value & 255]!

/**
 * Makes ids for an instant. Within one millisecond the last 32 bits count up from a random start, so ids of one
 * generator sort in the order in which they were made, and 74 - 32 random bits keep generators apart.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const makeGenerator = (): ((now: number, random: Random.Random) => string) => {
  let millis = -1
  let prefix = ""
  let counter = 0
  return (now, random) => {
    if (now > millis || counter === 0xffff_ffff) {
      millis = Math.max(now, millis + (counter === 0xffff_ffff ? 1 : 0))
      const time = hex32(Math.floor(millis / 0x1_0000)) + hex[(millis >>> 8) & 255]! + hex[millis & 255]!
      const high = hex32(Math.floor(random.nextDoubleUnsafe() * 0x1_0000_0000))
      const low = Math.floor(random.nextDoubleUnsafe() * 0x1_0000_0000)
      const variant = hex[0x80 | (low & 0x3f)]! + hex[(low >>> 8) & 255]!
      prefix =
        `${time.slice(0, 8)}-${time.slice(8)}-7${high.slice(0, 3)}-${variant}-` +
        hex[(low >>> 16) & 255]! +
        hex[low >>> 24]!
      // leaves room to count without wrapping
      counter = Math.floor(random.nextDoubleUnsafe() * 0x8000_0000)
    }
    counter++
    return prefix + hex32(counter)
  }
}

const generators = new WeakMap<Random.Random, (now: number, random: Random.Random) => string>()

/**
 * Makes the next id of a source of randomness: one generator for each, so that a program under a seed of its own gets
 * the same ids each time, whatever else the process did before.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const nextJobId = (now: number, random: Random.Random): string => {
  let next = generators.get(random)
  if (next === undefined) {
    next = makeGenerator()
    generators.set(random, next)
  }
  return next(now, random)
}
