/**
 * Which of a simulated disk's unsynced pieces survive a crash.
 *
 * @since 0.1.0
 */

/**
 * Which of the unsynced pieces a crash keeps: a predicate over their index, of `pieces` in all.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Keep = (index: number) => boolean

/**
 * A repeatable source of numbers in [0, 1).
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const seeded = (seed: number): (() => number) => {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 0x1_0000_0000
  }
}

/**
 * Keeps each piece with a seeded chance.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const keepSome = (seed: number): Keep => {
  const random = seeded(seed)
  const chance = random()
  const chosen: Array<boolean> = []
  return (index) => {
    while (chosen.length <= index) chosen.push(random() < chance)
    return chosen[index]!
  }
}
