/**
 * Rows of the log's functions as the port's answers.
 *
 * @since 0.1.0
 */
import type { FailureCause, Grant, JobState, JobView } from "../../log/JobLog.ts"
import { parseRest } from "../../log/StoredRequest.ts"
import { fromText } from "./Text.ts"

/**
 * A row of an answer, by column.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Row = ReadonlyArray<unknown>

/** The functions answer with the types that are declared in their definitions. */
const integer = (value: unknown): number => Number(value as number | bigint)
const text = (value: unknown): string => value as string
const instant = (value: unknown): number | undefined => (value === null ? undefined : integer(value))

/**
 * The states in the order in which the functions number them.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const states: ReadonlyArray<JobState> = [
  "Scheduled",
  "Ready",
  "Leased",
  "Completed",
  "DeadLettered",
  "Cancelled"
]

/**
 * The state of this number.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const stateOf = (number: unknown): JobState => {
  const state = states[integer(number)]
  if (state === undefined) throw new Error(`leasehold: there is no state ${String(number)}`)
  return state
}

/**
 * The handle that a grant carries: where its job stands, and its id.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const toReceipt = (sequence: bigint, id: string): string => `${sequence}:${id}`

/**
 * Where the job of a receipt stands, undefined if the receipt is not of this job.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const fromReceipt = (receipt: string, id: string): number | undefined => {
  const end = receipt.length - id.length - 1
  if (end < 1 || receipt[end] !== ":" || !receipt.endsWith(id)) return undefined
  const sequence = Number(receipt.slice(0, end))
  // a log that drew a thousand numbers a second would reach the last one after 285,000 years
  return Number.isSafeInteger(sequence) && sequence > 0 ? sequence : undefined
}

/**
 * A row of a claim, whose first token is this one. What is null is as at a first grant.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const toGrant = (queue: string, row: Row, firstToken: bigint): Grant => {
  const rest = parseRest(row[15] as string | null)
  const id = text(row[3])
  const token = row[2] as bigint | null
  const enqueuedAt = integer(row[12])
  return {
    id,
    queue,
    name: text(row[4]),
    version: integer(row[5]),
    payload: fromText(text(row[6])),
    priority: integer(row[7]),
    attempt: integer(row[8] ?? 1),
    delivery: integer(row[9] ?? 1),
    maxAttempts: integer(row[11]),
    generation: integer(row[10] ?? 1),
    enqueuedAt,
    readySince: instant(row[13]) ?? enqueuedAt,
    leaseDuration: rest.leaseDuration,
    timeout: rest.timeout,
    deadline: instant(row[14]),
    group: rest.group,
    metadata: rest.metadata,
    trace: rest.trace,
    token: token ?? firstToken + BigInt(integer(row[0]) - 1),
    receipt: toReceipt(row[1] as bigint, id)
  }
}

const toCause = (kind: unknown, tag: unknown, message: unknown): FailureCause | undefined =>
  kind === null
    ? undefined
    : {
        // only kinds of the port are written
        kind: kind as FailureCause["kind"],
        ...(tag === null ? undefined : { tag: fromText(text(tag)) }),
        message: fromText(text(message))
      }

/**
 * A row of the function `shown`.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const toView = (row: Row): JobView => {
  const rest = parseRest(row[12] as string | null)
  const result = row[22] as string | null
  const progress = row[23] as string | null
  const session = row[25] as bigint | null
  return {
    sequence: integer(row[0]),
    id: text(row[1]),
    queue: text(row[2]),
    name: text(row[3]),
    version: integer(row[4]),
    state: stateOf(row[5]),
    priority: integer(row[6]),
    payload: fromText(text(row[7])),
    generation: integer(row[8]),
    attempts: integer(row[9]),
    maxAttempts: integer(row[10]),
    maxDeliveries: integer(row[11]),
    deliveries: integer(row[13]),
    enqueuedAt: integer(row[14]),
    visibleAt: integer(row[15]),
    finishedAt: instant(row[16]),
    deadline: instant(row[17]),
    leaseDuration: rest.leaseDuration,
    timeout: rest.timeout,
    group: rest.group,
    key: rest.key?.value,
    metadata: rest.metadata,
    cause: toCause(row[18], row[19], row[20]),
    paused: row[21] === true,
    result: result === null ? undefined : fromText(result),
    progress: progress === null ? undefined : fromText(progress),
    token: session === null ? undefined : (row[24] as bigint),
    session: session === null ? undefined : String(session),
    keyHeldBy: row[26] === null ? undefined : text(row[26])
  }
}
