/**
 * What a history says of one job, as steps of its automaton.
 *
 * @since 0.1.0
 */
import { valueOf } from "./Facts.ts"
import type { Facts, JobFacts, Timed } from "./Facts.ts"
import type { JobStep } from "./LeaseAutomaton.ts"

const never = Number.POSITIVE_INFINITY

const when = (call: Timed): Pick<JobStep, "source" | "inv" | "res" | "optional"> => ({
  source: call.id,
  inv: call.inv,
  res: call.outcome.tag === "Ok" ? call.res : never,
  optional: call.outcome.tag !== "Ok"
})

/**
 * The steps of a job. `distrust`: calls that were refused may have happened all the same.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const stepsOf = (facts: Facts, job: JobFacts, distrust = false): ReadonlyArray<JobStep> => {
  const steps: Array<JobStep> = []
  const counts = (call: Timed): boolean => distrust || call.outcome.tag !== "Refused"
  if (job.enqueue !== undefined && counts(job.enqueue)) {
    steps.push({ ...when(job.enqueue), kind: "enqueue", delay: job.item?.delay ?? 0 })
  }
  for (const { claim, grant, session, token } of job.grants) {
    const { attempt, delivery, generation } = grant
    steps.push({ ...when(claim), kind: "grant", session, token, delivery, attempt, generation })
  }
  for (const claim of facts.claims) {
    if (claim.args.queue !== job.item?.queue || !counts(claim)) continue
    const answer = valueOf(claim)
    if (answer === undefined) steps.push({ ...when(claim), kind: "hidden", session: claim.args.session })
    else if (answer.grants.length === 0) steps.push({ ...when(claim), kind: "empty" })
  }
  for (const { answer, call, delay, kind, session, token } of job.settles) {
    if (answer?.startsWith("refused: ") === true) {
      steps.push({ ...when(call), kind: "settleRefused", session, token, reason: answer.slice("refused: ".length) })
    } else {
      // who cannot verify a grant says so, and may have settled it or not
      const unverified = answer === "unverified"
      steps.push({
        ...when(call),
        ...(unverified ? { optional: true, res: never } : undefined),
        kind: "settle",
        session,
        token,
        how: kind,
        delay,
        answer: unverified ? undefined : answer,
        unverified
      })
    }
  }
  if (distrust) {
    for (const call of facts.settles) {
      if (call.outcome.tag !== "Refused") continue
      for (const { delay, job: id, kind, token } of call.args.items) {
        if (id !== job.id) continue
        const { session } = call.args
        steps.push({
          ...when(call),
          kind: "settle",
          session,
          token: BigInt(token),
          how: kind,
          delay,
          answer: undefined,
          unverified: false
        })
      }
    }
  }
  const tokens = new Map(job.grants.map(({ grant, token }) => [grant.token, token]))
  for (const renew of facts.renews) {
    if (!counts(renew)) continue
    const told = valueOf(renew)
    const { session, started } = renew.args
    for (const text of new Set(started)) {
      const token = tokens.get(text)
      if (token === undefined) continue
      const answer =
        told === undefined
          ? undefined
          : told.lost.includes(text)
            ? "lost"
            : told.cancelled.includes(text)
              ? "cancelled"
              : "held"
      steps.push({ ...when(renew), kind: "started", session, token, answer })
    }
  }
  for (const close of facts.closes) {
    if (counts(close)) steps.push({ ...when(close), kind: "close", session: close.args.session })
  }
  for (const reclaim of facts.reclaims) {
    if (valueOf(reclaim) === false) steps.push({ ...when(reclaim), kind: "reclaim" })
  }
  const operators = [
    ...job.cancels.map((call) => ({ kind: "cancel" as const, call, answer: valueOf(call) })),
    ...job.redrives.map((call) => ({ kind: "redrive" as const, call, answer: valueOf(call) }))
  ]
  for (const { answer, call, kind } of operators) {
    if (!counts(call)) continue
    steps.push(
      answer === undefined || answer === "Done"
        ? { ...when(call), kind }
        : { ...when(call), kind: `${kind}Refused`, reason: answer }
    )
  }
  for (const call of job.reads) {
    const shown = valueOf(call)
    if (shown !== undefined) steps.push({ ...when(call), kind: "read", shown })
  }
  return relevant(steps).sort((a, b) => a.inv - b.inv)
}

/** What was over before the job was sent, or concerns sessions that cannot have held it, says nothing about it. */
const relevant = (steps: ReadonlyArray<JobStep>): Array<JobStep> => {
  const holders = new Set<string>()
  for (const step of steps) if (step.kind === "grant" || step.kind === "hidden") holders.add(step.session)
  const sent = Math.min(...steps.map((step) => (step.kind === "enqueue" ? step.inv : never)))
  return steps.filter((step) => {
    if (step.kind === "close") return holders.has(step.session)
    if (step.kind === "empty" || step.kind === "reclaim") return step.res > sent
    return true
  })
}
