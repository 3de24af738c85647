/**
 * Judges a concurrent history: by rules about intervals, and by looking for an order that explains it.
 *
 * @since 0.1.0
 */
import { factsOf } from "./Facts.ts"
import type { Facts, JobFacts } from "./Facts.ts"
import { formatOperation } from "./History.ts"
import type { History } from "./History.ts"
import { ruleOf } from "./Finding.ts"
import type { Finding, Rule } from "./Finding.ts"
import { grantRules } from "./GrantRules.ts"
import { stepsOf } from "./JobSteps.ts"
import { LeaseAutomaton } from "./LeaseAutomaton.ts"
import { linearize, shortestPrefix } from "./Linearize.ts"
import { lossRules } from "./LossRules.ts"
import { outcomeRules } from "./OutcomeRules.ts"

/**
 * What a checker found in a history.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Judgement {
  readonly findings: ReadonlyArray<Finding>
  /** Jobs whose search was given up, because too many orders were possible. */
  readonly undecided: number
}

const search = (facts: Facts, job: JobFacts): Finding | "undecided" | undefined => {
  // a job that nobody enqueued is a finding of its own
  if (job.item === undefined) return undefined
  const automaton = new LeaseAutomaton(facts, job.item)
  const steps = stepsOf(facts, job)
  const verdict = linearize(automaton, steps)
  if (verdict !== "unexplained") return verdict === "undecided" ? verdict : undefined
  const found = shortestPrefix(automaton, steps)
  const { operations } = facts.history
  const culprit = operations[found?.culprit.source ?? 0]
  const trusting = linearize(automaton, stepsOf(facts, job, true)) === "unexplained"
  const rule: Rule = !trusting ? "refusedButDone" : found?.culprit.kind === "empty" ? "unexplainedEmpty" : "unexplained"
  const message =
    `job ${job.id}: no order explains ${culprit === undefined ? "it" : formatOperation(culprit)}` +
    (trusting ? "" : "; it is explained if a refused call has happened") +
    (found === undefined ? "" : `; before it the job was one of: ${found.before.join(" | ") || "nothing possible"}`)
  return ruleOf(rule, message, found?.prefix ?? steps.map((step) => step.source))
}

/**
 * Judges a history. It knows nothing but the history: no log, no model of one.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const checkHistory = (history: History): Judgement => checkFacts(factsOf(history))

/**
 * Judges a history that has been put in order.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const checkFacts = (facts: Facts): Judgement => {
  const findings: Array<Finding> = [...outcomeRules(facts), ...grantRules(facts), ...lossRules(facts)]
  let undecided = 0
  for (const job of facts.jobs.values()) {
    const found = search(facts, job)
    if (found === "undecided") undecided += 1
    else if (found !== undefined) findings.push(found)
  }
  return { findings, undecided }
}
