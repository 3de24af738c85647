/**
 * The synchronous half of a journal: frames are encoded into memory here, wait here for their flush, and learn their
 * outcome here. No disk, no fibers: the flush loop takes batches and reports what became of them.
 *
 * @since 0.1.0
 */
import { Closed, type LogErrorReason, Poisoned } from "../../../log/LogError.ts"
import { ByteWriter } from "./ByteWriter.ts"
import type { DiskFile } from "./Disk.ts"
import { firstEngineType, frameHeaderBytes, maxFrameBytes, paddedLength, sealFrame } from "./Frame.ts"
import { type SegmentHeader, segmentHeaderBytes } from "./SegmentHeader.ts"

/**
 * Why a commit failed: `unknown` when its bytes had been handed to the disk, else `refused`.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JournalFailure {
  readonly outcome: "refused" | "unknown"
  readonly reason: LogErrorReason
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type CommitResume = (failure: JournalFailure | undefined) => void

/**
 * A segment as its owner knows it.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface LiveSegment {
  readonly header: SegmentHeader
  readonly name: string
  /** End of the frames encoded so far, bytes. */
  bytes: number
  /** End of the frames that a finished write put into the file. */
  written: number
  /** Bytes that the file has already: up to here a write changes no size. */
  allocated: number
  /** Open for appending while it is the newest; absent until the flush loop created it. */
  file: DiskFile | undefined
}

/**
 * Consecutive bytes of one segment.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Batch {
  readonly segment: LiveSegment
  readonly position: number
  readonly buffer: Buffer
  readonly length: number
  readonly lastSeq: number
}

interface Waiter {
  /** The frames `(after, seq]` are the waiter's own. */
  readonly after: number
  readonly seq: number
  readonly resume: CommitResume
}

const initialBufferBytes = 256 * 1024
/** A burst's larger buffer is given back to the collector. */
const keptBufferBytes = 4 * 1024 * 1024

