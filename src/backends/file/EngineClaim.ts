/**
 * Claim: takes what stands first in the queue's lanes.
 *
 * @since 0.1.0
 */
import type { ClaimRequest } from "../../log/JobLog.ts"
import type { Engine } from "./Engine.ts"
import { done, type Outcome, refuse } from "./Outcome.ts"
import { Flag, Status } from "./JobTable.ts"
import { promote, putBack, showNext, takeNext } from "./Placement.ts"
import type { QueueState } from "./QueueState.ts"
import { end } from "./EngineEnd.ts"
import { reclaimExpired } from "./EngineReclaim.ts"
import { Tag } from "./RecordTags.ts"
import { Claimed } from "./Claimed.ts"
import type { SessionState } from "./Sessions.ts"

/**
 * The next instant at which the queue may have something to claim.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const nextAt = (engine: Engine, queue: QueueState): number | undefined => {
  const next = Math.min(queue.delays.topKey, engine.sessions.nextExpiry())
  return next === Number.POSITIVE_INFINITY ? undefined : next
}

/** Grants until `claimed` has `limit` jobs or nothing more is claimable. */
const grantReady = (
  engine: Engine,
  queue: QueueState,
  session: SessionState,
  limit: number,
  names: ReadonlySet<string> | undefined,
  claimed: Claimed
): void => {
  const { store, recorder } = engine
  const { table } = store
  const now = store.now
  promote(store, queue)
  const most = Math.min(limit, queue.counts[Status.Waiting]! - queue.delayed)
  /** Jobs of other names, to be put back. */
  let passed: Array<number> | undefined
  while (claimed.count < limit) {
    const row = takeNext(store, queue)
    if (row === -1) break
    const chunk = table.chunk(row)
    const i = table.index(row)
    const flags = chunk.flags[i]!
    if (names !== undefined && !names.has(store.profiles.at(chunk.profile[i]!).name)) {
      ;(passed ??= []).push(row)
      continue
    }
    if ((flags & Flag.Deadline) !== 0 && store.deadlines.get(row)! <= now) {
      end(engine, row, { _tag: "Expire" })
      recorder.cut()
      continue
    }
    recorder.holder(session.number)
    recorder.run(Tag.Granted, chunk.sequence[i]!)
    store.grant(row, session.number)
    claimed.add(store, row, most)
    if ((flags & Flag.Group) !== 0) showNext(store, queue, row)
  }
  if (passed !== undefined) for (const row of passed) putBack(store, queue, row)
}

/**
 * Decides a claim of a live session now; `undefined` when nothing is claimable.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const claimReady = (engine: Engine, session: SessionState, request: ClaimRequest): Claimed | undefined => {
  const { store } = engine
  const queue = store.queue(request.queue)
  if (queue.paused) return undefined
  const names = request.names === undefined ? undefined : new Set(request.names)
  const claimed = new Claimed(store.nextToken, store.now)
  grantReady(engine, queue, session, request.limit, names, claimed)
  // an expired lease must not make a claim come back empty
  if (claimed.count === 0 && reclaimExpired(engine, Number.POSITIVE_INFINITY) > 0) {
    grantReady(engine, queue, session, request.limit, names, claimed)
  }
  return claimed.count === 0 ? undefined : remember(engine, session, request.call, queue, claimed)
}

const remember = (
  engine: Engine,
  session: SessionState,
  call: number,
  queue: QueueState,
  claimed: Claimed
): Claimed => {
  claimed.cursor = String(queue.version + (queue.touched ? 1 : 0))
  claimed.nextAt = nextAt(engine, queue)
  session.remember(call, claimed)
  return claimed
}

/**
 * As the claim's first step; `Done(undefined)` says that it has to park.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const claim = (engine: Engine, request: ClaimRequest): Outcome<Claimed | undefined> => {
  const known = engine.live(request.session, false)
  const repeated = known === undefined ? undefined : engine.repeated(known, request.call, "Claim")
  if (repeated !== undefined) return repeated._tag === "Claim" ? done(repeated) : refuse(repeated)
  const session = engine.live(request.session, true)
  if (session === undefined) return engine.dead(request.session)
  const claimed = claimReady(engine, session, request)
  if (claimed !== undefined) return done(claimed)
  if (request.park === true) {
    session.leaveOpen(request.call)
    return done(undefined)
  }
  const queue = engine.store.queue(request.queue)
  return done(remember(engine, session, request.call, queue, new Claimed(engine.store.nextToken, engine.store.now)))
}
