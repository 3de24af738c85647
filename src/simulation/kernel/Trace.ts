/**
 * What happened in a simulation, as lines to read and as one hash to compare: two runs with the same hash took the
 * same steps.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Trace {
  /** Adds a line at a virtual time, microseconds. */
  readonly note: (at: number, line: string) => void
  /** Adds numbers to the hash only; for what happens too often to be written down. */
  readonly mix: (value: number) => void
  /** 16 hexadecimal digits. */
  readonly hash: () => string
  /** The latest lines, oldest first. */
  readonly lines: () => ReadonlyArray<string>
}

/**
 * Keeps the latest `keep` lines; all of them count for the hash.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = (keep: number): Trace => {
  // Two FNV-1a hashes of 32 bits with different bases: collisions matter little, speed much.
  let low = 0x811c9dc5
  let high = 0x2f0b4c47
  const kept: Array<string> = []
  const mix = (value: number): void => {
    low = Math.imul(low ^ value, 0x01000193)
    high = Math.imul(high ^ (value + 0x9e3779b9), 0x01000193)
    high ^= high >>> 15
  }
  return {
    mix,
    note: (at, line) => {
      mix(at | 0)
      for (let i = 0; i < line.length; i++) mix(line.charCodeAt(i))
      if (keep === 0) return
      kept.push(`${(at / 1000).toFixed(3).padStart(12)} ${line}`)
      // amortised: the array is cut when it has grown to twice what is kept
      if (kept.length >= 2 * keep) kept.splice(0, kept.length - keep)
    },
    hash: () => (high >>> 0).toString(16).padStart(8, "0") + (low >>> 0).toString(16).padStart(8, "0"),
    lines: () => kept.slice(-keep)
  }
}
