/**
 * What a session does with its grants: settle, renew, close.
 *
 * @since 0.1.0
 */
import type { RenewRequest, RenewResult, SettleItem, SettleResult } from "../../log/JobLog.ts"
import * as Validate from "../../log/Validate.ts"
import type { Command } from "../../model/Command.ts"
import { stateAt } from "../../model/Job.ts"
import type { Rejection } from "../../model/Transition.ts"
import { enqueueOne } from "./Enqueue.ts"
import type { SessionState } from "./Sessions.ts"
import type { State } from "./State.ts"

/** Tokens are counted up from 1, so one that a number cannot hold was never issued. */
const toNumber = (token: bigint): number => (token <= Number.MAX_SAFE_INTEGER ? Number(token) : -1)

const toCommand = (session: string, item: SettleItem, now: number): Command => {
  const token = toNumber(item.token)
  const settlement = item.settlement
  switch (settlement._tag) {
    case "Complete":
      return { _tag: "Complete", session, token }
    case "Retry":
      return {
        _tag: "Retry",
        session,
        token,
        visibleAt: now + settlement.delay,
        cause: Validate.storedCause(settlement.cause)
      }
    case "Release":
      return {
        _tag: "Release",
        session,
        token,
        visibleAt: now + (settlement.delay ?? 0),
        cause: settlement.cause === undefined ? undefined : Validate.storedCause(settlement.cause)
      }
    case "DeadLetter":
      return { _tag: "DeadLetter", session, token, cause: Validate.storedCause(settlement.cause) }
  }
}

const refuse = (rejection: Rejection): SettleResult => ({
  _tag: "Refused",
  reason: rejection === "cancelled" || rejection === "completed" ? rejection : "stale"
})

const settleOne = (state: State, session: SessionState, item: SettleItem, now: number): SettleResult => {
  const record = state.records.get(item.id)
  if (record === undefined) return refuse("stale")
  const settlement = item.settlement
  const followUps = settlement._tag === "Complete" ? settlement.enqueue : undefined
  const command = toCommand(session.id, item, now)
  if (followUps !== undefined) {
    // the fence first: a stale completion is stale, whatever it brings
    const decision = state.decide(record, command, { sessionLive: true }, now)
    if (typeof decision === "string") return refuse(decision)
    const invalid = Validate.followUps(followUps)
    if (invalid !== undefined) return { _tag: "Refused", reason: "invalidFollowUp", detail: invalid.message }
  }
  const rejection = state.act(record, command, { sessionLive: true }, now)
  if (rejection !== undefined) return refuse(rejection)
  if (settlement._tag === "Complete") record.result = settlement.result
  return {
    _tag: "Settled",
    state: stateAt(record.job, now),
    ...(followUps === undefined
      ? undefined
      : { enqueued: followUps.map((followUp) => enqueueOne(state, followUp, now)) })
  }
}

/**
 * Settles a checked batch for a session that is not ended; it may have expired, as long as nobody has taken its jobs.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const settle = (
  state: State,
  session: SessionState,
  items: ReadonlyArray<SettleItem>,
  now: number
): ReadonlyArray<SettleResult> => {
  const queues = new Set<string>()
  const results = items.map((item) => {
    const queue = state.records.get(item.id)?.item.queue
    if (queue !== undefined) queues.add(queue)
    return settleOne(state, session, item, now)
  })
  for (const queue of queues) state.advance(state.queue(queue), now)
  return results
}

/**
 * Renews a live session.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const renew = (state: State, session: SessionState, request: RenewRequest, now: number): RenewResult => {
  session.expiresAt = now + session.leaseDuration
  const lost = new Set<bigint>()
  for (const token of request.started) {
    const record = session.grants.get(toNumber(token))
    if (record === undefined) lost.add(token)
    else {
      state.act(
        record,
        { _tag: "MarkStarted", session: session.id, token: toNumber(token) },
        { sessionLive: true },
        now
      )
    }
  }
  for (const { token, value } of request.progress) {
    const record = session.grants.get(toNumber(token))
    if (record === undefined) lost.add(token)
    else if (record.job.status === "Leased") record.progress = value
  }
  return {
    now,
    expiresAt: session.expiresAt,
    lost: [...lost],
    cancelled: Array.from(session.cancelled, BigInt),
    paused: pausedQueues(state, session)
  }
}

/** Looks through the grants only while some queue is paused. */
const pausedQueues = (state: State, session: SessionState): ReadonlyArray<string> => {
  const paused = new Set<string>()
  for (const queue of state.queues.values()) if (queue.paused) paused.add(queue.name)
  if (paused.size === 0) return []
  const held = new Set<string>()
  for (const { item } of session.grants.values()) if (paused.has(item.queue)) held.add(item.queue)
  return [...held]
}

/**
 * Ends a session and releases what it holds.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const close = (state: State, session: SessionState, now: number): void => {
  for (const [token, record] of session.grants) {
    const rejection = state.act(
      record,
      { _tag: "Release", session: session.id, token, visibleAt: now, cause: undefined },
      { sessionLive: true },
      now
    )
    if (rejection !== undefined) throw new Error(`leasehold: a closing session's job was refused as ${rejection}`)
  }
  state.end(session)
}
