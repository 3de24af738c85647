/**
 * Looks for an order of a job's steps that its automaton allows and that keeps to real time: a step that was over before
 * another was sent comes first (Wing and Gong's search, with Lowe's memory of what was tried). Steps of unknown outcome
 * may come at any place after they were sent, or never.
 *
 * @since 0.1.0
 */
import { absent, describe } from "./LeaseAutomaton.ts"
import type { JobState, JobStep, LeaseAutomaton } from "./LeaseAutomaton.ts"

/**
 * `undecided`: the search was given up.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Verdict = "explained" | "unexplained" | "undecided"

/**
 * Situations that a search may look at before it gives up.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const searchBound = 50_000

/** Steps that only look. */
const looks = new Set<JobStep["kind"]>(["empty", "reclaim", "settleRefused", "cancelRefused", "redriveRefused", "read"])

/**
 * Searches; `collect` gets every state in which the history may have left the job at the event `horizon`.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const linearize = (
  automaton: LeaseAutomaton,
  steps: ReadonlyArray<JobStep>,
  horizon = Number.POSITIVE_INFINITY,
  collect?: (state: JobState) => void
): Verdict => {
  const tried = new Set<string>()
  const done = new Uint8Array(steps.length)
  let undecided = false

  const explore = (state: JobState, from: number, left: number): boolean => {
    if (left === 0) {
      collect?.(state)
      if (collect === undefined) return true
    }
    const key = `${done.join("")} ${describe(state)} ${state.low} ${state.high}`
    if (tried.has(key)) return false
    if (tried.size >= searchBound) {
      undecided = true
      return false
    }
    tried.add(key)
    let until = horizon
    steps.forEach((step, i) => {
      if (done[i] === 0 && !step.optional) until = Math.min(until, step.res)
    })
    // a look that agrees with the state constrains nothing that comes later, so it may as well come now
    for (const [i, step] of steps.entries()) {
      if (done[i] !== 0 || step.inv >= until || !looks.has(step.kind)) continue
      if (automaton.step(state, step, { from: Math.max(from, step.inv), until }) === undefined) continue
      return mark(i, () => explore(state, from, left - 1))
    }
    for (const [i, step] of steps.entries()) {
      if (done[i] !== 0 || step.inv >= until || looks.has(step.kind)) continue
      const at = Math.max(from, step.inv)
      const next = automaton.step(state, step, { from: at, until })
      if (next === undefined || (step.optional && next === state)) continue
      if (mark(i, () => explore(next, at, step.optional ? left : left - 1))) return true
    }
    const lapsed = automaton.lapsed(state, { from, until })
    return lapsed !== undefined && explore(lapsed, from, left)
  }

  const mark = (index: number, go: () => boolean): boolean => {
    done[index] = 1
    const found = go()
    done[index] = 0
    return found
  }

  let found = 0
  const outer = collect
  if (outer !== undefined) {
    collect = (state) => {
      found += 1
      outer(state)
    }
  }
  const definite = steps.reduce((count, step) => count + (step.optional ? 0 : 1), 0)
  if (explore(absent, 0, definite) || found > 0) return "explained"
  return undecided ? "undecided" : "unexplained"
}

/**
 * Where a history stops making sense.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Unexplained {
  /** The step whose answer no order explains. */
  readonly culprit: JobStep
  /** Ids of the sendings up to it that concern the job. */
  readonly prefix: ReadonlyArray<number>
  /** Where the job may have stood before it, in words. */
  readonly before: ReadonlyArray<string>
}

/** What had happened when this event came: what was not answered by then may or may not have happened. */
const upTo = (steps: ReadonlyArray<JobStep>, event: number): ReadonlyArray<JobStep> =>
  steps
    .filter((step) => step.inv < event)
    .map((step) => (step.res <= event ? step : { ...step, optional: true, res: Number.POSITIVE_INFINITY }))

/**
 * The shortest prefix of an unexplained history that is unexplained itself.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const shortestPrefix = (automaton: LeaseAutomaton, steps: ReadonlyArray<JobStep>): Unexplained | undefined => {
  const ends = steps.filter((step) => !step.optional).sort((a, b) => a.res - b.res)
  let former: ReadonlyArray<JobStep> = []
  for (const culprit of ends) {
    const prefix = upTo(steps, culprit.res)
    if (linearize(automaton, prefix, culprit.res) === "unexplained") {
      const before = new Set<string>()
      linearize(automaton, former, culprit.res, (state) => before.size < 6 && before.add(describe(state)))
      return { culprit, prefix: [...new Set(prefix.map((step) => step.source))], before: [...before] }
    }
    former = prefix
  }
  return undefined
}
