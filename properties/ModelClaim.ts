/**
 * Judges the grants of one claim and carries them out in the model.
 *
 * @since 0.1.0
 */
import type { Capabilities } from "../src/log/Capabilities.ts"
import type { ClaimRequest, ClaimResult, Grant } from "../src/log/JobLog.ts"
import type { LawName } from "./LawName.ts"
import {
  inFlight,
  policyOf,
  readySince,
  silentFutures,
  surelyClaimable,
  surelyDead,
  surelyVisible,
  waitingInGroup
} from "./Model.ts"
import type { Model, ModelJob, Violation, Window } from "./Model.ts"

type Report = (laws: LawName | ReadonlyArray<LawName>, message: string) => void

const statusLaw = {
  Completed: "completedStaysCompleted",
  Cancelled: "cancelIsTerminal",
  DeadLettered: "deadLettersConserved"
} as const

/**
 * Compares what a grant carries with what was enqueued, as JSON, which tells apart all that matters here.
 */
const intact = (job: ModelJob, grant: Grant): boolean => {
  const of = (from: Omit<ModelJob["item"], "id" | "key">): string =>
    JSON.stringify([
      from.queue,
      from.name,
      from.version,
      from.payload,
      from.group,
      from.timeout,
      from.leaseDuration,
      Object.entries(from.metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)),
      from.trace && [from.trace.traceId, from.trace.spanId, from.trace.sampled]
    ])
  return of(job.item) === of(grant)
}

/** The greatest token granted so far, in one queue or in all of the log. */
const greatestToken = (model: Model, queue?: string): bigint => {
  if (queue !== undefined) return model.maxTokens.get(queue) ?? 0n
  return [...model.maxTokens.values()].reduce((greatest, token) => (token > greatest ? token : greatest), 0n)
}

const judgeGrant = (
  model: Model,
  grant: Grant,
  request: ClaimRequest,
  window: Window,
  capabilities: Capabilities,
  report: Report
): void => {
  const job = model.jobs.get(grant.id)
  if (job === undefined) {
    report("payloadIntact", `granted ${grant.id}, which was never enqueued`)
    return
  }
  if (job.session !== undefined) {
    const holder = job.session
    if (!surelyDead(model, holder, window.after)) {
      report("singleClaimer", `granted to ${request.session} while ${holder} holds it`)
    }
    const futures = silentFutures(model, job, window)
    const taken = futures.find((future) => future.attempts + 1 === grant.attempt) ?? futures[0]
    if (taken !== undefined) Object.assign(job, taken)
  }
  if (job.status === "Completed" || job.status === "Cancelled" || job.status === "DeadLettered") {
    report(
      job.status === "DeadLettered"
        ? ["attemptsBounded", "terminalOnce", statusLaw[job.status]]
        : ["terminalOnce", statusLaw[job.status]],
      `granted although it is ${job.status}`
    )
  }
  if (job.item.queue !== request.queue) report("payloadIntact", `granted from queue ${request.queue}`)
  if (request.names !== undefined && !request.names.includes(job.item.name)) {
    report(
      job.item.group === undefined ? "capabilitiesHonest" : ["capabilitiesHonest", "groupFifo"],
      `granted a job named ${job.item.name}, asked for ${request.names.join(", ")}`
    )
  }
  if (job.visibleFrom > window.after) {
    const laws: ReadonlyArray<LawName> = job.everGranted ? ["neverEarly", "backoffHonoured"] : ["neverEarly"]
    report(laws, `granted ${job.visibleFrom - window.after} ms before its time`)
  }
  const ready = readySince(job)
  if (grant.readySince > window.after) {
    report("neverEarly", `ready only since ${grant.readySince - window.after} ms ahead`)
  } else if (grant.readySince < ready.from || grant.readySince > ready.by) {
    report("neverEarly", `granted as ready since ${grant.readySince}, it was since ${ready.from} to ${ready.by}`)
  }
  if (job.deadline !== undefined && job.deadline <= window.before) {
    report("deadLettersConserved", `granted ${window.before - job.deadline} ms after its deadline`)
  }
  if (model.paused.has(job.item.queue)) report("pauseHolds", `granted from the paused queue ${job.item.queue}`)
  const greatest = greatestToken(model, capabilities.tokenScope === "queue" ? grant.queue : undefined)
  if (grant.token <= greatest) report("tokenMonotone", `token ${grant.token} after token ${greatest}`)
  if (!intact(job, grant)) {
    report("payloadIntact", `granted as ${shown(grant)}, enqueued as ${shown(job.item)}`)
  }
  if (grant.deadline !== job.deadline) {
    report("payloadIntact", `granted with deadline ${grant.deadline}, it has ${job.deadline}`)
  }
  if (grant.enqueuedAt < job.enqueuedFrom || grant.enqueuedAt > job.enqueuedBy) {
    const told = `${job.enqueuedFrom} to ${job.enqueuedBy}`
    report("payloadIntact", `granted as enqueued at ${grant.enqueuedAt}, it was at ${told}`)
  }
  if (grant.priority !== job.priority)
    report("priorityOrder", `has priority ${job.priority}, granted with ${grant.priority}`)
  if (grant.generation !== job.generation) {
    report("tokenMonotone", `generation ${job.generation}, granted as ${grant.generation}`)
  }
  const brokered = capabilities.attempts === "broker"
  const attempt = brokered ? grant.delivery : job.attempts + 1
  const outOfAttempts = !brokered && grant.attempt > job.maxAttempts
  if (grant.attempt !== attempt || outOfAttempts || grant.maxAttempts !== job.maxAttempts) {
    report(
      "attemptsBounded",
      `granted as attempt ${grant.attempt} of ${grant.maxAttempts} after ${job.attempts} of ${job.maxAttempts}`
    )
  }
  if (grant.delivery !== job.deliveries + 1 || grant.delivery > job.maxDeliveries) {
    report(
      "attemptsBounded",
      `granted as delivery ${grant.delivery} after ${job.deliveries}, at most ${job.maxDeliveries}`
    )
  }
}

