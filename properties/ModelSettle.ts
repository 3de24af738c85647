/**
 * Judges the answers to settlements, renewals and operators' commands, and carries them out in the model.
 *
 * @since 0.1.0
 */
import type { Capabilities } from "../src/log/Capabilities.ts"
import type {
  ControlCommand,
  ControlResult,
  RenewRequest,
  RenewResult,
  SettleItem,
  SettleRequest,
  SettleResult
} from "../src/log/JobLog.ts"
import type { LawName } from "./LawName.ts"
import { buried, die, endGrant, silentFutures, surelyDead } from "./Model.ts"
import type { Model, ModelJob, Violation, Window } from "./Model.ts"
import { enqueued } from "./ModelEnqueue.ts"

type Report = (laws: LawName | ReadonlyArray<LawName>, message: string) => void

const reportTo =
  (violations: Array<Violation>, subject: string): Report =>
  (laws, message) => {
    violations.push({ laws: typeof laws === "string" ? [laws] : laws, message: `${subject}: ${message}` })
  }

/** The grant is current: nobody else has been granted the job, and it was not settled or taken back. */
const isCurrent = (job: ModelJob, session: string, token: bigint): boolean =>
  job.session === session && job.token === token

const acceptedLaws: Record<SettleItem["settlement"]["_tag"], LawName> = {
  Complete: "completedStaysCompleted",
  Retry: "attemptsBounded",
  Release: "atLeastOnce",
  DeadLetter: "deadLettersConserved"
}

const carryOut = (
  model: Model,
  job: ModelJob,
  item: SettleItem,
  answer: Extract<SettleResult, { readonly _tag: "Settled" }>,
  window: Window,
  violations: Array<Violation>
): void => {
  const settlement = item.settlement
  switch (settlement._tag) {
    case "Complete": {
      job.status = "Completed"
      job.session = undefined
      job.started = false
      job.attempts += 1
      job.result = settlement.result
      job.finishedFrom = window.before
      job.finishedBy = window.after
      const followUps = settlement.enqueue ?? []
      if (followUps.length > 0 || (answer.enqueued ?? []).length > 0) {
        for (const violation of enqueued(model, followUps, answer.enqueued ?? [], window)) {
          violations.push({ ...violation, laws: [...violation.laws, "followUpsAtomic"] })
        }
      }
      return
    }
    case "Retry":
      endGrant(job, window, { counted: true, backOff: settlement.delay })
      if (job.status === "Waiting") job.cause = settlement.cause
      return
    case "Release":
      return endGrant(job, window, { counted: false, backOff: settlement.delay })
    case "DeadLetter":
      job.attempts += 1
      die(job, window, [settlement.cause.kind])
      job.cause = settlement.cause
      return
  }
}

/** States in which the job may be said to stand after the settlement. */
const statesOf = (job: ModelJob, window: Window): ReadonlyArray<string> => {
  if (job.status !== "Waiting") return [job.status]
  const states: Array<string> = []
  if (job.visibleFrom <= window.after) states.push("Ready")
  if (job.visibleBy > window.before) states.push("Scheduled")
  return states
}

const judgeOne = (
  model: Model,
  request: SettleRequest,
  item: SettleItem,
  answer: SettleResult,
  window: Window,
  capabilities: Capabilities,
  badFollowUp: boolean,
  violations: Array<Violation>
): void => {
  const report = reportTo(violations, `${item.settlement._tag} of ${item.id} with token ${item.token}`)
  const job = model.jobs.get(item.id)
  const accepted = answer._tag !== "Refused"
  if (answer._tag === "Unverified" && capabilities.fence !== "advisory") {
    report("capabilitiesHonest", `answered Unverified by a log whose fence is ${capabilities.fence}`)
  }
  if (job === undefined || !isCurrent(job, request.session, item.token)) {
    if (accepted && capabilities.fence !== "none" && answer._tag !== "Unverified") {
      const laws: Array<LawName> = ["staleTokenRefused"]
      if (job?.status === "Completed") laws.push("terminalOnce", "completedStaysCompleted")
      if (job?.status === "Cancelled") laws.push("terminalOnce", "cancelIsTerminal")
      if (job?.status === "DeadLettered") laws.push("terminalOnce")
      report(laws, `accepted, but the job is ${job?.status ?? "unknown"} with token ${job?.token ?? "none"}`)
    }
    return
  }
  if (job.status === "Cancelled") {
    if (answer._tag === "Unverified" && capabilities.fence !== "strict") return
    if (item.settlement._tag === "Release") {
      if (accepted) job.session = undefined
      else report("cancelIsTerminal", "the holder's confirmation of a cancelled job was refused")
    } else if (accepted) {
      report(["cancelIsTerminal", "terminalOnce"], "accepted although the job is cancelled")
    } else if (answer._tag === "Refused" && answer.reason !== "cancelled") {
      report("cancelIsTerminal", `refused as ${answer.reason}, not as cancelled`)
    }
    return
  }
  if (answer._tag === "Refused") {
    if (badFollowUp && answer.reason === "invalidFollowUp") return
    const [taken] = silentFutures(model, job, window)
    if (taken !== undefined) {
      // the lease had run out, and the job was taken back before anyone looked
      Object.assign(job, taken)
      return
    }
    report(acceptedLaws[item.settlement._tag], `refused as ${answer.reason}, but it is the current grant`)
    return
  }
  if (badFollowUp) report(["followUpsAtomic", "limitsAtTheEdge"], "accepted with an invalid follow-up job")
  if (answer._tag === "Unverified") return
  carryOut(model, job, item, answer, window, violations)
  if (!statesOf(job, window).includes(answer.state)) {
    report(
      job.status === "DeadLettered" ? ["attemptsBounded", "deadLettersConserved"] : acceptedLaws[item.settlement._tag],
      `answered ${answer.state}, expected ${statesOf(job, window).join(" or ")}`
    )
  }
}

