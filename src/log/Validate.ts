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
import { idPattern, Limits, namePattern } from "../model/Limits.ts"
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
import { InvalidRequest } from "./LogError.ts"

/** A field relative to the thing that was checked, and what is wrong with it. */
type Problem = readonly [field: string, detail: string]

/** The last instant that a date can express, Unix milliseconds. */
const lastInstant = 8_640_000_000_000_000
const states: ReadonlySet<unknown> = new Set(jobStates)
const failureKinds: ReadonlySet<unknown> = new Set(FailureKind.literals)
const traceIdPattern = /^[0-9a-f]{32}$/
const spanIdPattern = /^[0-9a-f]{16}$/

const invalid = (prefix: string, problem: Problem): InvalidRequest =>
  new InvalidRequest({
    field: prefix === "" ? problem[0] : problem[0] === "" ? prefix : `${prefix}.${problem[0]}`,
    detail: problem[1]
  })

// --- strings

/** Node has had `isWellFormed` since version 20; the library types of ES2023 do not know it yet. */
const wellFormed = (text: string): boolean => (text as string & { isWellFormed(): boolean }).isWellFormed()

/**
 * Length in bytes of a string's UTF-8 form.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const utf8Length = (text: string): number => {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    if (unit < 0x800) bytes += 1
    // both halves of a pair: two units make four bytes
    else if (unit >= 0xd800 && unit <= 0xdfff) bytes += 1
    else bytes += 2
  }
  return bytes
}

/** Whether the string fits; most strings are told by their length alone, since a unit takes one to three bytes. */
const fits = (text: string, limit: number): boolean =>
  text.length * 3 <= limit || (text.length <= limit && utf8Length(text) <= limit)

const textProblem = (field: string, value: unknown, limit: number): Problem | undefined => {
  if (typeof value !== "string") return [field, "must be a string"]
  if (!fits(value, limit)) {
    return [
      field,
      `has ${utf8Length(value)} bytes, the limit is ${limit}; store large data elsewhere and pass a reference`
    ]
  }
  return wellFormed(value)
    ? undefined
    : [field, "contains a lone surrogate, which UTF-8 cannot express; pass well-formed text"]
}

const keyProblem = (field: string, value: unknown): Problem | undefined =>
  value === "" ? [field, "must not be empty; leave it out instead"] : textProblem(field, value, Limits.keyBytes)

const nameProblem = (field: string, value: unknown): Problem | undefined => {
  if (typeof value !== "string") return [field, "must be a string"]
  if (value.length > Limits.nameBytes) return [field, `has ${value.length} bytes, the limit is ${Limits.nameBytes}`]
  return namePattern.test(value)
    ? undefined
    : [field, "must begin with a letter or digit and go on with letters, digits and . _ : / -"]
}

/**
 * Whether a value is a job id: a UUID in lower case.
 *
 * @since 0.1.0
 * @category guards
 * @stability unstable
 */
export const isJobId = (value: unknown): value is string => typeof value === "string" && idPattern.test(value)

const idProblem = (field: string, value: unknown): Problem | undefined =>
  isJobId(value) ? undefined : [field, "must be a UUID in lower case, made by the client"]

// --- numbers

const integerProblem = (field: string, value: unknown, min: number, max: number): Problem | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max
    ? undefined
    : [field, `must be a whole number from ${min} to ${max}`]

const durationProblem = (field: string, value: unknown, min: number): Problem | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= Limits.durationMillis
    ? undefined
    : [field, `must be whole milliseconds from ${min} to ${Limits.durationMillis} (ten years)`]

const leaseProblem = (field: string, value: unknown): Problem | undefined =>
  integerProblem(field, value, Limits.leaseMinMillis, Limits.leaseMaxMillis)

const countProblem = (what: string, length: number, min: number, limit: number): Problem | undefined =>
  length < min
    ? ["", `must have at least ${min} ${what}`]
    : length > limit
      ? ["", `has ${length} ${what}, the limit is ${limit}; send several calls`]
      : undefined

// --- enqueue