const shown = (value: { readonly payload: string }): string => {
  const text = JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? String(part) : part))
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}

/** The grant's place in its group's line. */
const judgeGroup = (model: Model, job: ModelJob, window: Window, report: Report): void => {
  const group = job.item.group
  if (group === undefined) return
  const queue = job.item.queue
  const policy = policyOf(model, queue)
  const certain = inFlight(
    model,
    queue,
    group,
    (other) => other !== job && other.session !== undefined && !surelyDead(model, other.session, window.after)
  )
  if (certain >= policy.groupConcurrency) {
    report("groupFifo", `group ${group} has ${certain} in flight already, at most ${policy.groupConcurrency}`)
  }
  for (const ahead of waitingInGroup(model, queue, group)) {
    if (ahead.order >= job.order) break
    if (surelyVisible(model, ahead, window)) {
      report("groupFifo", `group ${group}: ${ahead.id} stands before it and could be claimed`)
    } else if (ahead.backingOff && !policy.stepAside && ahead.visibleFrom > window.after) {
      report("groupFifo", `group ${group}: its head ${ahead.id} is backing off and blocks it`)
    }
  }
}

const judgeOrder = (claimable: Array<ModelJob>, job: ModelJob, capabilities: Capabilities, report: Report): void => {
  if (capabilities.order === "none" || job.item.group !== undefined) return
  const levels = capabilities.priorities > 1
  const better = claimable.filter((other) => {
    if (other === job || other.item.group !== undefined) return false
    if (levels && other.priority !== job.priority) return other.priority < job.priority
    return other.order < job.order
  })
  const allowed = capabilities.order === "exact" ? 0 : capabilities.order.inversions
  if (better.length > allowed) {
    report("priorityOrder", `passed over ${better.map((other) => `${other.id} (${other.priority})`).join(", ")}`)
  }
}

/**
 * Carries a grant out.
 *
 * @since 0.1.0
 * @category transitions
 * @stability unstable
 */
