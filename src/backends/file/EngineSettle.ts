/**
 * Settle and renew: what a session does with its grants.
 *
 * @since 0.1.0
 */
import type { RenewRequest, RenewResult, SettleItem, SettleRequest, SettleResult } from "../../log/JobLog.ts"
import type { InvalidRequest } from "../../log/LogError.ts"
import * as Validate from "../../log/Validate.ts"
import type { Command } from "../../model/Command.ts"
import type { Event } from "../../model/Event.ts"
import { stateAt } from "../../model/Job.ts"
import { Limits } from "../../model/Limits.ts"
import { decide, type Rejection } from "../../model/Transition.ts"
import type { Engine } from "./Engine.ts"
import { done, type Outcome, refuse } from "./Outcome.ts"
import { type Fresh, insertAll, type KnownRequests, unknownRequests } from "./EngineEnqueue.ts"
import { parseJobId } from "./JobId.ts"
import { Flag, Status } from "./JobTable.ts"
import type { QueueState } from "./QueueState.ts"
import { Tag } from "./RecordTags.ts"
import { retain } from "./Retention.ts"
import type { SessionState } from "./Sessions.ts"

const words = new Int32Array(4)
/** Shared by all plain completions: a batch of them costs one array. */
const completed: SettleResult = Object.freeze({ _tag: "Settled", state: "Completed" })
const stale: SettleResult = Object.freeze({ _tag: "Refused", reason: "stale" })

/**
 * A follow-up's answer that lacks a result.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface MissingFollowUp {
  readonly item: number
  /** Its index among the item's follow-ups. */
  readonly index: number
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Settled {
  readonly results: ReadonlyArray<SettleResult>
  readonly missing: ReadonlyArray<MissingFollowUp>
}

/** The grant's slot if the session holds it now and it is the job's, else -1. */
const slotOf = (engine: Engine, session: SessionState, item: SettleItem): number => {
  const { grants, table } = engine.store
  const slot = grants.find(Number(item.token))
  if (slot === -1 || grants.session[slot] !== session.number) return -1
  const id = (grants.id[slot] ??= table.idOf(grants.row[slot]!))
  return id === item.id ? slot : -1
}

const refusal = (rejection: Rejection): SettleResult =>
  rejection === "completed" || rejection === "cancelled" ? { _tag: "Refused", reason: rejection } : stale

const commandOf = (session: SessionState, item: SettleItem, now: number): Command => {
  const { settlement } = item
  const token = Number(item.token)
  switch (settlement._tag) {
    case "Complete":
      return { _tag: "Complete", session: session.id, token }
    case "Retry":
      return {
        _tag: "Retry",
        session: session.id,
        token,
        visibleAt: now + settlement.delay,
        cause: Validate.storedCause(settlement.cause)
      }
    case "Release":
      return {
        _tag: "Release",
        session: session.id,
        token,
        visibleAt: now + (settlement.delay ?? 0),
        cause: settlement.cause === undefined ? undefined : Validate.storedCause(settlement.cause)
      }
    case "DeadLetter":
      return { _tag: "DeadLetter", session: session.id, token, cause: Validate.storedCause(settlement.cause) }
  }
}

const recordCompletion = (engine: Engine, row: number, result: string | undefined): void => {
  const { store, recorder } = engine
  const sequence = store.sequenceOf(row)
  if (result === undefined) {
    recorder.run(Tag.Completed, sequence)
    return store.complete(row, store.now)
  }
  const writer = recorder.entry(Tag.CompletedWithResult, sequence)
  const offset = writer.position
  writer.string(result)
  const length = writer.position - offset
  store.complete(row, store.now)
  store.setResult(row, { segment: engine.journal.currentSegment, offset, length })
}

