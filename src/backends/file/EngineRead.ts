/**
 * Reading: counts, jobs, grants. What lies in the journal is fetched; everything else is in the columns.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { JobView, QueueCounts } from "../../log/JobLog.ts"
import type { LogError } from "../../log/LogError.ts"
import { stateAt } from "../../model/Job.ts"
import { ByteReader } from "./journal/ByteReader.ts"
import type { Journal } from "./journal/Journal.ts"
import type { JobStore } from "./JobStore.ts"
import type { Location } from "./StoredJob.ts"
import { Flag, Status } from "./JobTable.ts"
import { bareKey } from "./Keys.ts"
import { promote } from "./Placement.ts"
import type { QueueState } from "./QueueState.ts"
import { decodeRequest, type StoredRequest } from "./RequestCodec.ts"

type Reads = Pick<Journal, "peek" | "read">

const words = new Int32Array(4)
const reader = new ByteReader(Buffer.alloc(0))

/**
 * A stored request from its bytes; the words of its id go to `id`.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const parseRequest = (bytes: Buffer, start: number, end: number, id: Int32Array): StoredRequest => {
  reader.attach(bytes, start, end, 0)
  return decodeRequest(reader, id, true)
}

/**
 * The row's stored request if it is in memory.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const peekRequest = (journal: Reads, store: JobStore, row: number): StoredRequest | undefined => {
  const chunk = store.table.chunk(row)
  const i = store.table.index(row)
  const bytes = journal.peek(chunk.segment[i]!, chunk.offset[i]!, chunk.length[i]!)
  return bytes === undefined ? undefined : parseRequest(bytes, 0, bytes.length, words)
}

/**
 * Where the row's request is stored.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const locationOf = (store: JobStore, row: number): Location => {
  const chunk = store.table.chunk(row)
  const i = store.table.index(row)
  return { segment: chunk.segment[i]!, offset: chunk.offset[i]!, length: chunk.length[i]! }
}

/**
 * The stored request at a place.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const readRequest = (journal: Reads, location: Location): Effect.Effect<StoredRequest, LogError> =>
  Effect.map(journal.read(location.segment, location.offset, location.length), (bytes) =>
    parseRequest(bytes, 0, bytes.length, words)
  )

/**
 * The stored result at a place.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const readResult = (journal: Reads, location: Location): Effect.Effect<string, LogError> =>
  Effect.map(journal.read(location.segment, location.offset, location.length), (bytes) =>
    new ByteReader(bytes, 0, bytes.length).string()
  )

/** A job as people see it, but for what only the journal has. */
const partialView = (store: JobStore, row: number): Omit<JobView, "payload" | "enqueuedAt" | "result" | "metadata"> => {
  const { table } = store
  const chunk = table.chunk(row)
  const job = store.job(row)
  const profile = store.profileOf(row)
  const own = (chunk.flags[table.index(row)]! & Flag.Key) === 0 ? undefined : store.keys.own(row)
  const holder = own === undefined ? undefined : store.keys.holder(own.scoped)
  return {
    id: table.idOf(row),
    queue: profile.queue.name,
    name: profile.name,
    version: profile.version,
    state: stateAt(job, store.now),
    priority: job.priority,
    sequence: store.sequenceOf(row),
    generation: job.generation,
    attempts: job.attempts,
    maxAttempts: job.maxAttempts,
    deliveries: job.deliveries,
    maxDeliveries: job.maxDeliveries,
    visibleAt: job.visibleAt,
    finishedAt: job.finishedAt,
    deadline: job.deadline,
    leaseDuration: profile.leaseDuration,
    timeout: profile.timeout,
    group: store.groups.get(row)?.key,
    key: own === undefined ? undefined : bareKey(own.scoped),
    cause: job.cause,
    progress: store.progress.get(row),
    token: job.session === undefined ? undefined : BigInt(job.token),
    session: job.session,
    paused: profile.queue.paused,
    keyHeldBy:
      job.status !== "DeadLettered" || holder === undefined || holder === row
        ? undefined
        : typeof holder === "object"
          ? holder.id
          : table.idOf(holder)
  }
}

