/**
 * Reads a segment's frames in order, and says where and why they end.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { ByteReader, MalformedBytes } from "./ByteReader.ts"
import type { DiskError, DiskFile } from "./Disk.ts"
import {
  emptyFrame,
  firstEngineType,
  type FoundFrame,
  frameHeaderBytes,
  FrameType,
  isIntact,
  isPlausible,
  paddedLength,
  readHeader,
  viewOf
} from "./Frame.ts"

/**
 * Bytes read at a time.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const scanChunkBytes = 2 * 1024 * 1024

/**
 * What is known about a frame beside its payload. Reused from frame to frame: copy what must outlive the callback.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface FrameMeta {
  seq: number
  /** Log time at which it was built, Unix milliseconds. */
  at: number
  epoch: number
  /** Index of its segment. */
  segment: number
  /** Offset of its payload within the segment. */
  payloadOffset: number
}

/**
 * Receives recovered frames in order. The reader stands at the payload and is valid during the call only. A thrown
 * {@link MalformedBytes} refuses the journal as corrupt at that frame.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type OnFrame = (type: number, reader: ByteReader, meta: FrameMeta) => void

/**
 * Where the chain of frames stands, across segments.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class ChainState {
  /** Sequence number of the last frame. */
  lastSeq: number
  epoch: number
  /** Checksum of the last frame. */
  chain: number
  /** Log time of the last frame; 0 before the first. */
  lastAt = 0
  /** Highest sequence number that something later proves durable. */
  witnessedSeq: number
  /** First sequence number that must exist, as far as frames said. */
  trimmedTo: number
  /** Whether the last frame is a clean close. */
  closed = false
  frames = 0
  readonly #unwitnessedSeqs: Array<number> = []
  readonly #unwitnessedOffsets: Array<number> = []

  constructor(firstSeq: number, epoch: number, chain: number, trimmedTo: number) {
    this.lastSeq = firstSeq - 1
    this.witnessedSeq = firstSeq - 1
    this.epoch = epoch
    this.chain = chain
    this.trimmedTo = trimmedTo
  }

  /** Why an intact frame cannot follow here; `undefined` if it can. */
  refuses(frame: FoundFrame): string | undefined {
    if (frame.seq !== this.lastSeq + 1) return `frame ${frame.seq} where ${this.lastSeq + 1} belongs`
    if (frame.previous !== this.chain) return "the frame does not follow the one before it"
    if (frame.epoch !== this.epoch && !(frame.type === FrameType.epoch && frame.epoch > this.epoch)) {
      return `epoch ${frame.epoch} after epoch ${this.epoch}`
    }
    return undefined
  }

  accept(frame: FoundFrame, offset: number): void {
    this.lastSeq = frame.seq
    this.epoch = frame.epoch
    this.chain = frame.crc
    this.lastAt = frame.at
    this.closed = frame.type === FrameType.closed
    this.frames++
    this.witness(frame.syncedSeq)
    this.#unwitnessedSeqs.push(frame.seq)
    this.#unwitnessedOffsets.push(offset)
  }

  /** Everything up to `seq` is proven durable. */
  witness(seq: number): void {
    if (seq <= this.witnessedSeq) return
    this.witnessedSeq = seq
    const seqs = this.#unwitnessedSeqs
    let count = 0
    while (count < seqs.length && seqs[count]! <= seq) count++
    seqs.splice(0, count)
    this.#unwitnessedOffsets.splice(0, count)
  }

  /** Offset of the first frame that nothing later proves durable, in the segment read last. */
  get unwitnessedFrom(): number | undefined {
    return this.#unwitnessedOffsets[0]
  }
}

/**
 * How a segment's frames ended: `end` is where the next frame would begin.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type ScanEnd =
  | { readonly _tag: "Clean"; readonly end: number }
  | { readonly _tag: "Bad"; readonly end: number; readonly detail: string }
  /** The receiver refused the payload of an intact frame, or its type is unknown. */
  | { readonly _tag: "Malformed"; readonly end: number; readonly detail: string }

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ScanRequest {
  readonly file: DiskFile
  readonly index: number
  readonly salt: number
  /** Size of the file, bytes. */
  readonly size: number
  readonly from: number
  /** Stops cleanly after this frame; what follows it in the file is of no concern. */
  readonly lastSeq: number | undefined
  readonly onFrame: OnFrame | undefined
}

type Step = "more" | "done"

/** Walks frames within one chunk of bytes. */
class ChunkWalk {
  readonly request: ScanRequest
  readonly state: ChainState
  readonly frame = emptyFrame()
  readonly reader = new ByteReader(Buffer.alloc(0))
  readonly meta: FrameMeta
  /** File offset of the next frame. */
  offset: number
  /** Bytes that the next chunk must hold. */
  wanted = frameHeaderBytes
  end: ScanEnd | undefined = undefined
  /** The bytes from `offset` on must all be zero for a clean end. */
  expectZeros = false

  constructor(request: ScanRequest, state: ChainState) {
    this.request = request
    this.state = state
    this.offset = request.from
    this.meta = { seq: 0, at: 0, epoch: 0, segment: request.index, payloadOffset: 0 }
  }

  bad(detail: string): Step {
    this.end = { _tag: "Bad", end: this.offset, detail }
    return "done"
  }

