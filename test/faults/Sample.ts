/** A few points of the whole matrix that stand for all of it. */
import { nameOf, type Point } from "./SyscallMatrix.ts"

/** Linear congruential: good enough to spread points, and the same everywhere. */
const randomFrom = (seed: number): ((below: number) => number) => {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 0x1_0000_0000) * below)
  }
}

/**
 * For every way of failing and every call one point, from the scenarios that had the fewest so far; then more until
 * there are `least`. Another seed takes other points.
 */
export const sampleOf = (points: ReadonlyArray<Point>, seed: number, least: number): ReadonlyArray<Point> => {
  const random = randomFrom(seed)
  const cells = Map.groupBy(points, ({ kind, syscall }) => `${kind}, ${syscall}`)
  const used = new Map<string, number>()
  const chosen = new Map<string, Point>()
  const take = (from: ReadonlyArray<Point>): void => {
    const fewest = Math.min(...from.map(({ scenario }) => used.get(scenario) ?? 0))
    const open = from.filter(({ scenario }) => (used.get(scenario) ?? 0) === fewest)
    const point = open[random(open.length)]
    if (point === undefined) return
    used.set(point.scenario, fewest + 1)
    chosen.set(nameOf(point), point)
  }
  for (const cell of cells.values()) take(cell)
  while (chosen.size < Math.min(least, points.length)) take(points.filter((point) => !chosen.has(nameOf(point))))
  return [...chosen.values()]
}
