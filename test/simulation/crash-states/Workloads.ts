/** Workloads as numbers: by length, then by what they begin with, then by their operations in the alphabet's order. */

export interface Workload {
  readonly beginning: number
  /** Letters of the alphabet. */
  readonly word: ReadonlyArray<number>
}

/** How many workloads have up to so many operations. */
export const countUpTo = (length: number, beginnings: number, letters: number): number => {
  let count = 0
  for (let each = 0; each <= length; each++) count += beginnings * letters ** each
  return count
}

export const workloadAt = (number: number, beginnings: number, letters: number): Workload => {
  let length = 0
  let rest = number
  while (rest >= beginnings * letters ** length) rest -= beginnings * letters ** length++
  const words = letters ** length
  const word: Array<number> = []
  let within = rest % words
  for (let i = 0; i < length; i++) {
    word.unshift(within % letters)
    within = Math.floor(within / letters)
  }
  return { beginning: Math.floor(rest / words), word }
}

/** The number of the first workload of the same length that does not begin with the same `kept` operations. */
export const afterPrefix = (
  number: number,
  kept: number,
  length: number,
  beginnings: number,
  letters: number
): number => {
  const first = countUpTo(length - 1, beginnings, letters)
  const step = letters ** (length - kept)
  return first + (Math.floor((number - first) / step) + 1) * step
}
