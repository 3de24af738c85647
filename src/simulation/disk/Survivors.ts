/**
 * Which of a simulated disk's unsynced pieces survive a crash.
 *
 * @since 0.1.0
 */

/**
 * Which of the unsynced pieces a crash keeps: a function of their index, of `pieces` in all. A number keeps that many
 * first bytes of a written piece and tears off the rest.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Keep = (index: number) => boolean | number

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

/**
 * What a machine may make of power lost: keeps everything, nothing, a prefix, or each piece by chance, and may tear
 * one piece anywhere within its bytes.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const keepByChance = (random: () => number): Keep => {
  const manner = random()
  const chance = manner < 0.15 ? 0 : manner < 0.3 ? 1 : random()
  const inOrder = manner >= 0.3 && manner < 0.6
  const tear = random() < 0.5
  const answers: Array<boolean | number> = []
  let lost = false
  let torn = false
  return (index) => {
    while (answers.length <= index) {
      const keep = random() < chance && !(inOrder && lost)
      if (!keep && tear && !torn && chance > 0) {
        torn = true
        lost = true
        answers.push(Math.floor(random() * 512))
        continue
      }
      if (!keep) lost = true
      answers.push(keep)
    }
    return answers[index]!
  }
}
