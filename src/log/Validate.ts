/**
 * What every log refuses at its edge, before it touches any state.
 *
 * All checks are synchronous and allocate nothing for a valid request: they run on the hot path of every call. Each
 * answers `undefined` or an {@link InvalidRequest} that names the offending field (`items[3].payload`), the limit and
 * what to do about it. They also hold for callers without types, so they check kinds as well as ranges.
 *
 * @since 0.1.0
 */
import { FailureKind } from "../model/FailureCause.ts"
import type { FailureCause } from "../model/FailureCause.ts"
import { jobStates } from "../model/Job.ts"
import { Limits } from "../model/Limits.ts"
import {
  countProblem,
  durationProblem,
  fits,
  idProblem,
  instantProblem,
  integerProblem,
  invalid,
  keyProblem,
  leaseProblem,
  nameProblem,
  textProblem,
  utf8Length
} from "./Checks.ts"
import type { Problem } from "./Checks.ts"
import type {
  ChangesRequest,
  ClaimRequest,
  ControlCommand,
  EnqueueItem,
  QueuePolicy,
  ReadQuery,
  RenewRequest,
  SettleItem,
  SettleRequest
} from "./JobLog.ts"
import type { InvalidRequest } from "./LogError.ts"
import { batchBytesProblem, itemListProblem, itemsBytes, upperBytes } from "./ValidateItem.ts"

export { utf8Length } from "./Checks.ts"

const states: ReadonlySet<unknown> = new Set(jobStates)
const failureKinds: ReadonlySet<unknown> = new Set(FailureKind.literals)

/**
 * Checks a batch of jobs to enqueue. An empty batch is valid.
 *
 * @since 0.1.0
 * @category validation
 * @stability unstable
 */
export const enqueue = (items: ReadonlyArray<EnqueueItem>): InvalidRequest | undefined => {
  const problem = itemListProblem("items", items)
  if (problem !== undefined || itemsBytes(items, upperBytes) <= Limits.batchBytes) return problem
  const bytes = batchBytesProblem(itemsBytes(items, utf8Length))
  return bytes === undefined ? undefined : invalid("items", bytes)
}

/**
 * Checks the follow-up jobs of one completion. An invalid one refuses that completion with `invalidFollowUp`, not the
 * batch that it came in: its neighbours have nothing to do with it.
 *
 * @since 0.1.0
 * @category validation
 * @stability unstable
 */
export const followUps = (items: ReadonlyArray<EnqueueItem>): InvalidRequest | undefined =>
  itemListProblem("enqueue", items)

const callProblem = (request: { readonly session: string; readonly call: number }): Problem | undefined =>
  keyProblem("session", request.session) ?? integerProblem("call", request.call, 1, Number.MAX_SAFE_INTEGER)

const tokenProblem = (field: string, token: unknown): Problem | undefined =>
  typeof token === "bigint" && token >= 0 ? undefined : [field, "must be the bigint token of a grant"]

/**
 * Checks the options of a new session.
 *
 * @since 0.1.0
 * @category validation
 * @stability unstable
 */
export const open = (options: {
  readonly owner: string
  readonly leaseDuration: number
}): InvalidRequest | undefined => {
  const problem = keyProblem("owner", options.owner) ?? leaseProblem("leaseDuration", options.leaseDuration)
  return problem === undefined ? undefined : invalid("", problem)
}

/**
 * Checks a renewal. The number of runs that it names is not limited.
 *
 * @since 0.1.0
 * @category validation
 * @stability unstable
 */
export const renew = (request: RenewRequest): InvalidRequest | undefined => {
  const call = callProblem(request)
  if (call !== undefined) return invalid("", call)
  for (let i = 0; i < request.started.length; i++) {
    const problem = tokenProblem(`started[${i}]`, request.started[i])
    if (problem !== undefined) return invalid("", problem)
  }
  let bytes = 0
  for (let i = 0; i < request.progress.length; i++) {
    const entry = request.progress[i]
    const problem = tokenProblem("token", entry?.token) ?? textProblem("value", entry?.value, Limits.progressBytes)
    if (problem !== undefined) return invalid(`progress[${i}]`, problem)
    bytes += entry === undefined ? 0 : utf8Length(entry.value)
  }
  const total = batchBytesProblem(bytes)
  return total === undefined ? undefined : invalid("progress", total)
}

/**
 * Checks a claim.
 *
 * @since 0.1.0
 * @category validation
 * @stability unstable
 */
export const claim = (request: ClaimRequest): InvalidRequest | undefined => {
  const problem =
    callProblem(request) ??
    nameProblem("queue", request.queue) ??
    integerProblem("limit", request.limit, 1, Limits.claimItems)
  if (problem !== undefined) return invalid("", problem)
  const names = request.names
  if (names === undefined) return undefined
  const count = countProblem("names", names.length, 1, Limits.batchItems)
  if (count !== undefined) return invalid("names", count)
  for (let i = 0; i < names.length; i++) {
    const name = nameProblem(`names[${i}]`, names[i])
    if (name !== undefined) return invalid("", name)
  }
  return undefined
}

