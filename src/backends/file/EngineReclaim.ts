/**
 * The end of sessions, and of what they held.
 *
 * @since 0.1.0
 */
import type { ReclaimResult } from "../../log/JobLog.ts"
import type { Event } from "../../model/Event.ts"
import { decide } from "../../model/Transition.ts"
import type { Engine } from "./Engine.ts"
import { end } from "./EngineEnd.ts"
import { Flag, Status } from "./JobTable.ts"
import { retain, retainAll } from "./Retention.ts"
import type { SessionState } from "./Sessions.ts"

/**
 * Marks expired sessions dead and takes back up to `limit` of the grants of dead sessions; answers how many.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const reclaimExpired = (engine: Engine, limit: number, counted?: (event: Event) => void): number => {
  const { store, sessions } = engine
  let taken = 0
  for (const session of sessions.all()) {
    if (!session.dead && session.expiresAt > store.now) continue
    session.dead = true
    engine.waits.endSession(session)
    for (const slot of engine.slotsOf(session)) {
      if (taken >= limit) return taken
      const row = store.grants.row[slot]!
      const queue = store.queueOf(row)
      const event = end(engine, row, { _tag: "Reclaim" })
      taken++
      if (event?._tag === "CancelConfirmed") retain(engine, queue)
      if (event !== undefined) counted?.(event)
      engine.recorder.cut()
    }
    sessions.forget(session)
  }
  return taken
}

/**
 * Makes what a former owner's sessions held claimable again, up to `limit` jobs from `rows`.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const reclaimFormer = (engine: Engine, rows: ReadonlyArray<number>): void => {
  for (const row of rows) end(engine, row, { _tag: "Reclaim" })
}

/**
 * The operation.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const reclaim = (engine: Engine, limit: number): ReclaimResult => {
  const { store } = engine
  let deadLettered = 0
  const count = (event: Event): void => {
    if (event._tag === "DeadLettered") deadLettered++
  }
  const reclaimed = reclaimExpired(engine, limit, count)
  let left = limit - reclaimed
  const order = store.deadlineOrder
  while (left > 0 && order.topKey <= store.now) {
    const deadline = order.topKey
    const row = order.pop()
    const chunk = store.table.chunk(row)
    const i = store.table.index(row)
    // a job that is leased now meets its deadline when its grant ends
    if (
      chunk.status[i] === Status.Waiting &&
      (chunk.flags[i]! & Flag.Deadline) !== 0 &&
      store.deadlines.get(row) === deadline
    ) {
      const event = end(engine, row, { _tag: "Expire" })
      if (event !== undefined) {
        count(event)
        left--
      }
      engine.recorder.cut()
    }
    store.table.unmention(row)
  }
  const next = Math.min(engine.sessions.nextExpiry(), order.topKey)
  // a queue in which nothing happens has no other occasion
  const retained = retainAll(engine)
  return {
    reclaimed,
    deadLettered,
    more: (left === 0 && next <= store.now) || !retained,
    nextAt: next === Number.POSITIVE_INFINITY ? undefined : next
  }
}

/**
 * Ends a session whose holder is done with it: what it holds is released.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const close = (engine: Engine, session: SessionState): void => {
  const { store } = engine
  for (const slot of engine.slotsOf(session)) {
    const row = store.grants.row[slot]!
    const decision = decide(
      store.job(row),
      {
        _tag: "Release",
        session: session.id,
        token: store.grants.token[slot]!,
        visibleAt: store.now,
        cause: undefined
      },
      { now: store.now, sessionLive: true, paused: false, permit: true, keyFree: true, sameRequest: false }
    )
    if (typeof decision === "string") throw new Error(`leasehold: a held grant cannot be released: ${decision}`)
    engine.recorder.event(store.sequenceOf(row), decision)
    const queue = store.queueOf(row)
    store.transition(row, decision)
    if (decision._tag === "CancelConfirmed") retain(engine, queue)
    engine.recorder.cut()
  }
  session.dead = true
  engine.waits.endSession(session)
  engine.sessions.forget(session)
}
