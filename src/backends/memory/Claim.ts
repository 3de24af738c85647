/**
 * Claiming, and taking back what dead sessions hold.
 *
 * @since 0.1.0
 */
import type { ClaimRequest, ClaimResult, Grant, ReclaimResult } from "../../log/JobLog.ts"
import { isRejection } from "../../model/Transition.ts"
import { toGrant } from "./JobRecord.ts"
import type { QueueState } from "./QueueState.ts"
import type { SessionState } from "./Sessions.ts"
import type { State } from "./State.ts"

const expireDeadlines = (state: State, queue: QueueState, limit: number, now: number): number => {
  let expired = 0
  for (; expired < limit; expired++) {
    const overdue = queue.line.overdue(now)
    if (overdue === undefined) break
    const rejection = state.act(overdue, { _tag: "Expire" }, {}, now)
    if (rejection !== undefined) throw new Error(`leasehold: an overdue job was refused as ${rejection}`)
  }
  return expired
}

const grantReady = (
  state: State,
  session: SessionState,
  queue: QueueState,
  request: ClaimRequest,
  now: number
): ReadonlyArray<Grant> => {
  const grants: Array<Grant> = []
  while (!queue.paused && grants.length < request.limit) {
    const record = queue.line.first(request.names)
    if (record === undefined) break
    const decision = state.decide(
      record,
      { _tag: "Claim", session: session.id, token: state.nextToken() },
      { sessionLive: true, paused: queue.paused, permit: queue.line.permits(record) },
      now
    )
    if (isRejection(decision)) throw new Error(`leasehold: a job in line was refused as ${decision}`)
    state.commit(record, decision, now)
    if (decision._tag === "Granted") grants.push(toGrant(record))
  }
  return grants
}

const finite = (at: number): number | undefined => (at === Number.POSITIVE_INFINITY ? undefined : at)

/** The earliest end of a lease under which jobs are held, by others than this session. */
const nextExpiry = (state: State, except: string | undefined): number => {
  let next = Number.POSITIVE_INFINITY
  for (const session of state.sessions.values()) {
    if (session.id !== except && session.grants.size > 0) next = Math.min(next, session.expiresAt)
  }
  return next
}

/**
 * The next instant at which something may become claimable in a queue without anyone's doing.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const nextAt = (state: State, queue: QueueState, except?: string): number | undefined =>
  finite(Math.min(queue.line.nextAt(), nextExpiry(state, except)))

/**
 * Claims for a live session. When nothing is claimable, what expired sessions hold is taken back first.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const claim = (state: State, session: SessionState, request: ClaimRequest, now: number): ClaimResult => {
  const queue = state.queue(request.queue)
  expireDeadlines(state, queue, Number.POSITIVE_INFINITY, now)
  state.advance(queue, now)
  let grants = grantReady(state, session, queue, request, now)
  if (grants.length === 0 && takeBack(state, Number.POSITIVE_INFINITY, now).reclaimed > 0) {
    grants = grantReady(state, session, queue, request, now)
  }
  return { grants, cursor: String(queue.version), nextAt: nextAt(state, queue, session.id), now }
}

/** Ends expired sessions, then reclaims what dead sessions hold. */
const takeBack = (state: State, limit: number, now: number): { reclaimed: number; deadLettered: number } => {
  const count = { reclaimed: 0, deadLettered: 0 }
  for (const session of state.sessions.values()) {
    if (!session.ended && !session.isExpired(now)) continue
    state.end(session)
    for (const record of session.grants.values()) {
      if (count.reclaimed === limit) return count
      const rejection = state.act(record, { _tag: "Reclaim" }, {}, now)
      if (rejection !== undefined) throw new Error(`leasehold: a dead session's job was refused as ${rejection}`)
      count.reclaimed += 1
      if (record.job.status === "DeadLettered") count.deadLettered += 1
    }
    state.end(session)
  }
  return count
}

/**
 * Takes back at most `limit` grants of dead sessions, and dead-letters waiting jobs past their deadline.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const reclaim = (state: State, limit: number, now: number): ReclaimResult => {
  const { deadLettered, reclaimed } = takeBack(state, limit, now)
  let left = limit - reclaimed
  let overdue = 0
  let next = nextExpiry(state, undefined)
  let more = next <= now
  for (const queue of state.queues.values()) {
    const expired = expireDeadlines(state, queue, left, now)
    left -= expired
    overdue += expired
    if (queue.line.overdue(now) !== undefined) more = true
    state.advance(queue, now)
    next = Math.min(next, queue.line.nextAt())
  }
  return { reclaimed, deadLettered: deadLettered + overdue, more, nextAt: finite(next) }
}