/**
 * Checks how many grants one reclaim may take back.
 *
 * @since 0.1.0
 * @category validation
 * @stability unstable
 */
export const reclaim = (options: { readonly limit: number }): InvalidRequest | undefined => {
  const problem = integerProblem("limit", options.limit, 1, Number.MAX_SAFE_INTEGER)
  return problem === undefined ? undefined : invalid("", problem)
}

const causeProblem = (cause: FailureCause): Problem | undefined => {
  if (typeof cause !== "object" || cause === null) return ["cause", "must be an object"]
  if (!failureKinds.has(cause.kind)) return ["cause.kind", `must be one of ${FailureKind.literals.join(", ")}`]
  if (typeof cause.message !== "string") return ["cause.message", "must be a string"]
  return cause.tag === undefined || typeof cause.tag === "string" ? undefined : ["cause.tag", "must be a string"]
}

const settleProblem = (item: SettleItem): Problem | undefined => {
  const problem = idProblem("id", item.id) ?? tokenProblem("token", item.token)
  if (problem !== undefined) return problem
  if (typeof item.receipt !== "string") return ["receipt", "must be the receipt of the grant"]
  const settlement = item.settlement
  switch (settlement._tag) {
    case "Complete":
      return settlement.result === undefined
        ? undefined
        : textProblem("settlement.result", settlement.result, Limits.resultBytes)
    case "Retry":
      return durationProblem("settlement.delay", settlement.delay, 0) ?? causeProblem(settlement.cause)
    case "Release":
      return (
        (settlement.delay === undefined ? undefined : durationProblem("settlement.delay", settlement.delay, 0)) ??
        (settlement.cause === undefined ? undefined : causeProblem(settlement.cause))
      )
    case "DeadLetter":
      return causeProblem(settlement.cause)
    default:
      return ["settlement", "must be Complete, Retry, Release or DeadLetter"]
  }
}

const settleBytes = (items: ReadonlyArray<SettleItem>, measure: (text: string) => number): number => {
  let bytes = 0
  for (const { settlement } of items) {
    if (settlement._tag !== "Complete") continue
    if (settlement.result !== undefined) bytes += measure(settlement.result)
    // an unsound follow-up is refused with its own item, so only what is sound counts here
    for (const item of settlement.enqueue ?? []) {
      if (typeof item?.payload === "string") bytes += measure(item.payload)
      for (const [name, value] of Object.entries(item?.metadata ?? {})) {
        if (typeof value === "string") bytes += measure(name) + measure(value)
      }
    }
  }
  return bytes
}

/** Follow-ups of all settlements: with the bytes they bound what one atomic step writes. */
const followUpCount = (items: ReadonlyArray<SettleItem>): number => {
  let count = 0
  for (const { settlement } of items) {
    if (settlement._tag === "Complete" && settlement.enqueue !== undefined) count += settlement.enqueue.length
  }
  return count
}

/**
 * Checks a batch of settlements, apart from their follow-up jobs (see {@link followUps}), whose payloads only count
 * towards the batch's bytes.
 *
 * @since 0.1.0
 * @category validation
 * @stability unstable
 */
export const settle = (request: SettleRequest): InvalidRequest | undefined => {
  const items = request.items
  const problem = callProblem(request) ?? countProblem("items", items.length, 0, Limits.batchItems)
  if (problem !== undefined) return invalid(problem[0] === "" ? "items" : "", problem)
  for (let i = 0; i < items.length; i++) {
    // the index is within bounds
    const item = settleProblem(items[i] as SettleItem)
    if (item !== undefined) return invalid(`items[${i}]`, item)
  }
  const followUps = followUpCount(items)
  if (followUps > Limits.batchItems) {
    return invalid("items", [
      "",
      `have ${followUps} follow-up jobs, the limit is ${Limits.batchItems}; send several calls`
    ])
  }
  if (settleBytes(items, upperBytes) <= Limits.batchBytes) return undefined
  const bytes = batchBytesProblem(settleBytes(items, utf8Length))
  return bytes === undefined ? undefined : invalid("items", bytes)
}

/**
 * A cause as a log stores it: its own fields and no others, well-formed, its message cut to its limit. A failed run must be able to say so whatever
 * its error's message looks like, so causes are mended instead of refused.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const storedCause = (cause: FailureCause): FailureCause => {
  const fine = (text: string, limit: number): boolean => text.length * 3 <= limit && text.isWellFormed()
  const known = Object.keys(cause).every((field) => field === "kind" || field === "tag" || field === "message")
  const tagFits = cause.tag === undefined || fine(cause.tag, Limits.keyBytes)
  if (known && tagFits && fine(cause.message, Limits.causeBytes)) return cause
  return {
    kind: cause.kind,
    ...(cause.tag === undefined ? undefined : { tag: cut(cause.tag, Limits.keyBytes) }),
    message: cut(cause.message, Limits.causeBytes)
  }
}

/** Replaces lone surrogates and cuts at a character's end, so that at most `limit` bytes of UTF-8 remain. */
const cut = (text: string, limit: number): string => {
  // a unit takes at least one byte, so what lies beyond the limit need not be looked at
  const mended = text.slice(0, limit + 1).toWellFormed()
  if (fits(mended, limit)) return mended
  let bytes = 0
  let end = 0
  for (const character of mended) {
    bytes += utf8Length(character)
    if (bytes > limit) break
    end += character.length
  }
  return mended.slice(0, end)
}

