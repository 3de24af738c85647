/**
 * Grants and views of jobs, as the server's functions answer them, and receipts.
 *
 * @since 0.1.0
 */
import { Buffer } from "node:buffer"
import type { ClaimResult, FailureCause, Grant, JobView } from "../../log/JobLog.ts"
import { fromBody, type Parts } from "./Body.ts"
import type { Reply } from "./ConnectionCall.ts"
import { fromShort, toShort } from "./JobId.ts"
import { integer, list, optional, stateOf, text } from "./Replies.ts"

/**
 * Where a granted job is: in a part of a frame that was granted at once, or by itself.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Receipt {
  /**
   * Queue's number, priority, entry and first place, as the server has them, the part's first token, and by how many the
   * job comes after the part's first, as its token does.
   */
  readonly part: { readonly place: string; readonly base: bigint; readonly offset: number } | undefined
  readonly sequence: number
  readonly short: string
}

const receiptPattern = /^(?:(\d+:-?\d+:(\d+)-\d+:(\d+):)(\d+):(\d+)|F:(\d+)):([\w-]{22})$/

/**
 * Reads a receipt; undefined if it is not one of this job's.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const fromReceipt = (receipt: string, id: string): Receipt | undefined => {
  const found = receiptPattern.exec(receipt)
  if (found === null) return undefined
  const [, place, first, from, base, offset, sequence, short = ""] = found
  if (short !== toShort(id)) return undefined
  if (place === undefined) return { part: undefined, sequence: Number(sequence), short }
  const part = { place, base: BigInt(base ?? "0"), offset: Number(offset) }
  return { part, sequence: Number(first) + Number(from) - 1 + part.offset, short }
}

const grant = (
  queue: string,
  parts: Parts,
  state: Pick<
    Grant,
    | "priority"
    | "attempt"
    | "delivery"
    | "generation"
    | "maxAttempts"
    | "enqueuedAt"
    | "readySince"
    | "deadline"
    | "token"
    | "receipt"
  >
): Grant => ({
  id: parts.id,
  queue,
  name: parts.name,
  version: parts.version,
  payload: parts.payload,
  priority: state.priority,
  attempt: state.attempt,
  delivery: state.delivery,
  maxAttempts: state.maxAttempts,
  generation: state.generation,
  enqueuedAt: state.enqueuedAt,
  readySince: state.readySince,
  leaseDuration: parts.rest.leaseDuration,
  timeout: parts.rest.timeout,
  deadline: state.deadline,
  group: parts.rest.group,
  metadata: parts.rest.metadata,
  trace: parts.rest.trace,
  token: state.token,
  receipt: state.receipt
})

const usualAttempts = 10

/** The bodies of a frame: how many, their lengths in bytes of UTF-8, and these. */
const bodiesOf = (content: string): ReadonlyArray<string> => {
  const first = content.indexOf(";")
  const second = content.indexOf(";", first + 1)
  const lengths = content.slice(first + 1, second).split(",")
  const bodies: Array<string> = []
  const start = second + 1
  const total = lengths.reduce((sum, length) => sum + Number(length), 0)
  if (total === content.length - start) {
    // as many characters as bytes: nothing but ASCII
    let at = start
    for (const length of lengths) bodies.push(content.slice(at, (at += Number(length))))
    return bodies
  }
  const bytes = Buffer.from(content.slice(start), "utf8")
  let at = 0
  for (const length of lengths) bodies.push(bytes.toString("utf8", at, (at += Number(length))))
  return bodies
}