/**
 * @since 0.1.0
 * @category transitions
 * @stability unstable
 */
export const settled = (
  model: Model,
  request: SettleRequest,
  badFollowUps: ReadonlySet<number>,
  answers: ReadonlyArray<SettleResult>,
  window: Window,
  capabilities: Capabilities
): ReadonlyArray<Violation> => {
  const violations: Array<Violation> = []
  if (answers.length !== request.items.length) {
    const message = `${request.items.length} settlements were answered by ${answers.length} results`
    return [{ laws: ["completedStaysCompleted"], message }]
  }
  request.items.forEach((item, i) => {
    const answer = answers[i]
    if (answer !== undefined) {
      judgeOne(model, request, item, answer, window, capabilities, badFollowUps.has(i), violations)
    }
  })
  return violations
}

/**
 * @since 0.1.0
 * @category transitions
 * @stability unstable
 */
export const renewed = (
  model: Model,
  request: RenewRequest,
  answer: RenewResult,
  window: Window
): ReadonlyArray<Violation> => {
  const violations: Array<Violation> = []
  const report = reportTo(violations, `renew of ${request.session}`)
  const session = model.sessions.get(request.session)
  if (session === undefined) return violations
  const expected = session.leaseDuration
  // a session that ends with its connection has no expiry to be judged
  if (Number.isFinite(session.expiresAt)) {
    if (answer.expiresAt < window.before + expected || answer.expiresAt > window.after + expected) {
      report("reclaimOnExpiry", `expires at ${answer.expiresAt}, renewed at ${window.before} for ${expected} ms`)
    }
    session.expiresAt = answer.expiresAt
  }
  const held = new Map<bigint, ModelJob>()
  for (const job of model.jobs.values()) if (job.session === request.session) held.set(job.token, job)
  const gone = new Set([...answer.lost, ...answer.cancelled])
  for (const token of answer.lost) {
    const job = held.get(token)
    if (job !== undefined && job.status === "Leased") report("singleClaimer", `token ${token} is lost, but current`)
  }
  for (const [token, job] of held) {
    if (job.status === "Cancelled" && !answer.cancelled.includes(token)) {
      report("cancelIsTerminal", `token ${token} of the cancelled job ${job.id} is not listed as cancelled`)
    }
  }
  for (const token of answer.cancelled) {
    if (held.get(token)?.status === "Leased") report("cancelIsTerminal", `token ${token} is listed as cancelled`)
  }
  const mentioned = [...request.started, ...request.progress.map((entry) => entry.token)]
  for (const token of mentioned) {
    if (!held.has(token) && !gone.has(token)) {
      report("staleTokenRefused", `token ${token} is not current any more, but not listed as lost`)
    }
  }
  for (const token of request.started) {
    const job = held.get(token)
    if (job?.status === "Leased") job.started = true
  }
  for (const entry of request.progress) {
    const job = held.get(entry.token)
    if (job?.status !== "Leased") continue
    job.progress = entry.value
    job.oldProgress = false
  }
  const paused = [...model.paused].filter((queue) => [...held.values()].some((job) => job.item.queue === queue))
  for (const queue of paused) {
    if (!answer.paused.includes(queue)) report("pauseHolds", `the paused queue ${queue} is not listed`)
  }
  for (const queue of answer.paused) {
    if (!model.paused.has(queue)) report("pauseHolds", `queue ${queue} is listed as paused`)
  }
  return violations
}

/** What a command is to be answered, and what it does then. */
interface Expectation {
  readonly law: LawName
  /** Of these refusals one; none if it is to be done. */
  readonly reasons: ReadonlyArray<string>
  /** It may be done all the same. */
  readonly maybe?: boolean
  readonly act: () => void
}

