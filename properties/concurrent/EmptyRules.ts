/**
 * No false empty: a claim may come back empty only if no job was claimable all through it. This needs no bound on time:
 * late expiries, stuck sweepers and lost entries all show as empty claims.
 *
 * @since 0.1.0
 */
import { valueOf } from "./Facts.ts"
import type { Call, Facts, JobFacts } from "./Facts.ts"
import { ruleOf } from "./Finding.ts"
import type { Finding } from "./Finding.ts"

/** All that the session held was surely taken back before the event. */
const takenBack = (facts: Facts, session: string, event: number): boolean =>
  facts.closes.some(({ args, outcome, res }) => args.session === session && outcome.tag === "Ok" && res <= event) ||
  facts.reclaims.some(
    (reclaim) =>
      valueOf(reclaim) === false &&
      reclaim.res <= event &&
      facts.sessions.get(session)?.surelyDead(reclaim.inv, reclaim.res) === true
  )

/** Ordinary bounds are never reached by a program; tight ones are left to the search. */
const isTight = (job: JobFacts): boolean => (job.item?.maxAttempts ?? 0) < 10 || (job.item?.maxDeliveries ?? 0) < 20

/** The job was claimable from some moment before the claim was sent until after it was answered. */
const claimableThroughout = (facts: Facts, job: JobFacts, claim: Call<"claim">): boolean => {
  const { inv, res } = claim
  const now = facts.time.atLeast(inv)
  const enqueue = job.enqueue
  if (enqueue === undefined || valueOf(enqueue) === undefined || enqueue.res > inv || isTight(job)) return false
  if (job.item?.queue !== claim.args.queue || facts.time.atMost(enqueue.res) + job.item.delay > now) return false
  if (job.cancels.some((call) => call.inv < res && (call.outcome.tag === "Unknown" || valueOf(call) === "Done"))) {
    return false
  }
  if (job.settles.some(({ answer }) => answer === "unverified")) return false
  const hidden = facts.claims.every(
    (other) => other.outcome.tag !== "Unknown" || other.inv >= res || takenBack(facts, other.args.session, inv)
  )
  if (!hidden) return false
  return job.grants.every((grant) => {
    if (grant.claim.inv >= res) return true
    const settles = job.settles.filter(
      (settle) => settle.token === grant.token && settle.answer?.startsWith("refused") !== true
    )
    if (settles.length === 0) return takenBack(facts, grant.session, inv)
    return settles.every(
      ({ answer, call, delay }) =>
        (answer === "Ready" || answer === "Scheduled") && call.res <= inv && facts.time.atMost(call.res) + delay <= now
    )
  })
}

/**
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const emptyRules = (facts: Facts): ReadonlyArray<Finding> => {
  const findings: Array<Finding> = []
  for (const claim of facts.claims) {
    if (valueOf(claim)?.grants.length !== 0) continue
    for (const job of facts.jobs.values()) {
      if (!claimableThroughout(facts, job, claim)) continue
      const message = `claim #${claim.args.call} of ${claim.args.session} is empty, but job ${job.id} was claimable all through it`
      findings.push(ruleOf("falseEmpty", message, [job.enqueue?.id ?? 0, claim.id]))
    }
  }
  return findings
}
