/**
 * Rebuilds the state of a file log from its frames. What was decided is applied as it was logged, never decided anew.
 *
 * @since 0.1.0
 */
import type { Event } from "../../model/Event.ts"
import { jobStates } from "../../model/Job.ts"
import { type ByteReader, MalformedBytes } from "./journal/ByteReader.ts"
import { takeCause } from "./CauseCodec.ts"
import { firstEngineType } from "./journal/Frame.ts"
import { noSession } from "./GrantTable.ts"
import type { JobStore } from "./JobStore.ts"
import { Status } from "./JobTable.ts"
import type { Insertion, RestoredState } from "./StoredJob.ts"
import { scopedKey } from "./Keys.ts"
import type { Profile } from "./Profiles.ts"
import { entriesFrame, Tag } from "./RecordTags.ts"
import { decodeRequest, firstVisibleAt, type StoredRequest, unzigzag } from "./RequestCodec.ts"
import type { FrameMeta } from "./journal/SegmentScan.ts"
import { readSnapshot } from "./Snapshot.ts"

const words = new Int32Array(4)

/** Only jobs that were never granted are replaced. */
const neverGranted: Omit<RestoredState, "generation"> = {
  status: Status.Waiting,
  attempts: 0,
  deliveries: 0,
  started: false,
  granted: false,
  holder: noSession,
  token: 0,
  finishedAt: 0,
  cause: undefined
}