export const grantTo = (model: Model, job: ModelJob, session: string, token: bigint): void => {
  job.status = "Leased"
  job.deliveries += 1
  job.everGranted = true
  job.token = token
  job.session = session
  job.started = false
  job.oldProgress = true
  job.backingOff = false
  job.cause = undefined
  if (token > greatestToken(model, job.item.queue)) model.maxTokens.set(job.item.queue, token)
}

/**
 * Judges a claim's answer and carries it out. `together`: other claims ran at the same time, so that what this one
 * passed over says nothing.
 *
 * @since 0.1.0
 * @category transitions
 * @stability unstable
 */
export const claimed = (
  model: Model,
  request: ClaimRequest,
  result: ClaimResult,
  window: Window,
  capabilities: Capabilities,
  together = false
): ReadonlyArray<Violation> => {
  const violations: Array<Violation> = []
  const reporter =
    (subject: string): Report =>
    (laws, message) =>
      violations.push({ laws: typeof laws === "string" ? [laws] : laws, message: `${subject}: ${message}` })
  if (result.grants.length > request.limit) {
    reporter("claim")(
      ["singleClaimer", "claimAtomic"],
      `asked for ${request.limit} jobs, received ${result.grants.length}`
    )
  }
  const claimable = together ? [] : [...surelyClaimable(model, request.queue, request.names, window)]
  if (result.grants.length === 0 && claimable.length > 0) {
    const grouped = claimable.every((job) => job.item.group !== undefined)
    reporter("claim")(
      grouped ? ["noLostWakeUp", "eventuallyClaimed", "groupFifo"] : ["noLostWakeUp", "eventuallyClaimed"],
      `empty although ${claimable.map((job) => job.id).join(", ")} could be claimed`
    )
  }
  if (result.grants.length === 0 && !together) judgeNextAt(model, request, result, window, reporter("claim"))
  for (const grant of result.grants) {
    const report = reporter(`claim of ${grant.id}`)
    judgeGrant(model, grant, request, window, capabilities, report)
    const job = model.jobs.get(grant.id)
    if (job === undefined) continue
    if (!together) {
      judgeOrder(claimable, job, capabilities, report)
      judgeGroup(model, job, window, report)
    }
    const index = claimable.indexOf(job)
    if (index >= 0) claimable.splice(index, 1)
    grantTo(model, job, request.session, grant.token)
  }
  return violations
}

const leadsItsGroup = (model: Model, job: ModelJob): boolean => {
  const { group, queue } = job.item
  if (group === undefined) return true
  const free = inFlight(model, queue, group, () => true) < policyOf(model, queue).groupConcurrency
  return free && waitingInGroup(model, queue, group)[0] === job
}

/** An empty claim names the next instant worth waking for: a delay, a retry, or the end of another's lease. */
const judgeNextAt = (
  model: Model,
  request: ClaimRequest,
  result: ClaimResult,
  window: Window,
  report: Report
): void => {
  if (model.paused.has(request.queue) || request.names !== undefined) return
  for (const job of model.jobs.values()) {
    if (job.item.queue !== request.queue) continue
    // of a group only the first job of its line is due, while there is a permit for it
    if (job.status === "Waiting" && !leadsItsGroup(model, job)) continue
    if (job.status === "Waiting" && job.deadline !== undefined && job.deadline <= job.visibleBy) continue
    const next =
      job.status === "Waiting" && job.visibleFrom > window.after
        ? job.visibleBy
        : job.status === "Leased" &&
            job.session !== request.session &&
            !surelyDead(model, job.session ?? "", window.after)
          ? model.sessions.get(job.session ?? "")?.expiresAt
          : undefined
    if (next === undefined || !Number.isFinite(next)) continue
    if (result.nextAt === undefined || result.nextAt > next) {
      report("noLostWakeUp", `nextAt is ${result.nextAt ?? "none"}, but ${job.id} (${job.status}) is due at ${next}`)
      return
    }
  }
}