/**
 * What the appender starts from.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface AppenderStart {
  readonly segmentBytes: number
  /** Oldest first; the last is appended to. */
  readonly segments: Array<LiveSegment>
  readonly lastSeq: number
  readonly epoch: number
  readonly chain: number
  readonly trimmedTo: number
  /** Makes the salt of a new segment. */
  readonly salt: () => number
  readonly name: (firstSeq: number) => string
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class JournalAppender {
  readonly segmentBytes: number
  readonly segments: Array<LiveSegment>
  readonly epoch: number
  readonly writer: ByteWriter
  /** Called by the appender when there is something to flush and the loop may be idle. */
  wake: () => void = () => {}
  onRoll: (() => void) | undefined = undefined
  poisoned: string | undefined = undefined
  closed = false
  lastSeq: number
  syncedSeq: number
  trimmedTo: number
  /** Bytes encoded and not yet durable. */
  pendingBytes = 0
  totalBytes: number
  current: LiveSegment
  /** The batch that the flush loop is at. */
  flying: Batch | undefined = undefined
  /** Frames up to here were given to the disk, whatever became of them. */
  handedSeq: number
  readonly #salt: () => number
  readonly #name: (firstSeq: number) => string
  #chain: number
  /** Batches of segments that ended while their bytes waited, oldest first. */
  readonly #sealed: Array<Batch> = []
  #spare: Buffer | undefined = undefined
  #recent: Batch | undefined
  #waiters: Array<Waiter> = []
  #committedSeq: number
  #frameStart = -1
  #frameType = 0
  #frameAt = 0
  #rolling = false

  constructor(start: AppenderStart) {
    this.segmentBytes = start.segmentBytes
    this.segments = start.segments
    this.epoch = start.epoch
    this.lastSeq = start.lastSeq
    this.syncedSeq = start.lastSeq
    this.handedSeq = start.lastSeq
    this.#committedSeq = start.lastSeq
    this.trimmedTo = start.trimmedTo
    this.#chain = start.chain
    this.#salt = start.salt
    this.#name = start.name
    this.current = start.segments[start.segments.length - 1]!
    this.totalBytes = start.segments.reduce((sum, segment) => sum + segment.bytes, 0)
    this.writer = new ByteWriter(Buffer.allocUnsafe(initialBufferBytes), this.current.bytes)
  }

  begin(type: number, at: number): ByteWriter {
    if (!(type >= firstEngineType && type <= 255)) throw new RangeError(`not an engine's frame type: ${type}`)
    // A roll inside of onRoll would put another frame than the hook's first into the new segment.
    if (this.writer.position >= this.segmentBytes && this.#frameStart === -1 && !this.#rolling) {
      this.#assertOpen()
      this.#roll()
    }
    return this.#beginFrame(type, at)
  }

  #assertOpen(): void {
    if (this.poisoned !== undefined) throw new Error(`append to a poisoned journal (${this.poisoned})`)
    if (this.closed) throw new Error("append to a closed journal")
  }

  #beginFrame(type: number, at: number): ByteWriter {
    if (this.#frameStart !== -1) throw new Error("a frame is being encoded already")
    this.#assertOpen()
    if (!Number.isFinite(at)) throw new RangeError(`not a time: ${at}`)
    const writer = this.writer
    writer.reserve(frameHeaderBytes)
    this.#frameStart = writer.index
    this.#frameType = type
    this.#frameAt = at
    writer.index += frameHeaderBytes
    return writer
  }

  end(): number {
    const start = this.#frameStart
    if (start === -1) throw new Error("no frame is being encoded")
    const writer = this.writer
    const length = writer.index - start
    if (length > maxFrameBytes) {
      this.cancel()
      throw new RangeError(`a frame of ${length} bytes is over the limit of ${maxFrameBytes}`)
    }
    const padded = paddedLength(length)
    writer.reserve(padded - length)
    const seq = this.lastSeq + 1
    this.#chain = sealFrame(
      writer.buffer,
      writer.view,
      start,
      length,
      {
        previous: this.#chain,
        epoch: this.epoch,
        seq,
        syncedSeq: this.syncedSeq,
        at: this.#frameAt,
        type: this.#frameType
      },
      this.current.header.salt
    )
    writer.index = start + padded
    this.#frameStart = -1
    this.lastSeq = seq
    this.pendingBytes += padded
    this.totalBytes += padded
    this.current.bytes = writer.position
    return seq
  }

  /** Forgets the frame being encoded, as if it had never begun. */
  cancel(): void {
    if (this.#frameStart === -1) throw new Error("no frame is being encoded")
    this.writer.index = this.#frameStart
    this.#frameStart = -1
  }

  /** Ends the current segment and begins the next, which the flush loop will create. */
  #roll(): void {
    const ended = this.current
    this.#seal()
    const header: SegmentHeader = {
      index: ended.header.index + 1,
      firstSeq: this.lastSeq + 1,
      trimmedTo: this.trimmedTo,
      epoch: this.epoch,
      chain: this.#chain,
      salt: this.#salt()
    }
    const segment: LiveSegment = {
      header,
      name: this.#name(header.firstSeq),
      bytes: segmentHeaderBytes,
      written: segmentHeaderBytes,
      allocated: segmentHeaderBytes,
      file: undefined
    }
    this.segments.push(segment)
    this.current = segment
    this.totalBytes += segmentHeaderBytes
    this.writer.attach(this.#nextBuffer(), segmentHeaderBytes)
    if (this.onRoll !== undefined) {
      this.#rolling = true
      try {
        this.onRoll()
      } finally {
        this.#rolling = false
      }
    }
  }

  #seal(): void {
    if (this.writer.index > 0) this.#sealed.push(this.#openBatch())
  }

  #openBatch(): Batch {
    const writer = this.writer
    return {
      segment: this.current,
      position: writer.base,
      buffer: writer.buffer,
      length: writer.index,
      lastSeq: this.lastSeq
    }
  }

  #nextBuffer(): Buffer {
    const spare = this.#spare
    this.#spare = undefined
    return spare ?? Buffer.allocUnsafe(initialBufferBytes)
  }

  get hasPending(): boolean {
    return this.#sealed.length > 0 || this.writer.index > 0
  }

  /** Hands the oldest waiting bytes to the flush loop. */
  take(): Batch | undefined {
    if (this.flying !== undefined) throw new Error("two batches in flight")
    if (this.#frameStart !== -1)
      throw new Error("a frame was left open: begin and end belong into one synchronous step")
    let batch = this.#sealed.shift()
    if (batch === undefined) {
      if (this.writer.index === 0) return undefined
      batch = this.#openBatch()
      this.writer.attach(this.#nextBuffer(), this.writer.position)
    }
    this.flying = batch
    return batch
  }

  /** The batch in flight is durable. Resumes everyone who waited for no more than that. */
  landed(): void {
    const batch = this.flying!
    this.flying = undefined
    this.syncedSeq = batch.lastSeq
    this.pendingBytes -= batch.length
    this.#keep(batch)
    const waiters = this.#waiters
    let count = 0
    while (count < waiters.length && waiters[count]!.seq <= this.syncedSeq) count++
    if (count === 0) return
    const ready = count === waiters.length ? waiters : waiters.splice(0, count)
    if (ready === waiters) this.#waiters = []
    resumeAll(ready, () => undefined)
  }

  /** Keeps a batch readable until the next one has landed, since what was just written is asked for at once. */
  #keep(batch: Batch): void {
    if (this.#spare === undefined) this.#spare = this.#recent?.buffer
    this.#recent = batch.buffer.length <= keptBufferBytes ? batch : undefined
  }

  commit(resume: CommitResume): void {
    const seq = this.lastSeq
    const after = Math.min(this.#committedSeq, seq - 1)
    if (this.poisoned !== undefined) return resume(refusedBy(new Poisoned({ detail: this.poisoned })))
    if (this.syncedSeq >= seq) return resume(undefined)
    if (this.closed) return resume(refusedBy(new Closed({})))
    this.#committedSeq = seq
    this.#waiters.push({ after, seq, resume })
    this.wake()
  }

  /**
   * The disk failed with `detail`: nothing more is durable, now or later. Waiters whose bytes were handed over cannot
   * know what became of them; the others' bytes provably never left this memory.
   */
  poison(detail: string): void {
    if (this.poisoned !== undefined) return
    this.poisoned = detail
    const reason = new Poisoned({ detail })
    const handed = this.handedSeq
    const waiters = this.#waiters
    this.#waiters = []
    resumeAll(waiters, (waiter) => ({ outcome: waiter.after < handed ? "unknown" : "refused", reason }))
  }

  /** The bytes of a range that was not written yet, or only just now, as a copy; `undefined` for all others. */
  pending(segment: number, offset: number, length: number): Buffer | undefined {
    if (this.current.header.index === segment && offset >= this.writer.base) {
      return copyOf(this.writer.buffer, offset - this.writer.base, length, this.writer.index)
    }
    for (let i = this.#sealed.length - 1; i >= 0; i--) {
      const batch = this.#sealed[i]!
      if (batch.segment.header.index === segment && offset >= batch.position) return copyOfBatch(batch, offset, length)
    }
    const flying = this.flying
    if (flying !== undefined && flying.segment.header.index === segment && offset >= flying.position) {
      return copyOfBatch(flying, offset, length)
    }
    const recent = this.#recent
    if (recent === undefined || recent.segment.header.index !== segment) return undefined
    const within = offset >= recent.position && offset + length <= recent.position + recent.length
    return within ? copyOfBatch(recent, offset, length) : undefined
  }

  segmentAt(index: number): LiveSegment | undefined {
    return this.segments[index - this.segments[0]!.header.index]
  }

  /** Appends one of the journal's own frames, which never begin a segment. */
  appendOwn(type: number, at: number, payload: (writer: ByteWriter) => void): void {
    payload(this.#beginFrame(type, at))
    this.end()
  }
}

const refusedBy = (reason: LogErrorReason): JournalFailure => ({ outcome: "refused", reason })

const copyOf = (buffer: Buffer, start: number, length: number, end: number): Buffer => {
  if (start + length > end) throw new RangeError("read past the end of the journal")
  return Buffer.from(buffer.subarray(start, start + length))
}

const copyOfBatch = (batch: Batch, offset: number, length: number): Buffer =>
  copyOf(batch.buffer, offset - batch.position, length, batch.length)

/** Resumes everyone, even if one of them throws; the first defect is thrown afterwards. */
const resumeAll = (waiters: ReadonlyArray<Waiter>, outcome: (waiter: Waiter) => JournalFailure | undefined): void => {
  let defect: { readonly error: unknown } | undefined
  for (const waiter of waiters) {
    try {
      waiter.resume(outcome(waiter))
    } catch (error) {
      defect ??= { error }
    }
  }
  if (defect !== undefined) throw defect.error
}
