/**
 * Enqueue: ids, keys, limits, and one record per new job.
 *
 * @since 0.1.0
 */
import type { EnqueueItem, EnqueueResult } from "../../log/JobLog.ts"
import { Full } from "../../log/LogError.ts"
import { stateAt } from "../../model/Job.ts"
import { Limits } from "../../model/Limits.ts"
import { decide } from "../../model/Transition.ts"
import type { Engine } from "./Engine.ts"
import { done, type Outcome, refuse } from "./Outcome.ts"
import type { Insertion, Location } from "./StoredJob.ts"
import { parseJobId } from "./JobId.ts"
import { Flag, Status } from "./JobTable.ts"
import { scopedKey, type Tombstone } from "./Keys.ts"
import type { QueueState } from "./QueueState.ts"
import { Tag } from "./RecordTags.ts"
import { encodeRequest, isSameRequest, type StoredRequest } from "./RequestCodec.ts"

/**
 * Stored requests of known ids, by row, with the place they were read from.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type KnownRequests = Map<number, { readonly location: Location; readonly request: StoredRequest }>

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Enqueued {
  readonly results: Array<EnqueueResult>
  /** Indices of answers that lack a result which has to be read. */
  readonly missing: Array<number>
}

const words = new Int32Array(4 * Limits.batchItems)

const isKnown = (engine: Engine, row: number, known: KnownRequests | undefined): boolean => {
  const chunk = engine.store.table.chunk(row)
  const i = engine.store.table.index(row)
  const location = known?.get(row)?.location
  return location !== undefined && location.segment === chunk.segment[i] && location.offset === chunk.offset[i]
}

/** Parses the ids of a batch into `words`; answers the rows of known ids whose stored requests are not at hand. */
const parseAll = (
  engine: Engine,
  items: ReadonlyArray<EnqueueItem>,
  known: KnownRequests | undefined
): ReadonlyArray<number> | undefined => {
  let rows: Array<number> | undefined
  const { ids } = engine.store
  for (let n = 0; n < items.length; n++) {
    parseJobId(items[n]!.id, words, n * 4)
    const row = ids.find(words, n * 4)
    if (row !== -1 && !isKnown(engine, row, known)) (rows ??= []).push(row)
  }
  return rows
}

/**
 * The rows whose stored requests must be at hand before these follow-up jobs can be decided on.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const unknownRequests = parseAll

/** Why the log takes no more jobs, if it does not. */
const fullness = (engine: Engine, items: ReadonlyArray<EnqueueItem>): Full | undefined => {
  if (!engine.diskLow && !engine.store.bounded) return undefined
  let adding: Map<QueueState, number> | undefined
  for (let n = 0; n < items.length; n++) {
    const item = items[n]!
    const queue = engine.store.profiles.ofItem(item).queue
    if (!engine.diskLow && queue.policy.maxBacklog === Number.POSITIVE_INFINITY) continue
    if (engine.store.ids.find(words, n * 4) !== -1) continue
    if (item.key !== undefined && holderOf(engine, item) !== undefined) continue
    if (engine.diskLow) {
      // room may have been made meanwhile: look again
      engine.onGarbage()
      return new Full({ limit: "diskReserve", detail: "the disk's free space is kept for settlements" })
    }
    adding ??= new Map()
    const waiting = adding.get(queue) ?? queue.counts[Status.Waiting]!
    if (waiting >= queue.policy.maxBacklog) {
      return new Full({
        limit: "maxBacklog",
        detail: `queue ${queue.name} holds ${queue.counts[Status.Waiting]} waiting jobs, the limit is ${queue.policy.maxBacklog}`
      })
    }
    adding.set(queue, waiting + 1)
  }
  return undefined
}

/** Whoever holds the item's key at this time: a row, or what remains of one. */
const holderOf = (engine: Engine, item: EnqueueItem): number | Tombstone | undefined => {
  if (item.key === undefined) return undefined
  const { store } = engine
  const holder = store.keys.holder(scopedKey(item.queue, item.name, item.key.value))
  if (holder === undefined) return undefined
  if (typeof holder === "object") return holder.until > store.now ? holder : undefined
  const chunk = store.table.chunk(holder)
  const i = store.table.index(holder)
  if (chunk.status[i] !== Status.Completed) return holder
  const window = store.keys.own(holder)?.window ?? 0
  return store.grants.finishedAt[chunk.slot[i]!]! + window > store.now ? holder : undefined
}