const metadataBytes = (metadata: Readonly<Record<string, string>>, measure: (text: string) => number): number => {
  let bytes = 0
  for (const key in metadata) bytes += measure(key) + measure(metadata[key] ?? "")
  return bytes
}

const metadataProblem = (metadata: unknown): Problem | undefined => {
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) {
    return ["metadata", "must be an object of strings"]
  }
  let bytes = 0
  for (const [key, value] of Object.entries(metadata)) {
    if (key === "") return ["metadata", "has an empty name"]
    if (typeof value !== "string") return [`metadata.${key}`, "must be a string"]
    if (!wellFormed(key) || !wellFormed(value)) return ["metadata", "contains a lone surrogate; pass well-formed text"]
    bytes += utf8Length(key) + utf8Length(value)
  }
  return bytes <= Limits.metadataBytes
    ? undefined
    : ["metadata", `has ${bytes} bytes of names and values, the limit is ${Limits.metadataBytes}`]
}

const traceProblem = (trace: NonNullable<EnqueueItem["trace"]>): Problem | undefined => {
  if (typeof trace !== "object") return ["trace", "must be an object"]
  if (typeof trace.traceId !== "string" || !traceIdPattern.test(trace.traceId)) {
    return ["trace.traceId", "must be 32 digits of lower-case hex"]
  }
  if (typeof trace.spanId !== "string" || !spanIdPattern.test(trace.spanId)) {
    return ["trace.spanId", "must be 16 digits of lower-case hex"]
  }
  return typeof trace.sampled === "boolean" ? undefined : ["trace.sampled", "must be a boolean"]
}

const idempotencyProblem = (key: NonNullable<EnqueueItem["key"]>): Problem | undefined => {
  if (typeof key !== "object") return ["key", "must be an object"]
  const problem = keyProblem("key.value", key.value) ?? durationProblem("key.window", key.window, 0)
  if (problem !== undefined) return problem
  return key.onConflict === undefined || key.onConflict === "keep" || key.onConflict === "replace"
    ? undefined
    : ["key.onConflict", `must be "keep" or "replace"`]
}

/** `previous` passed already: the jobs of one batch mostly share their queue and name. */
const itemProblem = (item: EnqueueItem, previous: EnqueueItem | undefined): Problem | undefined => {
  if (typeof item !== "object" || item === null) return ["", "must be an object"]
  const required =
    idProblem("id", item.id) ??
    (item.queue === previous?.queue ? undefined : nameProblem("queue", item.queue)) ??
    (item.name === previous?.name ? undefined : nameProblem("name", item.name)) ??
    integerProblem("version", item.version, 0, 2_147_483_647) ??
    textProblem("payload", item.payload, Limits.payloadBytes)
  if (required !== undefined) return required
  let problem: Problem | undefined
  if (item.priority !== undefined) {
    problem = integerProblem("priority", item.priority, -Limits.priority, Limits.priority)
    if (problem !== undefined) return problem
  }
  if (item.delay !== undefined) {
    if (item.at !== undefined) return ["at", "excludes delay; give one of them"]
    problem = durationProblem("delay", item.delay, 0)
    if (problem !== undefined) return problem
  }
  if (item.at !== undefined) {
    problem = integerProblem("at", item.at, 0, lastInstant)
    if (problem !== undefined) return problem
  }
  if (item.maxAttempts !== undefined) {
    problem = integerProblem("maxAttempts", item.maxAttempts, 1, Limits.attempts)
    if (problem !== undefined) return problem
  }
  if (item.maxDeliveries !== undefined) {
    problem = integerProblem("maxDeliveries", item.maxDeliveries, 1, Limits.attempts)
    if (problem !== undefined) return problem
  }
  if (item.leaseDuration !== undefined) {
    problem = leaseProblem("leaseDuration", item.leaseDuration)
    if (problem !== undefined) return problem
  }
  if (item.timeout !== undefined) {
    problem = durationProblem("timeout", item.timeout, 1)
    if (problem !== undefined) return problem
  }
  if (item.deadline !== undefined) {
    problem = integerProblem("deadline", item.deadline, 0, lastInstant)
    if (problem !== undefined) return problem
  }
  if (item.group !== undefined) {
    problem = keyProblem("group", item.group)
    if (problem !== undefined) return problem
  }
  if (item.key !== undefined) {
    problem = idempotencyProblem(item.key)
    if (problem !== undefined) return problem
  }
  if (item.metadata !== undefined) {
    problem = metadataProblem(item.metadata)
    if (problem !== undefined) return problem
  }
  return item.trace === undefined ? undefined : traceProblem(item.trace)
}