/** Any settlement but a plain completion. */
const settleOne = (
  engine: Engine,
  session: SessionState,
  item: SettleItem,
  known: KnownRequests | undefined,
  fresh: Fresh,
  index: number,
  missing: Array<MissingFollowUp>
): SettleResult => {
  const { store } = engine
  const slot = slotOf(engine, session, item)
  let row: number
  if (slot === -1) {
    parseJobId(item.id, words, 0)
    row = store.ids.find(words, 0)
    if (row === -1) return stale
  } else {
    row = store.grants.row[slot]!
  }
  const decision = decide(store.job(row), commandOf(session, item, store.now), {
    now: store.now,
    sessionLive: true,
    paused: false,
    permit: true,
    keyFree: true,
    sameRequest: false
  })
  if (typeof decision === "string") return refusal(decision)
  const { settlement } = item
  if (settlement._tag === "Complete") {
    const followUps = settlement.enqueue
    if (followUps !== undefined) {
      const invalid = Validate.followUps(followUps)
      if (invalid !== undefined) return { _tag: "Refused", reason: "invalidFollowUp", detail: invalid.message }
    }
    recordCompletion(engine, row, settlement.result)
    if (followUps === undefined || followUps.length === 0) return completed
    const enqueued = insertAll(engine, followUps, known, fresh)
    for (const one of enqueued.missing) missing.push({ item: index, index: one })
    return { _tag: "Settled", state: "Completed", enqueued: enqueued.results }
  }
  applyEvent(engine, row, decision)
  return { _tag: "Settled", state: stateAt(store.job(row), store.now) }
}

const applyEvent = (engine: Engine, row: number, event: Event): void => {
  engine.recorder.event(engine.store.sequenceOf(row), event)
  engine.store.transition(row, event)
}

/** Completions without more, of grants that the session holds: each matches a token and an id that the log gave out. */
const isPlain = (engine: Engine, request: SettleRequest): boolean => {
  const { items, call } = request
  const session = engine.sessions.find(request.session)
  if (session === undefined || !Number.isSafeInteger(call) || call < 1) return false
  if (!Array.isArray(items) || items.length > Limits.batchItems) return false
  for (let n = 0; n < items.length; n++) {
    // callers without types may send anything
    const item = items[n] as SettleItem | undefined | null
    const settlement = item?.settlement as SettleItem["settlement"] | undefined | null
    if (
      item === undefined ||
      item === null ||
      settlement === undefined ||
      settlement === null ||
      typeof item.token !== "bigint" ||
      settlement._tag !== "Complete"
    )
      return false
    if (settlement.result !== undefined || settlement.enqueue !== undefined) return false
    if (slotOf(engine, session, item) === -1) return false
  }
  return true
}

/**
 * What is wrong with a request. The most frequent kind has nothing left to validate: see {@link isPlain}.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const validateSettle = (engine: Engine, request: SettleRequest): InvalidRequest | undefined =>
  isPlain(engine, request) ? undefined : Validate.settle(request)

/** Rows whose stored requests follow-up jobs have to be compared with. */
const missingFollowUps = (
  engine: Engine,
  items: ReadonlyArray<SettleItem>,
  known: KnownRequests | undefined
): ReadonlyArray<number> | undefined => {
  let rows: Array<number> | undefined
  for (const { settlement } of items) {
    if (settlement._tag !== "Complete" || settlement.enqueue === undefined) continue
    // unsound ones are refused with their own settlement, before anything is looked up
    if (Validate.followUps(settlement.enqueue) !== undefined) continue
    const found = unknownRequests(engine, settlement.enqueue, known)
    if (found !== undefined) (rows ??= []).push(...found)
  }
  return rows
}