/**
 * What a request asks to store, from its stored form.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const insertionOf = (profile: Profile, request: StoredRequest): Insertion => ({
  profile,
  priority: request.priority,
  visibleAt: firstVisibleAt(request),
  deadline: request.deadline,
  group: request.group,
  key:
    request.key === undefined
      ? undefined
      : { scoped: scopedKey(profile.queue.name, profile.name, request.key.value), window: request.key.window }
})

/**
 * Receives a journal's frames in order.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Replay {
  readonly #store: JobStore
  /** Profiles of the present frame, by their number in it. */
  #profiles: Array<Profile> = []
  #base = 0
  #holder = 0
  /** Events about unknown jobs are legal below this sequence: their jobs were trimmed with their segments. */
  #knownFrom = 0
  #sawCheckpoint = false
  /** The epoch of the latest owner. */
  epoch = 0
  /** Time of the last frame, 0 before the first. */
  lastAt = 0

  constructor(store: JobStore) {
    this.#store = store
  }

  /** Throws `MalformedBytes` for anything that this log did not write. */
  readonly onFrame = (type: number, reader: ByteReader, meta: FrameMeta): void => {
    if (meta.at > this.lastAt) this.lastAt = meta.at
    // the frame that began the epoch may have been given up
    this.epoch = meta.epoch
    if (type < firstEngineType) return
    if (type !== entriesFrame) throw new MalformedBytes(`frame type ${type}`)
    this.#profiles = []
    this.#base = 0
    this.#holder = 0
    this.#store.now = meta.at
    try {
      while (reader.remaining > 0) {
        this.#entry(reader, meta)
      }
    } catch (error) {
      if (error instanceof MalformedBytes) throw error
      // an assertion of the model or of the store: the frame does not follow from those before it
      throw new MalformedBytes(error instanceof Error ? error.message : String(error))
    }
  }

  #entry(reader: ByteReader, meta: FrameMeta): void {
    const tag = reader.u8()
    switch (tag) {
      case Tag.Profile:
        return this.#profile(reader)
      case Tag.Enqueued:
        return this.#enqueued(reader, meta)
      case Tag.Replaced:
        return this.#replaced(reader, meta)
      case Tag.Holder:
        this.#holder = reader.varint()
        return
      case Tag.CompletedWithResult: {
        const row = this.#row(reader)
        const offset = reader.position
        reader.skip(reader.varint())
        if (row === -1) return
        this.#store.complete(row, meta.at)
        this.#store.setResult(row, { segment: meta.segment, offset, length: reader.position - offset })
        return
      }
      case Tag.Progress: {
        const row = this.#row(reader)
        const value = reader.string()
        if (row !== -1) this.#store.setProgress(row, value)
        return
      }
      case Tag.Tombstone: {
        const scoped = reader.string()
        const id = reader.string()
        const until = reader.varint()
        const state = jobStates[reader.u8()]
        if (state === undefined) throw new MalformedBytes("state of a tombstone")
        this.#store.bury({ scoped, id, until, state, segment: meta.segment })
        return
      }
      case Tag.Queue:
        return this.#queue(reader)
      case Tag.Checkpoint:
        return this.#checkpoint(reader.varint(), reader.varint())
      case Tag.Snapshot:
        return readSnapshot(this.#store, reader, meta, this.#profiles)
      case Tag.Granted:
      case Tag.Completed:
      case Tag.Released:
      case Tag.Reclaimed:
      case Tag.Cancelled:
      case Tag.CancelConfirmed:
      case Tag.Purged:
      case Tag.Started:
        return this.#run(tag, reader, meta.at)
      default: {
        const row = this.#row(reader)
        const event = this.#event(tag, reader, meta.at)
        if (row !== -1) this.#store.transition(row, event)
      }
    }
  }

  #event(tag: number, reader: ByteReader, at: number): Event {
    switch (tag) {
      case Tag.Retried:
        return { _tag: "Retried", visibleAt: reader.varint(), cause: takeCause(reader) }
      case Tag.ReleasedWith:
        return {
          _tag: "Released",
          visibleAt: reader.varint(),
          cause: reader.u8() === 0 ? undefined : takeCause(reader)
        }
      case Tag.DeadLettered:
        return { _tag: "DeadLettered", at, counted: reader.u8() === 1, cause: takeCause(reader) }
      case Tag.Redriven:
        return { _tag: "Redriven", visibleAt: reader.varint() }
      case Tag.Rescheduled:
        return { _tag: "Rescheduled", visibleAt: reader.varint(), priority: unzigzag(reader.varint()) }
      default:
        throw new MalformedBytes(`entry tag ${tag}`)
    }
  }

  #profile(reader: ByteReader): void {
    const queue = reader.string()
    const name = reader.string()
    const version = reader.varint()
    const maxAttempts = reader.varint()
    const maxDeliveries = reader.varint()
    const lease = reader.varint()
    const timeout = reader.varint()
    this.#profiles.push(
      this.#store.profiles.of(
        queue,
        name,
        version,
        maxAttempts,
        maxDeliveries,
        lease === 0 ? undefined : lease - 1,
        timeout === 0 ? undefined : timeout - 1
      )
    )
  }

  #profileAt(local: number): Profile {
    const profile = this.#profiles[local]
    if (profile === undefined) throw new MalformedBytes(`profile ${local} of ${this.#profiles.length}`)
    return profile
  }

  #enqueued(reader: ByteReader, meta: FrameMeta): void {
    const profile = this.#profileAt(reader.varint())
    const offset = reader.position
    const request = decodeRequest(reader, words, false)
    const store = this.#store
    if (store.ids.find(words, 0) !== -1) throw new MalformedBytes("a job was enqueued twice")
    store.insert(words, 0, insertionOf(profile, request), meta.segment, offset, reader.position - offset)
  }

  /** Also the job of a segment that was given up: from here on this entry is all there is of it. */
  #replaced(reader: ByteReader, meta: FrameMeta): void {
    const store = this.#store
    const row = this.#row(reader)
    const sequence = this.#base - 1
    const generation = reader.varint()
    const profile = this.#profileAt(reader.varint())
    const offset = reader.position
    const request = decodeRequest(reader, words, false)
    const length = reader.position - offset
    const job = insertionOf(profile, request)
    if (row === -1) {
      if (store.ids.find(words, 0) !== -1) throw new MalformedBytes("a replaced job's id is another job's")
      store.restore(words, sequence, job, { ...neverGranted, generation }, { segment: meta.segment, offset, length })
      return
    }
    store.replace(row, job, meta.segment, offset, length)
    if (store.job(row).generation !== generation) throw new MalformedBytes("generation of a replaced job")
  }

  #queue(reader: ByteReader): void {
    const queue = this.#store.queue(reader.string())
    const flags = reader.u8()
    queue.paused = (flags & 1) !== 0
    queue.policy.groupOnRetry = (flags & 2) !== 0 ? "stepAside" : "block"
    queue.policy.groupConcurrency = reader.varint()
    const maxBacklog = reader.varint()
    queue.policy.maxBacklog = maxBacklog === 0 ? Number.POSITIVE_INFINITY : maxBacklog - 1
    if (maxBacklog !== 0) this.#store.bounded = true
    queue.policy.retainCompleted = reader.varint()
    queue.policy.retainCompletedCount = reader.varint()
  }

  #checkpoint(nextSequence: number, nextToken: number): void {
    const store = this.#store
    if (!this.#sawCheckpoint && store.nextSequence === 1 && store.nextToken === 1) {
      // the first segment kept: what is older was trimmed
      this.#knownFrom = nextSequence
      store.nextSequence = nextSequence
      store.nextToken = nextToken
    } else if (store.nextSequence !== nextSequence || store.nextToken !== nextToken) {
      throw new MalformedBytes(
        `the checkpoint counts ${nextSequence} jobs and ${nextToken} grants, the records ${store.nextSequence} and ${store.nextToken}`
      )
    }
    this.#sawCheckpoint = true
  }

  /** The row of the job that the entry is about, or -1 if it was trimmed. */
  #row(reader: ByteReader): number {
    const sequence = this.#base + unzigzag(reader.varint())
    this.#base = sequence + 1
    return this.#find(sequence)
  }

  #find(sequence: number): number {
    const row = this.#store.sequences.get(sequence)
    if (row === -1 && !(sequence >= 1 && sequence < this.#knownFrom)) {
      throw new MalformedBytes(`an event about job ${sequence}, which does not exist`)
    }
    return row
  }

  #run(tag: number, reader: ByteReader, at: number): void {
    const first = this.#base + unzigzag(reader.varint())
    const count = reader.varint()
    if (count < 1 || first + count > this.#store.nextSequence) throw new MalformedBytes(`a run of ${count} jobs`)
    this.#base = first + count
    const store = this.#store
    for (let sequence = first; sequence < first + count; sequence++) {
      const row = this.#find(sequence)
      if (tag === Tag.Granted) {
        if (row === -1) store.nextToken++
        else store.grant(row, this.#holder)
      } else if (row !== -1) {
        this.#simple(tag, row, at)
      }
    }
  }

  #simple(tag: number, row: number, at: number): void {
    const store = this.#store
    switch (tag) {
      case Tag.Completed:
        return store.complete(row, at)
      case Tag.Released:
        return store.transition(row, { _tag: "Released", visibleAt: at, cause: undefined })
      case Tag.Reclaimed:
        return store.transition(row, { _tag: "Reclaimed" })
      case Tag.Cancelled:
        return store.transition(row, { _tag: "Cancelled", at })
      case Tag.CancelConfirmed:
        return store.transition(row, { _tag: "CancelConfirmed" })
      case Tag.Purged:
        return store.purge(row)
      case Tag.Started:
        return store.transition(row, { _tag: "Started" })
    }
  }
}