/**
 * A job as people see it. The row is looked at now, the journal is read afterwards.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const viewOf = (journal: Reads, store: JobStore, row: number): Effect.Effect<JobView, LogError> => {
  const partial = partialView(store, row)
  const result = store.results.get(row)
  const request = peekRequest(journal, store, row)
  const stored = request === undefined ? readRequest(journal, locationOf(store, row)) : Effect.succeed(request)
  return Effect.flatMap(stored, ({ payload, enqueuedAt, metadata }) =>
    result === undefined
      ? Effect.succeed({ ...partial, payload, enqueuedAt, metadata })
      : Effect.map(readResult(journal, result), (text) => ({ ...partial, payload, enqueuedAt, metadata, result: text }))
  )
}

const codes = {
  Leased: Status.Leased,
  Completed: Status.Completed,
  DeadLettered: Status.DeadLettered,
  Cancelled: Status.Cancelled
}

/** A page ends with the row that reaches so many bytes of requests and results: it is answered from memory. */
const pageBytes = 8 * 1024 * 1024

/**
 * Rows of one page, in order of enqueueing, and whether it ended before the rows did.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const pageOf = (
  store: JobStore,
  query: {
    readonly queue?: string | undefined
    readonly state?: JobView["state"] | undefined
    readonly name?: string | undefined
    readonly after: number
    readonly limit: number
  }
): { readonly rows: ReadonlyArray<number>; readonly full: boolean } => {
  const rows: Array<number> = []
  let bytes = 0
  let full = false
  store.sequences.forEachAfter(query.after, (row) => {
    const chunk = store.table.chunk(row)
    const i = store.table.index(row)
    const profile = store.profiles.at(chunk.profile[i]!)
    if (query.queue !== undefined && profile.queue.name !== query.queue) return true
    if (query.name !== undefined && profile.name !== query.name) return true
    const { state } = query
    if (state !== undefined) {
      const wanted =
        state === "Ready" || state === "Scheduled"
          ? chunk.status[i] === Status.Waiting && chunk.visibleAt[i]! <= store.now === (state === "Ready")
          : chunk.status[i] === codes[state]
      if (!wanted) return true
    }
    rows.push(row)
    bytes += chunk.length[i]! + (store.results.get(row)?.length ?? 0)
    full = rows.length >= query.limit || bytes >= pageBytes
    return !full
  })
  return { rows, full }
}

/** How far a lane is looked into for its oldest job: jobs come in about the order in which they become claimable. */
const lookAhead = 4096

/** Since when the first ready job of the queue has been claimable. */
const oldestReady = (store: JobStore, queue: QueueState): number | undefined => {
  let oldest = Number.POSITIVE_INFINITY
  const look = (row: number): void => {
    const chunk = store.table.chunk(row)
    const i = store.table.index(row)
    if (chunk.status[i] !== Status.Waiting || (chunk.flags[i]! & Flag.Delayed) !== 0) return
    oldest = Math.min(oldest, chunk.visibleAt[i]!)
  }
  for (const group of queue.groups.values()) {
    for (let i = 0; i < group.line.size; i++) look(group.line.rowAt(i))
  }
  for (const lane of queue.active) {
    let left = lookAhead
    lane.fifo.forEach((row) => {
      look(row)
      return --left > 0
    })
    for (let i = 0; i < lane.returned.size; i++) look(lane.returned.rowAt(i))
  }
  return oldest === Number.POSITIVE_INFINITY ? undefined : oldest
}

/**
 * Counts of a queue, at the store's present time.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const countsOf = (store: JobStore, queue: QueueState): QueueCounts => {
  promote(store, queue)
  const waiting = queue.counts[Status.Waiting]!
  return {
    queue: queue.name,
    paused: queue.paused,
    scheduled: queue.delayed,
    ready: waiting - queue.delayed,
    leased: queue.counts[Status.Leased]!,
    completed: queue.counts[Status.Completed]!,
    deadLettered: queue.counts[Status.DeadLettered]!,
    cancelled: queue.counts[Status.Cancelled]!,
    oldestReadySince: waiting === queue.delayed ? undefined : oldestReady(store, queue)
  }
}