/**
 * Decides, records and applies. Answers `Missing` while `known` lacks the stored request of a follow-up job
 * whose id exists.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const settle = (engine: Engine, request: SettleRequest, known: KnownRequests | undefined): Outcome<Settled> => {
  const session = engine.live(request.session, false)
  if (session === undefined) return engine.dead(request.session)
  const repeated = engine.repeated(session, request.call, "Settle")
  if (repeated !== undefined) {
    return repeated._tag === "Settle" ? done({ results: repeated.results, missing: [] }) : refuse(repeated)
  }
  const { store, recorder } = engine
  const { grants, table } = store
  const { items } = request
  const rows = missingFollowUps(engine, items, known)
  if (rows !== undefined) {
    session.leaveOpen(request.call)
    return { _tag: "Missing", rows }
  }
  const results: Array<SettleResult> = []
  const missing: Array<MissingFollowUp> = []
  const fresh: Fresh = new Map()
  let queue: QueueState | undefined
  for (let n = 0; n < items.length; n++) {
    const item = items[n]!
    const { settlement } = item
    if (settlement._tag === "Complete" && settlement.result === undefined && settlement.enqueue === undefined) {
      const slot = slotOf(engine, session, item)
      if (slot !== -1) {
        const row = grants.row[slot]!
        const chunk = table.chunk(row)
        const i = table.index(row)
        if (chunk.status[i] === Status.Leased) {
          recorder.run(Tag.Completed, chunk.sequence[i]!)
          store.complete(row, store.now)
          results.push(completed)
          const of = store.profiles.at(chunk.profile[i]!).queue
          if (of !== queue) {
            if (queue !== undefined) retain(engine, queue)
            queue = of
          }
          continue
        }
      }
    }
    const row = rowOf(engine, item)
    results.push(settleOne(engine, session, item, known, fresh, n, missing))
    if (row !== -1) retain(engine, store.queueOf(row))
  }
  if (queue !== undefined) retain(engine, queue)
  session.remember(request.call, { _tag: "Settle", results })
  return done({ results, missing })
}

const rowOf = (engine: Engine, item: SettleItem): number => {
  parseJobId(item.id, words, 0)
  return engine.store.ids.find(words, 0)
}

/**
 * Renewal: writes only what has started or progressed since the last one.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const renew = (engine: Engine, request: RenewRequest): Outcome<RenewResult> => {
  const { store, recorder } = engine
  const known = engine.live(request.session, false)
  const repeated = known === undefined ? undefined : engine.repeated(known, request.call, "Renew")
  if (repeated !== undefined) return repeated._tag === "Renew" ? done(repeated.result) : refuse(repeated)
  const session = engine.live(request.session, true)
  if (session === undefined) return engine.dead(request.session)
  session.expiresAt = store.now + session.leaseDuration
  const { grants, table } = store
  const lost = new Set<bigint>()
  for (const token of request.started) {
    const slot = grants.find(Number(token))
    if (slot === -1 || grants.session[slot] !== session.number) {
      lost.add(token)
      continue
    }
    const row = grants.row[slot]!
    const chunk = table.chunk(row)
    const i = table.index(row)
    if (chunk.status[i] !== Status.Leased || (chunk.flags[i]! & Flag.Started) !== 0) continue
    applyEvent(engine, row, { _tag: "Started" })
    recorder.cut()
  }
  for (const { token, value } of request.progress) {
    const slot = grants.find(Number(token))
    if (slot === -1 || grants.session[slot] !== session.number) {
      lost.add(token)
      continue
    }
    const row = grants.row[slot]!
    if (table.chunk(row).status[table.index(row)] !== Status.Leased) continue
    recorder.entry(Tag.Progress, store.sequenceOf(row)).string(value)
    store.setProgress(row, value)
    recorder.cut()
  }
  const result: RenewResult = {
    now: store.now,
    expiresAt: session.expiresAt,
    lost: [...lost],
    cancelled: [...session.cancelled].map((slot) => BigInt(grants.token[slot]!)),
    paused: pausedOf(engine, session)
  }
  session.remember(request.call, { _tag: "Renew", result })
  return done(result)
}

const pausedOf = (engine: Engine, session: SessionState): ReadonlyArray<string> => {
  const { store } = engine
  let any = false
  for (const queue of store.queues.values()) any ||= queue.paused
  if (!any) return []
  const names = new Set<string>()
  for (const slot of engine.slotsOf(session)) {
    const queue = store.queueOf(store.grants.row[slot]!)
    if (queue.paused) names.add(queue.name)
  }
  return [...names]
}