/** At least the bytes of a string, without looking into it. */
const upperBytes = (text: string): number => text.length * 3

const itemsBytes = (items: ReadonlyArray<EnqueueItem>, measure: (text: string) => number): number => {
  let bytes = 0
  for (const item of items) {
    bytes += measure(item.payload)
    if (item.metadata !== undefined) bytes += metadataBytes(item.metadata, measure)
  }
  return bytes
}

const batchBytesProblem = (bytes: number): Problem | undefined =>
  bytes <= Limits.batchBytes
    ? undefined
    : [
        "",
        `has ${bytes} bytes of payloads, results and metadata, the limit is ${Limits.batchBytes}; send several calls`
      ]

const itemListProblem = (prefix: string, items: ReadonlyArray<EnqueueItem>): InvalidRequest | undefined => {
  if (!Array.isArray(items)) return invalid(prefix, ["", "must be an array"])
  const count = countProblem("jobs", items.length, 0, Limits.batchItems)
  if (count !== undefined) return invalid(prefix, count)
  for (let i = 0; i < items.length; i++) {
    // the index is within bounds
    const problem = itemProblem(items[i] as EnqueueItem, items[i - 1])
    if (problem !== undefined) return invalid(`${prefix}[${i}]`, problem)
  }
  return undefined
}

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

// --- sessions

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
    bytes += entry?.value.length ?? 0
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

// --- settle

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
    // an unsound follow-up is refused with its own item, so it is not measured here
    for (const item of settlement.enqueue ?? []) {
      if (typeof item?.payload === "string") bytes += measure(item.payload)
    }
  }
  return bytes
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
  if (settleBytes(items, upperBytes) <= Limits.batchBytes) return undefined
  const bytes = batchBytesProblem(settleBytes(items, utf8Length))
  return bytes === undefined ? undefined : invalid("items", bytes)
}

/**
 * A cause as a log stores it: well-formed, its message cut to its limit. A failed run must be able to say so whatever
 * its error's message looks like, so causes are mended instead of refused.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const storedCause = (cause: FailureCause): FailureCause => {
  const fine = (text: string, limit: number): boolean => text.length * 3 <= limit && wellFormed(text)
  const tagFits = cause.tag === undefined || fine(cause.tag, Limits.keyBytes)
  if (tagFits && fine(cause.message, Limits.causeBytes)) return cause
  return {
    kind: cause.kind,
    ...(cause.tag === undefined ? undefined : { tag: cut(cause.tag, Limits.keyBytes) }),
    message: cut(cause.message, Limits.causeBytes)
  }
}

/** Replaces lone surrogates and cuts at a character's end, so that at most `limit` bytes of UTF-8 remain. */
const cut = (text: string, limit: number): string => {
  // see `wellFormed` for the cast; a unit takes at least one byte, so what lies beyond the limit need not be looked at
  const mended = (text.slice(0, limit + 1) as string & { toWellFormed(): string }).toWellFormed()
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

// --- operators

const policyProblem = (policy: QueuePolicy): Problem | undefined => {
  if (typeof policy !== "object" || policy === null) return ["policy", "must be an object"]
  const count = (field: string, value: number | undefined, min: number): Problem | undefined =>
    value === undefined ? undefined : integerProblem(field, value, min, Number.MAX_SAFE_INTEGER)
  const problem =
    count("policy.groupConcurrency", policy.groupConcurrency, 1) ??
    count("policy.maxBacklog", policy.maxBacklog, 0) ??
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
        (command.at === undefined ? undefined : integerProblem("at", command.at, 0, lastInstant)) ??
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
