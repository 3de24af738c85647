/**
 * Many seeds of a scenario, and what to show of the first that fails.
 *
 * @since 0.1.0
 */
import type { Fault } from "./Fault.ts"
import { telling } from "./Narration.ts"
import { assertOptions } from "./Options.ts"
import { allowed, type RunOptions, runSeed, type Scenario, type SeedResult } from "./Scenario.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface CheckOptions extends RunOptions {
  /** How many seeds to run; default 100. */
  readonly seeds?: number | undefined
  /** The first of them; default 1. */
  readonly firstSeed?: number | undefined
  /** Lines of the trace to show of a failure, without what happens all the time; default 40. */
  readonly keepLines?: number | undefined
}

/**
 * A seed that failed, with as few faults and nodes as it takes.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Failure extends SeedResult {
  /** What `replay` needs beside the scenario and the seed. */
  readonly options: RunOptions
  /** Whether a second run took the same steps. If not, something outside of the simulation has a say. */
  readonly replayed: boolean
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Report {
  readonly scenario: string
  /** Seeds that were run, up to and including the first that failed. */
  readonly seeds: number
  readonly firstSeed: number
  readonly failure: Failure | undefined
  /** What happened over all seeds, by name. */
  readonly counters: Readonly<Record<string, number>>
  /** Virtual milliseconds of all seeds. */
  readonly elapsed: number
  readonly steps: number
}

/** What a violation is about, apart from whom it names: what stands before its first colon, without its numbers. */
const lawOf = (violation: string): string =>
  violation.replace(/:.*$/s, "").replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+/g, "#")

/**
 * Leaves out what the failure does not need: one fault after the other, then nodes. What fails in another way than the
 * first violation says is another failure.
 */
const minimise = <W>(scenario: Scenario<W>, found: SeedResult, options: RunOptions): RunOptions => {
  const laws = new Set(found.violations.slice(0, 1).map(lawOf))
  const fails = (smaller: RunOptions): boolean =>
    runSeed(scenario, found.seed, smaller).violations.some((violation) => laws.has(lawOf(violation)))
  let faults: ReadonlyArray<Fault> = found.armed
  const start = { ...options, faults }
  // what the seed did not arm it does not need
  if (!fails(start)) return options
  for (const fault of found.armed) {
    const fewer = faults.filter((other) => other !== fault)
    if (fails({ ...options, faults: fewer })) faults = fewer
  }
  let smallest: RunOptions = { ...options, faults }
  for (let nodes = 1; nodes < (options.nodes ?? 3); nodes++) {
    if (!fails({ ...smallest, nodes })) continue
    smallest = { ...smallest, nodes }
    break
  }
  return smallest
}

const onlyRun = ({ duration, faults, longestPause, maxSteps, nodes, settleWithin }: RunOptions): RunOptions => ({
  nodes,
  faults,
  duration,
  longestPause,
  settleWithin,
  maxSteps
})

/**
 * Runs seeds until one fails, synchronously. A failing seed is run again, to see that it takes the same steps, and made
 * smaller as long as it fails in the same way: its violations are the same law's when they differ in nothing but numbers
 * and what follows their first colon. If none fails, the first is run again: to take other steps is a failure as well.
 * Throws a RangeError at options that cannot be meant.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const check = <W>(scenario: Scenario<W>, options: CheckOptions = {}): Report => {
  assertOptions(options)
  const { firstSeed = 1, keepLines = 40, seeds = 100 } = options
  const counters = new Map<string, number>()
  let elapsed = 0
  let steps = 0
  let done = 0
  let failure: Failure | undefined
  let firstHash: string | undefined
  while (done < seeds && failure === undefined) {
    const result = runSeed(scenario, firstSeed + done, options)
    done++
    firstHash ??= result.hash
    elapsed += result.elapsed
    steps += result.steps
    for (const [name, count] of Object.entries(result.counters)) counters.set(name, (counters.get(name) ?? 0) + count)
    if (result.violations.length === 0) continue
    const again = runSeed(scenario, result.seed, options)
    const replayed = again.hash === result.hash
    const given = onlyRun({ ...options, faults: allowed(options) })
    const smallest = replayed ? minimise(scenario, result, given) : given
    const shown = runSeed(scenario, result.seed, smallest, 50 * keepLines)
    failure = { ...shown, lines: telling(shown.lines, keepLines), options: smallest, replayed }
  }
  if (failure === undefined) {
    const again = runSeed(scenario, firstSeed, options)
    const given = onlyRun({ ...options, faults: allowed(options) })
    const violations = ["no seed fails, but none can be replayed"]
    if (again.hash !== firstHash) failure = { ...again, violations, options: given, replayed: false }
  }
  return {
    scenario: scenario.name,
    seeds: done,
    firstSeed,
    failure,
    counters: Object.fromEntries([...counters].sort(([a], [b]) => (a < b ? -1 : 1))),
    elapsed,
    steps
  }
}

/**
 * Runs one seed again and keeps its trace.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const replay = <W>(
  scenario: Scenario<W>,
  seed: number,
  options: RunOptions & { readonly keepLines?: number | undefined } = {}
): SeedResult => runSeed(scenario, seed, options, options.keepLines ?? 10_000)