  /** Takes the frames of a chunk that begins at `offset` and holds `have` bytes. */
  take(buffer: Buffer, have: number): Step {
    const { request, state, frame, meta } = this
    const chunkOffset = this.offset
    const view = viewOf(buffer)
    let at = 0
    while (true) {
      if (request.lastSeq !== undefined && state.lastSeq >= request.lastSeq) {
        this.end = { _tag: "Clean", end: this.offset }
        return "done"
      }
      const left = request.size - this.offset
      const here = have - at
      if (left < frameHeaderBytes || (here >= 8 && view.getUint32(at + 4, true) === 0)) {
        this.expectZeros = true
        return "done"
      }
      if (here < frameHeaderBytes) return this.need(frameHeaderBytes)
      readHeader(view, at, frame)
      if (!isPlausible(frame)) return this.bad("the frame header makes no sense")
      const padded = paddedLength(frame.length)
      if (padded > left) return this.bad("the frame is longer than the file")
      if (padded > here) return this.need(padded)
      if (!isIntact(buffer, at, frame, request.salt)) return this.bad("checksum of the frame")
      const refusal = state.refuses(frame)
      if (refusal !== undefined) return this.bad(refusal)
      if (frame.type > FrameType.trim && frame.type < firstEngineType) {
        this.end = { _tag: "Malformed", end: this.offset, detail: `frame of unknown type ${frame.type}` }
        return "done"
      }
      state.accept(frame, this.offset)
      meta.seq = frame.seq
      meta.at = frame.at
      meta.epoch = frame.epoch
      meta.payloadOffset = this.offset + frameHeaderBytes
      this.reader.attach(buffer, at + frameHeaderBytes, at + frame.length, chunkOffset)
      try {
        if (frame.type === FrameType.trim) {
          state.trimmedTo = Math.max(state.trimmedTo, this.reader.u64())
          this.reader.index = at + frameHeaderBytes
        }
        if (request.onFrame !== undefined) request.onFrame(frame.type, this.reader, meta)
      } catch (error) {
        if (!(error instanceof MalformedBytes)) throw error
        this.end = { _tag: "Malformed", end: this.offset, detail: error.message }
        return "done"
      }
      at += padded
      this.offset += padded
    }
  }

  need(bytes: number): Step {
    this.wanted = bytes
    return "more"
  }
}

/**
 * Whether a file holds nothing but zeros from `from` to `size`.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const isZeroFrom: (
  file: DiskFile,
  from: number,
  size: number,
  buffer: Buffer
) => Effect.Effect<boolean, DiskError> = Effect.fnUntraced(function* (file, from, size, buffer) {
  let at = from
  while (at < size) {
    const have = yield* file.read(buffer, 0, Math.min(buffer.length, size - at), at)
    if (have === 0) return true
    for (let i = 0; i < have; i++) if (buffer[i] !== 0) return false
    at += have
  }
  return true
})

/**
 * Reads frames from `from` on, checks that they continue `state`, hands them over and moves `state` forward.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const scanSegment: (
  request: ScanRequest,
  state: ChainState,
  buffer: Buffer
) => Effect.Effect<ScanEnd, DiskError> = Effect.fnUntraced(function* (request, state, buffer) {
  const walk = new ChunkWalk(request, state)
  let chunk = buffer
  while (true) {
    if (walk.wanted > chunk.length) chunk = Buffer.allocUnsafe(walk.wanted)
    const length = Math.min(chunk.length, request.size - walk.offset)
    const have = length <= 0 ? 0 : yield* request.file.read(chunk, 0, length, walk.offset)
    // The file may have become shorter since its size was taken (another process' doing): what is missing is damage.
    if (have < Math.min(walk.wanted, length)) walk.bad("the file ends early")
    else if (walk.take(chunk, have) === "more") continue
    if (walk.end !== undefined) return walk.end
    if (walk.expectZeros) {
      if (yield* isZeroFrom(request.file, walk.offset, request.size, chunk)) return { _tag: "Clean", end: walk.offset }
      return { _tag: "Bad", end: walk.offset, detail: "no frame, yet not all zeros up to the end of the file" }
    }
  }
})

/**
 * An intact frame found beyond a damaged one.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Witness {
  readonly offset: number
  readonly seq: number
  readonly syncedSeq: number
}

/**
 * Looks behind a bad frame for an intact one that was built when `badSeq` was already durable. It proves that the bad
 * frame was not torn by a crash but damaged later.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const findWitness: (
  file: DiskFile,
  from: number,
  size: number,
  salt: number,
  badSeq: number,
  buffer: Buffer
) => Effect.Effect<Witness | undefined, DiskError> = Effect.fnUntraced(
  function* (file, from, size, salt, badSeq, buffer) {
    const frame = emptyFrame()
    let chunk = buffer
    let start = from
    let wanted = frameHeaderBytes
    while (size - start >= frameHeaderBytes) {
      if (wanted > chunk.length) chunk = Buffer.allocUnsafe(wanted)
      const have = yield* file.read(chunk, 0, Math.min(chunk.length, size - start), start)
      if (have < wanted) return undefined
      wanted = frameHeaderBytes
      const view = viewOf(chunk)
      let at = 0
      while (at + frameHeaderBytes <= have) {
        const length = view.getUint32(at + 4, true)
        if (length >= frameHeaderBytes) {
          readHeader(view, at, frame)
          if (isPlausible(frame) && frame.seq > badSeq && start + at + paddedLength(length) <= size) {
            if (at + paddedLength(length) > have) {
              wanted = paddedLength(length)
              break
            }
            if (isIntact(chunk, at, frame, salt)) {
              if (frame.syncedSeq >= badSeq) return { offset: start + at, seq: frame.seq, syncedSeq: frame.syncedSeq }
              at += paddedLength(length)
              continue
            }
          }
        }
        at += 8
      }
      start += at
    }
    return undefined
  }
)