/** A log may store a bound as one more than it is, so that 0 is free to say that there is none. */
const backlogProblem = (value: QueuePolicy["maxBacklog"]): Problem | undefined =>
  value === undefined ||
  value === "unlimited" ||
  (Number.isSafeInteger(value) && value >= 0 && value < Number.MAX_SAFE_INTEGER)
    ? undefined
    : ["policy.maxBacklog", `must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER - 1}, or "unlimited"`]

const policyProblem = (policy: QueuePolicy): Problem | undefined => {
  if (typeof policy !== "object" || policy === null) return ["policy", "must be an object"]
  const count = (field: string, value: number | undefined, min: number): Problem | undefined =>
    value === undefined ? undefined : integerProblem(field, value, min, Number.MAX_SAFE_INTEGER)
  const problem =
    count("policy.groupConcurrency", policy.groupConcurrency, 1) ??
    backlogProblem(policy.maxBacklog) ??
    count("policy.retainCompletedCount", policy.retainCompletedCount, 0) ??
    (policy.retainCompleted === undefined
      ? undefined
      : durationProblem("policy.retainCompleted", policy.retainCompleted, 0))
  if (problem !== undefined) return problem
  return policy.groupOnRetry === undefined || policy.groupOnRetry === "block" || policy.groupOnRetry === "stepAside"
    ? undefined
    : ["policy.groupOnRetry", `must be "block" or "stepAside"`]
}

const commandProblem = (command: ControlCommand): Problem | undefined => {
  switch (command._tag) {
    case "Cancel":
    case "Redrive":
    case "Purge":
      return idProblem("id", command.id)
    case "Pause":
    case "Resume":
      return nameProblem("queue", command.queue)
    case "Configure":
      return nameProblem("queue", command.queue) ?? policyProblem(command.policy)
    case "Reschedule": {
      if (command.at !== undefined && command.delay !== undefined) return ["at", "excludes delay; give one of them"]
      if (command.at === undefined && command.delay === undefined && command.priority === undefined) {
        return ["", "must change something: give at, delay or priority"]
      }
      return (
        idProblem("id", command.id) ??
        (command.at === undefined ? undefined : instantProblem("at", command.at)) ??
        (command.delay === undefined ? undefined : durationProblem("delay", command.delay, 0)) ??
        (command.priority === undefined
          ? undefined
          : integerProblem("priority", command.priority, -Limits.priority, Limits.priority))
      )
    }
    default:
      return ["_tag", "is not a command"]
  }
}

/**
 * Checks operators' commands.
 *
 * @since 0.1.0
 * @category validation
 * @stability unstable
 */
export const control = (commands: ReadonlyArray<ControlCommand>): InvalidRequest | undefined => {
  const count = countProblem("commands", commands.length, 0, Limits.batchItems)
  if (count !== undefined) return invalid("commands", count)
  for (let i = 0; i < commands.length; i++) {
    // the index is within bounds
    const problem = commandProblem(commands[i] as ControlCommand)
    if (problem !== undefined) return invalid(`commands[${i}]`, problem)
  }
  return undefined
}

/**
 * Checks a query.
 *
 * @since 0.1.0
 * @category validation
 * @stability unstable
 */
export const read = (query: ReadQuery): InvalidRequest | undefined => {
  const problem = queryProblem(query)
  return problem === undefined ? undefined : invalid("", problem)
}

const queryProblem = (query: ReadQuery): Problem | undefined => {
  switch (query._tag) {
    case "Counts":
      return query.queue === undefined ? undefined : nameProblem("queue", query.queue)
    case "Job":
      return idProblem("id", query.id)
    case "Jobs":
      if (query.state !== undefined && !states.has(query.state)) return ["state", "is not a state of a job"]
      return (
        integerProblem("limit", query.limit, 1, Limits.pageItems) ??
        (query.queue === undefined ? undefined : nameProblem("queue", query.queue)) ??
        (query.name === undefined ? undefined : nameProblem("name", query.name)) ??
        (query.after === undefined ? undefined : textProblem("after", query.after, Limits.keyBytes))
      )
    default:
      return ["_tag", "is not a query"]
  }
}

/**
 * Checks what a caller wants to be told about.
 *
 * @since 0.1.0
 * @category validation
 * @stability unstable
 */
export const changes = (request: ChangesRequest): InvalidRequest | undefined => {
  const problem =
    request._tag === "Job"
      ? idProblem("id", request.id)
      : (nameProblem("queue", request.queue) ?? textProblem("cursor", request.cursor, Limits.keyBytes))
  return problem === undefined ? undefined : invalid("", problem)
}
