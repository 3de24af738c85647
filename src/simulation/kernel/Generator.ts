/**
 * The one source of chance in a simulation: a small seeded generator that splits into independent streams, so that
 * drawing more of one thing does not change all that is drawn of another.
 *
 * @since 0.1.0
 */

/**
 * A stream of pseudo-random numbers.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Generator {
  /** At least 0, less than 1, in steps of 2^-32. */
  readonly next: () => number
  /** A whole number of `from` up to and including `to`. */
  readonly between: (from: number, to: number) => number
  /** True with this probability. A probability of 0 or less draws nothing. */
  readonly chance: (probability: number) => boolean
  readonly pick: <A>(choices: readonly [A, ...Array<A>]) => A
  /** A stream of its own that depends on this stream's seed and the label only, not on what was drawn. */
  readonly split: (label: string) => Generator
}

/** Spreads the bits of a seed over 32 bits (the finalizer of MurmurHash3). */
const scramble = (value: number): number => {
  let mixed = value | 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

const hashLabel = (seed: number, label: string): number => {
  let hash = seed | 0
  for (let i = 0; i < label.length; i++) hash = scramble(hash ^ label.charCodeAt(i)) | 0
  return hash >>> 0
}

/**
 * Makes a stream from a seed; of the seed the lower 53 bits count. The generator is sfc32 of Chris Doty-Humphrey's
 * PractRand: 128 bits of state, no multiplication.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = (seed: number): Generator => {
  const low = seed >>> 0
  const high = Math.floor(seed / 0x1_0000_0000) >>> 0
  let a = scramble(low ^ 0x9e3779b9)
  let b = scramble(high ^ 0x243f6a88)
  let c = scramble(a ^ b)
  let counter = 1
  const draw = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return sum >>> 0
  }
  for (let round = 0; round < 12; round++) draw()
  const next = (): number => draw() / 0x1_0000_0000
  const between = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1))
  return {
    next,
    between,
    chance: (probability) => probability > 0 && next() < probability,
    pick: (choices) => choices[between(0, choices.length - 1)] ?? choices[0],
    split: (label) => make(hashLabel(low ^ scramble(high), label))
  }
}