/**
 * Decides, records and applies. Answers `Missing` while `known` lacks the stored request of an id that exists.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const enqueue = (
  engine: Engine,
  items: ReadonlyArray<EnqueueItem>,
  known: KnownRequests | undefined
): Outcome<Enqueued> => {
  const { store } = engine
  const rows = parseAll(engine, items, known)
  if (rows !== undefined) return { _tag: "Missing", rows }
  const full = fullness(engine, items)
  if (full !== undefined) return refuse(full)
  for (const tombstone of store.keys.outdated(store.now)) store.unbury(tombstone)
  return done(insertParsed(engine, items, known))
}

/**
 * Follow-up jobs stored in the present step, by row: another one may repeat an id.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Fresh = Map<number, EnqueueItem>

/**
 * As {@link enqueue}, without regard to limits: follow-up jobs of a completion must not be stopped by them.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const insertAll = (
  engine: Engine,
  items: ReadonlyArray<EnqueueItem>,
  known: KnownRequests | undefined,
  fresh: Fresh
): Enqueued => {
  parseAll(engine, items, known)
  return insertParsed(engine, items, known, fresh)
}

const insertParsed = (
  engine: Engine,
  items: ReadonlyArray<EnqueueItem>,
  known: KnownRequests | undefined,
  fresh?: Fresh
): Enqueued => {
  const { ids } = engine.store
  const results: Array<EnqueueResult> = []
  const missing: Array<number> = []
  for (let n = 0; n < items.length; n++) {
    const item = items[n]!
    const at = n * 4
    const row = ids.find(words, at)
    if (row !== -1) {
      const first = fresh?.get(row)
      // what was loaded may be of a job whose row has been freed and taken again in this step
      const stored = first === undefined ? (known?.get(row)?.request ?? storedTwin(items, n)) : asStored(first)
      results.push(repeatedId(engine, row, item, stored))
      continue
    }
    const holder = holderOf(engine, item)
    if (holder === undefined) {
      const inserted = insert(engine, item, at)
      fresh?.set(inserted, item)
      results.push({ _tag: "Inserted", id: item.id })
    } else if (typeof holder === "object") {
      const { id, state } = holder
      results.push(
        state === "Completed" ? { _tag: "Duplicate", id, state, resultGone: true } : { _tag: "Duplicate", id, state }
      )
    } else {
      results.push(conflict(engine, holder, item, missing, n))
    }
  }
  return { results, missing }
}

const repeatedId = (engine: Engine, row: number, item: EnqueueItem, stored: StoredRequest): EnqueueResult => {
  const same = engine.store.profiles.ofItem(item) === engine.store.profileOf(row) && isSameRequest(stored, item)
  return same ? { _tag: "Inserted", id: item.id } : { _tag: "Refused", id: item.id, reason: "idConflict" }
}

/** The request of an earlier item of the same batch with the same id, which has just been inserted. */
const storedTwin = (items: ReadonlyArray<EnqueueItem>, n: number): StoredRequest => {
  for (let earlier = 0; earlier < n; earlier++) {
    if (items[earlier]!.id === items[n]!.id) return asStored(items[earlier]!)
  }
  throw new Error("leasehold: a stored request is not at hand")
}

const asStored = (item: EnqueueItem): StoredRequest => ({
  enqueuedAt: 0,
  priority: item.priority ?? 0,
  delay: item.delay ?? 0,
  at: item.at,
  deadline: item.deadline,
  group: item.group,
  key:
    item.key === undefined
      ? undefined
      : { value: item.key.value, window: item.key.window, onConflict: item.key.onConflict ?? "keep" },
  metadata: item.metadata,
  trace: item.trace,
  payload: item.payload
})

const toInsertion = (engine: Engine, item: EnqueueItem): Insertion => ({
  profile: engine.store.profiles.ofItem(item),
  priority: item.priority ?? 0,
  visibleAt: item.at ?? engine.store.now + (item.delay ?? 0),
  deadline: item.deadline,
  group: item.group,
  key:
    item.key === undefined
      ? undefined
      : { scoped: scopedKey(item.queue, item.name, item.key.value), window: item.key.window }
})

/** Records and stores a new job; its id's words are at `words[at]`. */
const insert = (engine: Engine, item: EnqueueItem, at: number): number => {
  const { store, recorder } = engine
  const job = toInsertion(engine, item)
  const local = recorder.profile(job.profile)
  const writer = recorder.open()
  writer.u8(Tag.Enqueued)
  writer.varint(local)
  const offset = writer.position
  encodeRequest(writer, item, words, at, store.now)
  return store.insert(words, at, job, engine.journal.currentSegment, offset, writer.position - offset)
}

/** The key is held by a job whose record exists. */
const conflict = (
  engine: Engine,
  row: number,
  item: EnqueueItem,
  missing: Array<number>,
  index: number
): EnqueueResult => {
  const { store, recorder } = engine
  const id = store.table.idOf(row)
  const insertion = toInsertion(engine, item)
  const job = store.job(row)
  if (item.key?.onConflict === "replace") {
    const profile = insertion.profile
    const decision = decide(
      job,
      {
        _tag: "Replace",
        job: {
          priority: insertion.priority,
          visibleAt: insertion.visibleAt,
          maxAttempts: profile.maxAttempts,
          maxDeliveries: profile.maxDeliveries,
          deadline: insertion.deadline
        }
      },
      { now: store.now, sessionLive: false, paused: false, permit: false, keyFree: false, sameRequest: false }
    )
    if (typeof decision === "object") {
      const local = recorder.profile(profile)
      const at = store.table.index(row) * 4
      const own = store.table.chunk(row).id.subarray(at, at + 4)
      const writer = recorder.entry(Tag.Replaced, store.sequenceOf(row))
      // the first request may be given up before this one: the entry says all that the job is from now on
      writer.varint(job.generation + 1)
      writer.varint(local)
      const offset = writer.position
      encodeRequest(writer, item, own, 0, store.now)
      store.replace(row, insertion, engine.journal.currentSegment, offset, writer.position - offset)
      return { _tag: "Replaced", id }
    }
  }
  const state = stateAt(job, store.now)
  if (state === "Completed" && (store.table.chunk(row).flags[store.table.index(row)]! & Flag.Result) !== 0) {
    missing.push(index)
  }
  return { _tag: "Duplicate", id, state }
}