const expectation = (model: Model, command: ControlCommand, window: Window): Expectation => {
  const job = "id" in command ? model.jobs.get(command.id) : undefined
  const unknown: ReadonlyArray<string> = "id" in command && job === undefined ? ["unknownJob"] : []
  const statusReason: Record<ModelJob["status"], string> = {
    Waiting: "notDeadLettered",
    Leased: "leased",
    Completed: "completed",
    DeadLettered: "deadLettered",
    Cancelled: "cancelled"
  }
  const status = job === undefined ? undefined : job.status
  switch (command._tag) {
    case "Cancel":
      return {
        law: "cancelIsTerminal",
        reasons: status === "Completed" || status === "Cancelled" ? [statusReason[status]] : unknown,
        act: () => {
          if (job === undefined) return
          job.status = "Cancelled"
          job.finishedFrom = window.before
          job.finishedBy = window.after
        }
      }
    case "Pause":
      return { law: "pauseHolds", reasons: [], act: () => void model.paused.add(command.queue) }
    case "Resume":
      return { law: "pauseHolds", reasons: [], act: () => void model.paused.delete(command.queue) }
    case "Redrive":
      return {
        law: "deadLettersConserved",
        reasons:
          status === undefined || status === "DeadLettered" ? unknown : [statusReason[status], "notDeadLettered"],
        act: () => {
          if (job === undefined) return
          job.status = "Waiting"
          job.visibleFrom = Math.min(job.visibleFrom, window.before)
          job.visibleBy = window.after
          job.waitingBy = window.after
          job.attempts = 0
          job.deliveries = 0
          job.generation += 1
          job.deadline = undefined
          job.backingOff = false
        }
      }
    case "Reschedule":
      return {
        law: command.priority === undefined ? "neverEarly" : "priorityOrder",
        reasons: status === undefined || status === "Waiting" ? unknown : [statusReason[status]],
        act: () => {
          if (job === undefined) return
          job.backingOff = false
          if (command.delay !== undefined) {
            job.visibleFrom = window.before + command.delay
            job.visibleBy = window.after + command.delay
          }
          if (command.at !== undefined) {
            job.visibleFrom = command.at
            job.visibleBy = Math.max(command.at, window.after)
          }
          if (command.priority !== undefined) job.priority = command.priority
        }
      }
    case "Purge":
      return {
        law: "completedStaysCompleted",
        // the death of a cancelled job's holder confirms the cancellation, sooner or later and unseen
        maybe: status === "Cancelled" && surelyDead(model, job?.session ?? "", window.after),
        reasons:
          status === "Waiting"
            ? ["notTerminal"]
            : status === "Leased" || job?.session !== undefined
              ? ["leased", "notTerminal"]
              : unknown,
        act: () => {
          if (job === undefined) return
          const key = job.item.key
          model.jobs.delete(job.id)
          if (key === undefined || (job.status !== "Completed" && job.status !== "DeadLettered")) return
          model.tombstones.push(buried(job, job.status, key))
        }
      }
    case "Configure":
      return {
        law: "groupFifo",
        reasons: [],
        act: () => {
          const old = model.policies.get(command.queue)
          model.policies.set(command.queue, {
            groupConcurrency: command.policy.groupConcurrency ?? old?.groupConcurrency ?? 1,
            stepAside:
              (command.policy.groupOnRetry ?? (old?.stepAside === true ? "stepAside" : "block")) === "stepAside"
          })
        }
      }
  }
}

/**
 * @since 0.1.0
 * @category transitions
 * @stability unstable
 */
export const controlled = (
  model: Model,
  command: ControlCommand,
  answer: ControlResult | undefined,
  window: Window
): ReadonlyArray<Violation> => {
  const violations: Array<Violation> = []
  const report = reportTo(violations, `${command._tag}${"id" in command ? ` of ${command.id}` : ""}`)
  const expected = fitting(model, command, answer, window)
  if (answer === undefined) {
    report(expected.law, "not answered")
  } else if (answer._tag === "Done") {
    if (expected.reasons.length > 0 && expected.maybe !== true) {
      const ends = command._tag === "Cancel" || command._tag === "Redrive"
      report(
        ends ? [expected.law, "terminalOnce"] : expected.law,
        `done, expected a refusal (${expected.reasons.join(" or ")})`
      )
    } else expected.act()
  } else if (!expected.reasons.includes(answer.reason)) {
    report(expected.law, `refused as ${answer.reason}, expected ${expected.reasons.join(" or ") || "Done"}`)
  }
  return violations
}

/** What was to be expected; if that is not what was answered, of what may have happened to the job unseen. */
const fitting = (
  model: Model,
  command: ControlCommand,
  answer: ControlResult | undefined,
  window: Window
): Expectation => {
  const fits = ({ reasons, maybe }: Expectation): boolean =>
    answer?._tag === "Refused" ? reasons.includes(answer.reason) : reasons.length === 0 || maybe === true
  const expected = expectation(model, command, window)
  const job = "id" in command ? model.jobs.get(command.id) : undefined
  if (job === undefined || fits(expected)) return expected
  const present = { ...job }
  for (const future of silentFutures(model, job, window)) {
    Object.assign(job, future)
    const other = expectation(model, command, window)
    if (fits(other)) return other
    Object.assign(job, present)
  }
  return expected
}
