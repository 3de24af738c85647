/**
 * The frame: the unit that a journal appends, checks and recovers as a whole.
 *
 * Every frame carries the checksum of the frame before it under its own checksum, so that frames form one chain
 * across segments, and yet each can be checked by itself, which is how recovery finds out whether something durable
 * follows a damaged one. docs/file-format.md has the layout.
 *
 * @since 0.1.0
 */
import * as Zlib from "node:zlib"

/**
 * Bytes before a frame's payload.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const frameHeaderBytes = 44

/**
 * Most bytes of a frame, its header included.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const maxFrameBytes = 16 * 1024 * 1024

/**
 * The frame types that belong to the journal; an engine's types are {@link firstEngineType} to 255.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const FrameType = {
  /** A new owner opened the journal: the first frame of its epoch. */
  epoch: 1,
  /** The owner closed the journal: a witness for all before it. */
  closed: 2,
  /** Segments before a sequence number are dead (payload: u64 first sequence number that must exist). */
  trim: 3
} as const

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const firstEngineType = 16

const lengthAt = 4
const previousAt = 8
const epochAt = 12
const seqAt = 16
const syncedAt = 24
const timeAt = 32
const typeAt = 40

/**
 * The bytes a frame takes on disk: frames begin at multiples of 8.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const paddedLength = (length: number): number => (length + 7) & ~7

/**
 * The checksum of `[start, end)`, seeded with the segment's salt.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const checksum = (buffer: Buffer, start: number, end: number, salt: number): number =>
  Zlib.crc32(buffer.subarray(start, end), salt)

/**
 * A view over a buffer's bytes: engines compile its accessors to single instructions, unlike the buffer's own.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const viewOf = (buffer: Buffer): DataView => new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)

const putU64 = (view: DataView, at: number, value: number): void => {
  view.setUint32(at, value % 0x1_0000_0000, true)
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true)
}

/** Answers NaN for what is no safe integer: it then equals nothing and is below nothing. */
const getU64 = (view: DataView, at: number): number => {
  const value = view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true)
  return Number.isSafeInteger(value) ? value : Number.NaN
}

/**
 * What a frame's header says besides its length and checksum.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface FrameFields {
  /** Checksum of the frame before it. */
  readonly previous: number
  readonly epoch: number
  readonly seq: number
  /** Highest sequence number that was known to be durable when this frame was built. */
  readonly syncedSeq: number
  /** Log time, Unix milliseconds. */
  readonly at: number
  readonly type: number
}

/**
 * Completes the frame whose payload lies in `[start + frameHeaderBytes, start + length)`: writes the header, zeros the
 * padding up to `start + paddedLength(length)`, which must lie in the buffer, and answers the frame's checksum. `view` is the buffer's.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const sealFrame = (
  buffer: Buffer,
  view: DataView,
  start: number,
  length: number,
  fields: FrameFields,
  salt: number
): number => {
  view.setUint32(start + lengthAt, length, true)
  view.setUint32(start + previousAt, fields.previous, true)
  view.setUint32(start + epochAt, fields.epoch, true)
  putU64(view, start + seqAt, fields.seq)
  putU64(view, start + syncedAt, fields.syncedSeq)
  view.setFloat64(start + timeAt, fields.at, true)
  view.setUint32(start + typeAt, fields.type, true)
  const end = start + paddedLength(length)
  for (let i = start + length; i < end; i++) buffer[i] = 0
  const crc = checksum(buffer, start + lengthAt, end, salt)
  view.setUint32(start, crc, true)
  return crc
}

/**
 * A frame's fields as found; `crc` is the stored checksum, `length` excludes the padding.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface FoundFrame {
  crc: number
  length: number
  previous: number
  epoch: number
  seq: number
  syncedSeq: number
  at: number
  type: number
}

/**
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const emptyFrame = (): FoundFrame => ({
  crc: 0,
  length: 0,
  previous: 0,
  epoch: 0,
  seq: 0,
  syncedSeq: 0,
  at: 0,
  type: 0
})

/**
 * Reads a header of {@link frameHeaderBytes} bytes at `start` into `into`.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const readHeader = (view: DataView, start: number, into: FoundFrame): void => {
  into.crc = view.getUint32(start, true)
  into.length = view.getUint32(start + lengthAt, true)
  into.previous = view.getUint32(start + previousAt, true)
  into.epoch = view.getUint32(start + epochAt, true)
  into.seq = getU64(view, start + seqAt)
  into.syncedSeq = getU64(view, start + syncedAt)
  into.at = view.getFloat64(start + timeAt, true)
  into.type = view.getUint32(start + typeAt, true)
}

/**
 * Whether a header's values can be those of any frame at all, before its checksum is worth computing.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const isPlausible = (frame: FoundFrame): boolean =>
  frame.length >= frameHeaderBytes &&
  frame.length <= maxFrameBytes &&
  frame.type >= 1 &&
  frame.type <= 255 &&
  frame.seq >= 1 &&
  frame.syncedSeq >= 0 &&
  frame.syncedSeq < frame.seq &&
  Number.isFinite(frame.at)

/**
 * Whether the checksum of the whole frame at `start`, all of which must lie in the buffer, is right.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const isIntact = (buffer: Buffer, start: number, frame: FoundFrame, salt: number): boolean =>
  checksum(buffer, start + lengthAt, start + paddedLength(frame.length), salt) === frame.crc
