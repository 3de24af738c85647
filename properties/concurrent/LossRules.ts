/**
 * Rules about the whole: after a drain every acknowledged job has come to its end, nothing else has appeared, and what
 * came out is what went in.
 *
 * @since 0.1.0
 */
import { valueOf } from "./Facts.ts"
import type { Facts, JobFacts } from "./Facts.ts"
import { ruleOf } from "./Finding.ts"
import type { Finding } from "./Finding.ts"

const ends = new Set(["Completed", "DeadLettered", "Cancelled"])

/** What the last read showed of a job; undefined where nobody looked. */
const shownLast = (job: JobFacts) => {
  const read = job.reads.findLast((call) => call.outcome.tag === "Ok")
  return read === undefined ? undefined : valueOf(read)
}

/** The job was seen by somebody, so that its enqueue has happened. */
const seen = (job: JobFacts): boolean =>
  job.grants.length > 0 ||
  job.reads.some((call) => (valueOf(call) ?? null) !== null) ||
  [...job.cancels.map(valueOf), ...job.redrives.map(valueOf)].some(
    (answer) => answer !== undefined && answer !== "unknownJob"
  )

/** Something may have ended the job, as far as its callers know. */
const mayHaveEnded = (job: JobFacts): boolean =>
  job.settles.some(({ answer, call, kind }) =>
    call.outcome.tag === "Unknown"
      ? kind === "Complete" || kind === "DeadLetter"
      : answer === "unverified" || ends.has(answer ?? "")
  ) ||
  job.cancels.some((call) => call.outcome.tag === "Unknown" || valueOf(call) === "Done") ||
  // tight bounds may have ended it when a lease ran out, of which nobody is told
  (job.item?.maxDeliveries ?? 0) < 20

const lost = (job: JobFacts): Finding | undefined => {
  const enqueue = job.enqueue
  if (enqueue === undefined || enqueue.outcome.tag === "Refused") return undefined
  if (enqueue.outcome.tag === "Unknown" && !seen(job)) return undefined
  const last = shownLast(job)
  const problem =
    last === null
      ? "is not to be found after the drain"
      : last !== undefined && !ends.has(last.state)
        ? `is still ${last.state} after the drain`
        : last === undefined && !mayHaveEnded(job)
          ? "was never drained, and nobody has ended it"
          : undefined
  return problem === undefined ? undefined : ruleOf("lost", `job ${job.id} ${problem}`, [enqueue.id])
}

const changed = (job: JobFacts): ReadonlyArray<Finding> => {
  const item = job.item
  if (item === undefined) return []
  const findings: Array<Finding> = []
  for (const { claim, grant } of job.grants) {
    if (grant.payload !== item.payload || grant.queue !== item.queue) {
      findings.push(ruleOf("changed", `job ${job.id} is granted as ${JSON.stringify(grant)}`, [claim.id]))
    }
  }
  for (const read of job.reads) {
    const shown = valueOf(read)
    if (shown !== undefined && shown !== null && shown.payload !== item.payload) {
      findings.push(ruleOf("changed", `job ${job.id} is shown as ${JSON.stringify(shown)}`, [read.id]))
    }
  }
  return findings
}

/**
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const lossRules = (facts: Facts): ReadonlyArray<Finding> => {
  const findings: Array<Finding | undefined> = []
  for (const job of facts.jobs.values()) {
    if (job.item === undefined) {
      const ids = job.grants.map(({ claim }) => claim.id)
      if (ids.length > 0) findings.push(ruleOf("phantom", `job ${job.id} was granted, but never enqueued`, ids))
    }
    const premature = job.grants.find(({ claim }) => job.enqueue !== undefined && claim.res < job.enqueue.inv)
    if (premature !== undefined) {
      const message = `job ${job.id} was granted before it was enqueued`
      findings.push(ruleOf("phantom", message, [premature.claim.id]))
    }
    findings.push(...changed(job))
    if (facts.history.drained) findings.push(lost(job))
  }
  for (const list of facts.lists) {
    const unknown = (valueOf(list) ?? []).find((id) => facts.jobs.get(id)?.item === undefined)
    if (unknown !== undefined) {
      findings.push(ruleOf("phantom", `job ${unknown} is listed, but was never enqueued`, [list.id]))
    }
  }
  if (facts.history.drained) {
    for (const enqueue of facts.enqueues) {
      const jobs = enqueue.args.jobs.map((item) => facts.jobs.get(item.job)).filter((job) => job !== undefined)
      const there = jobs.filter(seen)
      if (there.length === 0 || there.length === jobs.length) continue
      const missing = jobs.filter((job) => !seen(job) && (shownLast(job) === null || !mayHaveEnded(job)))
      if (missing.length === 0) continue
      const message = `of the batch of job ${there[0]?.id} nothing was seen of ${missing.map(({ id }) => id).join()}`
      findings.push(ruleOf("halfBatch", message, [enqueue.id]))
    }
  }
  return findings.filter((finding) => finding !== undefined)
}