const partGrants = (queue: string, no: number, segment: ReadonlyArray<Reply>, grants: Array<Grant>): void => {
  const [, base, prio, entry, from, mask, content] = segment
  const first = text(base)
  const priority = integer(prio)
  const granted = text(mask)
  const frame = text(entry)
  const enqueuedAt = Number(frame.slice(frame.indexOf("-") + 1))
  const place = `${no}:${priority}:${frame}:${integer(from)}:${first}:`
  let token = BigInt(first)
  for (const [i, body] of bodiesOf(text(content)).entries()) {
    if (granted[i] === "1") {
      const parts = fromBody(body)
      grants.push(
        grant(queue, parts, {
          priority,
          attempt: 1,
          delivery: 1,
          generation: 1,
          maxAttempts: parts.rest.maxAttempts ?? usualAttempts,
          enqueuedAt,
          readySince: enqueuedAt,
          deadline: undefined,
          token,
          receipt: `${place}${i}:${parts.short}`
        })
      )
    }
    token++
  }
}

const singleGrant = (queue: string, segment: ReadonlyArray<Reply>): Grant => {
  // the body of a job that was replaced is that of who replaced it
  const short = text(segment[12])
  const parts = { ...fromBody(text(segment[3])), id: fromShort(short) }
  return grant(queue, parts, {
    priority: integer(segment[4]),
    attempt: integer(segment[5]),
    delivery: integer(segment[6]),
    generation: integer(segment[7]),
    maxAttempts: integer(segment[8]),
    enqueuedAt: integer(segment[9]),
    readySince: integer(segment[10]),
    deadline: optional(segment[11], integer),
    token: BigInt(text(segment[1])),
    receipt: `F:${integer(segment[2])}:${short}`
  })
}

/** The grants of a claim: parts of frames, and other jobs one by one. */
const toGrants = (queue: string, no: Reply | undefined, segments: Reply | undefined): ReadonlyArray<Grant> => {
  const grants: Array<Grant> = []
  const number = integer(no)
  for (const segment of list(segments).map(list)) {
    if (segment[0] === "P") partGrants(queue, number, segment, grants)
    else grants.push(singleGrant(queue, segment))
  }
  return grants
}

/**
 * What a claim is answered, also one that waited.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Claimed extends Pick<ClaimResult, "grants" | "nextAt" | "now"> {
  /** There is something else to be done before it is known whether there are jobs: the same call is to be sent again. */
  readonly again: boolean
  /** There is nothing, and the call is left open: it may be sent again. */
  readonly open: boolean
}

/**
 * Reads the answer to a claim from a queue.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const toClaimed = (queue: string, answer: ReadonlyArray<Reply>): Claimed => {
  const [, now, nextAt, no, segments, again, open] = answer
  return {
    grants: toGrants(queue, no, segments),
    nextAt: optional(nextAt, integer),
    now: integer(now),
    again: again === 1,
    open: open === 1
  }
}

/**
 * A job as it is shown.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const toView = (row: ReadonlyArray<Reply>): JobView => {
  const { name, payload, rest, version } = fromBody(text(row[1]))
  return {
    sequence: integer(row[0]),
    id: fromShort(text(row[21])),
    queue: text(row[2]),
    name,
    version,
    state: stateOf(row[3]),
    priority: integer(row[4]),
    payload,
    generation: integer(row[5]),
    attempts: integer(row[6]),
    maxAttempts: integer(row[7]),
    maxDeliveries: integer(row[8]),
    deliveries: integer(row[9]),
    enqueuedAt: integer(row[10]),
    visibleAt: integer(row[11]),
    finishedAt: optional(row[12], integer),
    deadline: optional(row[13], integer),
    leaseDuration: rest.leaseDuration,
    timeout: rest.timeout,
    group: rest.group,
    key: rest.key?.value,
    metadata: rest.metadata,
    // written by `settle`, from causes of the port
    cause: optional(row[14], (cause) => JSON.parse(text(cause)) as FailureCause),
    result: optional(row[15], text),
    progress: optional(row[16], text),
    token: optional(row[17], (token) => BigInt(text(token))),
    session: optional(row[18], text),
    paused: row[19] === 1,
    keyHeldBy: optional(row[20], (holder) => fromShort(text(holder)))
  }
}
