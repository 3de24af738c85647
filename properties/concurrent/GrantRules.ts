/**
 * Rules about grants: one lease at a time, growing tokens, true counts, nothing after the end, nothing too early.
 *
 * @since 0.1.0
 */
import { valueOf } from "./Facts.ts"
import type { Call, Facts, GrantFact, JobFacts } from "./Facts.ts"
import { ruleOf } from "./Finding.ts"
import type { Finding } from "./Finding.ts"
import { emptyRules } from "./EmptyRules.ts"

const claimShape = (claim: Call<"claim">): Finding | undefined => {
  const grants = valueOf(claim)?.grants ?? []
  const { limit, queue } = claim.args
  const ids = new Set(grants.map(({ job }) => job))
  const problem =
    grants.length > limit
      ? `granted ${grants.length} of at most ${limit}`
      : ids.size < grants.length
        ? "granted one job twice"
        : grants.some((grant) => grant.queue !== queue)
          ? "granted a job of another queue"
          : undefined
  return problem === undefined
    ? undefined
    : ruleOf("claimShape", `claim #${claim.args.call} of ${claim.args.session} ${problem}`, [claim.id])
}

/** Whether the first grant may have ended before the second was given. */
const mayHaveEnded = (facts: Facts, job: JobFacts, first: GrantFact, second: GrantFact): boolean => {
  const until = second.claim.res
  const settled = job.settles.some(
    ({ answer, call, session, token }) =>
      call.inv < until &&
      (answer === "unverified" ||
        (token === first.token && session === first.session && answer?.startsWith("refused") !== true))
  )
  return settled || facts.sessions.get(first.session)?.mayBeDead(second.claim.inv, until) !== false
}

const together = (a: Call<"claim">, b: Call<"claim">): boolean => a.inv < b.res && b.inv < a.res

const pairRules = (facts: Facts, job: JobFacts, first: GrantFact, second: GrantFact): Finding | undefined => {
  const ids = [first.claim.id, second.claim.id]
  const both = `job ${job.id}, tokens ${first.token} and ${second.token}`
  if (first.token === second.token) {
    return first.claim === second.claim ? undefined : ruleOf("grantedTwice", `${both}: one grant, two claims`, ids)
  }
  if (mayHaveEnded(facts, job, first, second)) return undefined
  const rule = together(first.claim, second.claim) ? "claimedTogether" : "leasesOverlap"
  return ruleOf(rule, `${both}: the first grant cannot have ended when the second was given`, ids)
}

/** Grants that nobody was told of which the job may have had before this event. */
const hiddenGrants = (facts: Facts, queue: string, until: number): number =>
  facts.claims.filter(({ args, inv, outcome }) => args.queue === queue && outcome.tag === "Unknown" && inv < until)
    .length

const countRules = (
  facts: Facts,
  job: JobFacts,
  former: GrantFact | undefined,
  latter: GrantFact
): Finding | undefined => {
  const { grant } = latter
  const hidden = hiddenGrants(facts, grant.queue, latter.claim.res)
  const own = facts.history.promises.attempts === "job"
  const base =
    former !== undefined && former.grant.generation === grant.generation
      ? former.grant
      : { delivery: 0, attempt: own ? 0 : Number.NEGATIVE_INFINITY }
  // the first of a generation has had no run before it unless hidden
  const first = base !== former?.grant
  const problem =
    former !== undefined && grant.generation < former.grant.generation
      ? `generation ${grant.generation} after ${former.grant.generation}`
      : grant.delivery <= base.delivery
        ? `delivery ${grant.delivery} after ${base.delivery}`
        : grant.delivery > base.delivery + 1 + hidden && (!first || grant.generation === 1)
          ? `delivery ${grant.delivery} after ${base.delivery}, with ${hidden} claims of unknown outcome`
          : grant.delivery > (job.item?.maxDeliveries ?? Number.POSITIVE_INFINITY)
            ? `delivery ${grant.delivery} of at most ${job.item?.maxDeliveries}`
            : !own
              ? undefined
              : grant.attempt < Math.max(1, base.attempt)
                ? `attempt ${grant.attempt} after ${base.attempt}`
                : grant.attempt > grant.delivery
                  ? `attempt ${grant.attempt} with delivery ${grant.delivery}`
                  : grant.attempt > (job.item?.maxAttempts ?? Number.POSITIVE_INFINITY)
                    ? `attempt ${grant.attempt} of at most ${job.item?.maxAttempts}`
                    : undefined
  return problem === undefined
    ? undefined
    : ruleOf("miscounted", `job ${job.id}, token ${latter.token}: ${problem}`, [latter.claim.id])
}

