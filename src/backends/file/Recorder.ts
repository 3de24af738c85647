/**
 * Writes entries into the journal: one frame per operation, begun with its first entry and not at all when there is
 * none. Entries about jobs of consecutive sequences become runs.
 *
 * @since 0.1.0
 */
import type { Event } from "../../model/Event.ts"
import { jobStates } from "../../model/Job.ts"
import type { ByteWriter } from "./journal/ByteWriter.ts"
import { putCause } from "./CauseCodec.ts"
import type { Journal } from "./journal/Journal.ts"
import type { Tombstone } from "./Keys.ts"
import type { Profile } from "./Profiles.ts"
import type { QueueState } from "./QueueState.ts"
import { entriesFrame, Tag } from "./RecordTags.ts"
import { zigzag } from "./RequestCodec.ts"

type Appends = Pick<Journal, "begin" | "end" | "cancel">

/** Entries that need not stand or fall together go into several frames of about this size. */
const largeFrameBytes = 1024 * 1024

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Recorder {
  readonly #journal: Appends
  #writer: ByteWriter | undefined = undefined
  #now = 0
  /** Distinguishes frames, for what is written once per frame. */
  #frame = 0
  #profiles = 0
  #holder = 0
  #runTag = 0
  #runFirst = 0
  #runCount = 0
  /** Sequence after the last one written in this frame: the next is stored as its difference. */
  #base = 0
  /** Position at which the frame's entries begin. */
  #start = 0

  constructor(journal: Appends) {
    this.#journal = journal
  }

  /** The frame's time; set before an operation records anything. */
  set now(now: number) {
    this.#now = now
  }

  /** The writer of the present frame, with everything before flushed into it. */
  open(): ByteWriter {
    const writer = this.#writer
    if (writer === undefined) return this.#begin()
    if (this.#runCount > 0) this.#flushRun(writer)
    return writer
  }

  #begin(): ByteWriter {
    const writer = this.#journal.begin(entriesFrame, this.#now)
    this.#writer = writer
    this.#start = writer.position
    this.#frame++
    this.#profiles = 0
    this.#holder = 0
    this.#base = 0
    return writer
  }

  /** Ends the frame if there is one. */
  close(): void {
    const writer = this.#writer
    if (writer === undefined) return
    if (this.#runCount > 0) this.#flushRun(writer)
    this.#writer = undefined
    this.#journal.end()
  }

  /** Ends a frame that has grown large; the next entry begins another, which a crash may lose by itself. */
  cut(): void {
    if (this.#writer !== undefined && this.#writer.position - this.#start > largeFrameBytes) this.close()
  }

  /** Drops the frame that was begun. */
  discard(): void {
    this.#runCount = 0
    if (this.#writer === undefined) return
    this.#writer = undefined
    this.#journal.cancel()
  }

  /** One job of a run. */
  run(tag: number, sequence: number): void {
    if (this.#runCount > 0) {
      if (this.#runTag === tag && this.#runFirst + this.#runCount === sequence) {
        this.#runCount++
        return
      }
      this.#flushRun(this.#writer!)
    } else if (this.#writer === undefined) {
      this.#begin()
    }
    this.#runTag = tag
    this.#runFirst = sequence
    this.#runCount = 1
  }

  #flushRun(writer: ByteWriter): void {
    writer.u8(this.#runTag)
    writer.varint(zigzag(this.#runFirst - this.#base))
    writer.varint(this.#runCount)
    this.#base = this.#runFirst + this.#runCount
    this.#runCount = 0
  }

  /** Begins an entry about one job. */
  entry(tag: number, sequence: number): ByteWriter {
    const writer = this.open()
    writer.u8(tag)
    writer.varint(zigzag(sequence - this.#base))
    this.#base = sequence + 1
    return writer
  }

  /** Makes sure that the profile is known in this frame, and answers its number there. */
  profile(profile: Profile): number {
    const writer = this.open()
    if (profile.frame === this.#frame) return profile.local
    profile.frame = this.#frame
    profile.local = this.#profiles++
    writer.u8(Tag.Profile)
    writer.string(profile.queue.name)
    writer.string(profile.name)
    writer.varint(profile.version)
    writer.varint(profile.maxAttempts)
    writer.varint(profile.maxDeliveries)
    writer.varint(profile.leaseDuration === undefined ? 0 : profile.leaseDuration + 1)
    writer.varint(profile.timeout === undefined ? 0 : profile.timeout + 1)
    return profile.local
  }

  /** The session that the following grants go to. */
  holder(session: number): void {
    if (this.#holder === session && this.#writer !== undefined) return
    const writer = this.open()
    writer.u8(Tag.Holder)
    writer.varint(session)
    this.#holder = session
  }

  tombstone(tombstone: Tombstone): void {
    const writer = this.open()
    writer.u8(Tag.Tombstone)
    writer.string(tombstone.scoped)
    writer.string(tombstone.id)
    writer.varint(tombstone.until)
    writer.u8(jobStates.indexOf(tombstone.state))
  }

  /** A queue's pause flag and its policy as far as it differs from the default. */
  queue(queue: QueueState): void {
    const writer = this.open()
    const policy = queue.policy
    writer.u8(Tag.Queue)
    writer.string(queue.name)
    writer.u8((queue.paused ? 1 : 0) | (policy.groupOnRetry === "stepAside" ? 2 : 0))
    writer.varint(policy.groupConcurrency)
    writer.varint(Number.isFinite(policy.maxBacklog) ? policy.maxBacklog + 1 : 0)
    writer.varint(policy.retainCompleted)
    writer.varint(policy.retainCompletedCount)
  }

  checkpoint(nextSequence: number, nextToken: number): void {
    const writer = this.open()
    writer.u8(Tag.Checkpoint)
    writer.varint(nextSequence)
    writer.varint(nextToken)
  }

  /** Any event but those that carry more than the model knows (`Enqueued`, `Replaced`, `Granted`). */
  event(sequence: number, event: Event): void {
    switch (event._tag) {
      case "Started":
        return this.run(Tag.Started, sequence)
      case "Completed":
        return this.run(Tag.Completed, sequence)
      case "Reclaimed":
        return this.run(Tag.Reclaimed, sequence)
      case "Cancelled":
        return this.run(Tag.Cancelled, sequence)
      case "CancelConfirmed":
        return this.run(Tag.CancelConfirmed, sequence)
      case "Purged":
        return this.run(Tag.Purged, sequence)
      case "Retried": {
        const writer = this.entry(Tag.Retried, sequence)
        writer.varint(event.visibleAt)
        return putCause(writer, event.cause)
      }
      case "Released": {
        if (event.cause === undefined && event.visibleAt === this.#now) return this.run(Tag.Released, sequence)
        const writer = this.entry(Tag.ReleasedWith, sequence)
        writer.varint(event.visibleAt)
        writer.u8(event.cause === undefined ? 0 : 1)
        if (event.cause !== undefined) putCause(writer, event.cause)
        return
      }
      case "DeadLettered": {
        const writer = this.entry(Tag.DeadLettered, sequence)
        writer.u8(event.counted ? 1 : 0)
        return putCause(writer, event.cause)
      }
      case "Redriven":
        return this.entry(Tag.Redriven, sequence).varint(event.visibleAt)
      case "Rescheduled": {
        const writer = this.entry(Tag.Rescheduled, sequence)
        writer.varint(event.visibleAt)
        return writer.varint(zigzag(event.priority))
      }
      default:
        throw new Error(`leasehold: ${event._tag} has its own record`)
    }
  }
}