const endRules = (job: JobFacts): ReadonlyArray<Finding> => {
  const findings: Array<Finding> = []
  const completed = job.settles.filter(({ answer }) => answer === "Completed")
  const dead = job.settles.filter(({ answer }) => answer === "DeadLettered")
  const cancelled = job.cancels.filter((call) => valueOf(call) === "Done")
  const redriven = job.redrives.filter((call) => call.outcome.tag === "Unknown" || valueOf(call) === "Done")
  const ends = [...completed.map(({ call }) => call), ...cancelled, ...dead.map(({ call }) => call)]
  // an operator may cancel what is dead, and bring it back
  const excess =
    completed.length > 1 ||
    cancelled.length > 1 ||
    (completed.length > 0 && cancelled.length > 0) ||
    (redriven.length === 0 && (dead.length > 1 || (dead.length > 0 && completed.length > 0)))
  if (excess) {
    const ids = ends.map(({ id }) => id)
    findings.push(ruleOf("endedTwice", `job ${job.id} ended more than once, by operations ${ids.join()}`, ids))
  }
  for (const { claim, token } of job.grants) {
    const end =
      completed.find((settle) => settle.token < token || settle.call.res <= claim.inv)?.call ??
      dead.find(
        (settle) =>
          (settle.token < token || settle.call.res <= claim.inv) && !redriven.some(({ inv }) => inv < claim.res)
      )?.call ??
      cancelled.find(({ res }) => res <= claim.inv)
    if (end === undefined) continue
    const message = `job ${job.id} is granted with token ${token} after it had ended`
    findings.push(ruleOf("grantedAfterEnd", message, [end.id, claim.id]))
  }
  return findings
}

const earlyRules = (
  facts: Facts,
  job: JobFacts,
  former: GrantFact | undefined,
  latter: GrantFact
): Finding | undefined => {
  const now = facts.time.atMost(latter.claim.res)
  const enqueue = job.enqueue
  const back = job.settles.find(
    ({ answer, kind, token }) =>
      token === former?.token && (answer === "Ready" || answer === "Scheduled") && kind !== "Complete"
  )
  const since = back === undefined ? enqueue : back.call
  const delay = back === undefined ? (job.item?.delay ?? 0) : back.delay
  // redriven, it is claimable at once
  if (since === undefined || (former?.grant.generation ?? 1) !== latter.grant.generation) return undefined
  const from = facts.time.atLeast(since.inv) + delay
  if (now >= from) return undefined
  const message = `job ${job.id} is granted with token ${latter.token} at ${now} or before, but not visible until ${from}`
  return ruleOf("early", message, [since.id, latter.claim.id])
}

/** Tokens of grants in the order of real time, per queue. */
const tokenRules = (facts: Facts): Finding | undefined => {
  const grants = [...facts.jobs.values()].flatMap((job) => job.grants)
  const holders = new Map<string, GrantFact>()
  for (const grant of grants) {
    const name = `${grant.grant.queue} ${grant.token}`
    const other = holders.get(name)
    holders.set(name, grant)
    if (other !== undefined && other.grant.job !== grant.grant.job) {
      return ruleOf("tokenOrder", `token ${grant.token} was given to two jobs`, [other.claim.id, grant.claim.id])
    }
  }
  for (const former of grants) {
    for (const latter of grants) {
      if (former.grant.queue !== latter.grant.queue || former.claim.res > latter.claim.inv) continue
      if (former.token < latter.token || former.claim === latter.claim) continue
      const message = `token ${latter.token} was given after token ${former.token}`
      return ruleOf("tokenOrder", message, [former.claim.id, latter.claim.id])
    }
  }
  return undefined
}

/**
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const grantRules = (facts: Facts): ReadonlyArray<Finding> => {
  const findings: Array<Finding | undefined> = facts.claims.map(claimShape)
  findings.push(tokenRules(facts))
  for (const job of facts.jobs.values()) {
    findings.push(...endRules(job))
    let former: GrantFact | undefined
    for (const grant of job.grants) {
      if (former !== undefined) findings.push(pairRules(facts, job, former, grant))
      findings.push(countRules(facts, job, former, grant), earlyRules(facts, job, former, grant))
      former = grant
    }
  }
  findings.push(...emptyRules(facts))
  return findings.filter((finding) => finding !== undefined)
}
