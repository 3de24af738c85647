/**
 * The stored form of an enqueue request, apart from what its profile says. It stays in the journal; a claim, a read and
 * a repeated enqueue read it back.
 *
 * @since 0.1.0
 */
import type { EnqueueItem, TraceContext } from "../../log/JobLog.ts"
import { type ByteReader, MalformedBytes } from "./journal/ByteReader.ts"
import type { ByteWriter } from "./journal/ByteWriter.ts"

/** Bits of a stored request's flags: which optional parts follow. */
const Has = { priority: 1, delay: 2, at: 4, deadline: 8, group: 16, key: 32, metadata: 64, trace: 128 } as const

/** Typed narrowly because the types of Node leave out the direct forms of `write` and `toString`. */
interface NativeBuffer {
  utf8Write(text: string, offset: number, length: number): number
  utf8Slice(start: number, end: number): string
  latin1Slice(start: number, end: number): string
}

/**
 * A signed integer as a non-negative one with the sign in its lowest bit.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const zigzag = (value: number): number => (value < 0 ? -value * 2 - 1 : value * 2)

/**
 * Inverse of {@link zigzag}.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const unzigzag = (value: number): number => (value % 2 === 1 ? -(value + 1) / 2 : value / 2)

const flagsOf = (item: EnqueueItem): number =>
  (item.priority === undefined || item.priority === 0 ? 0 : Has.priority) |
  (item.delay === undefined || item.delay === 0 ? 0 : Has.delay) |
  (item.at === undefined ? 0 : Has.at) |
  (item.deadline === undefined ? 0 : Has.deadline) |
  (item.group === undefined ? 0 : Has.group) |
  (item.key === undefined ? 0 : Has.key) |
  (item.metadata === undefined ? 0 : Has.metadata) |
  (item.trace === undefined ? 0 : Has.trace)

/**
 * `flags u8, id 4 x u32, enqueuedAt f64, options, payload`: see docs/file-format.md.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const encodeRequest = (
  writer: ByteWriter,
  item: EnqueueItem,
  words: Int32Array,
  at: number,
  now: number
): void => {
  writer.reserve(40)
  const flags = flagsOf(item)
  const buffer = writer.buffer
  let index = writer.index
  buffer[index++] = flags
  for (let i = at; i < at + 4; i++) {
    const word = words[i]!
    buffer[index++] = word
    buffer[index++] = word >>> 8
    buffer[index++] = word >>> 16
    buffer[index++] = word >>> 24
  }
  writer.index = index
  writer.u32(now % 0x1_0000_0000)
  writer.u32(Math.floor(now / 0x1_0000_0000))
  if (flags !== 0) encodeOptions(writer, item, flags)
  encodePayload(writer, item.payload)
}

const encodeOptions = (writer: ByteWriter, item: EnqueueItem, flags: number): void => {
  // each flag says that its part is there
  if ((flags & Has.priority) !== 0) writer.varint(zigzag(item.priority!))
  if ((flags & Has.delay) !== 0) writer.varint(item.delay!)
  if ((flags & Has.at) !== 0) writer.varint(item.at!)
  if ((flags & Has.deadline) !== 0) writer.varint(item.deadline!)
  if ((flags & Has.group) !== 0) writer.string(item.group!)
  if ((flags & Has.key) !== 0) {
    const key = item.key!
    writer.string(key.value)
    writer.varint(key.window)
    writer.u8(key.onConflict === "replace" ? 1 : 0)
  }
  if ((flags & Has.metadata) !== 0) {
    const entries = Object.entries(item.metadata!)
    writer.varint(entries.length)
    for (const [name, value] of entries) {
      writer.string(name)
      writer.string(value)
    }
  }
  if ((flags & Has.trace) !== 0) {
    const trace = item.trace!
    writer.string(trace.traceId)
    writer.string(trace.spanId)
    writer.u8(trace.sampled ? 1 : 0)
  }
}

/** Length in bytes times two, plus one if every character is ASCII, then the bytes. */
const encodePayload = (writer: ByteWriter, payload: string): void => {
  const length = payload.length
  writer.reserve(8 + length * 3)
  // the length comes first, and mostly it is the number of characters: write as if it were, mend if it was not
  const start = writer.index
  writer.varint(length * 2 + 1)
  const bodyAt = writer.index
  // the writer's buffer is a Buffer, which has these methods
  const native = writer.buffer as unknown as NativeBuffer
  const bytes = native.utf8Write(payload, bodyAt, length * 3)
  if (bytes !== length) {
    writer.index = start
    writer.varint(bytes * 2)
    if (writer.index !== bodyAt) {
      writer.reserve(bytes)
      writer.buffer.copyWithin(writer.index, bodyAt, bodyAt + bytes)
    }
  }
  writer.index += bytes
}

/**
 * A request as it was stored.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface StoredRequest {
  readonly enqueuedAt: number
  readonly priority: number
  readonly delay: number
  readonly at: number | undefined
  readonly deadline: number | undefined
  readonly group: string | undefined
  readonly key: { readonly value: string; readonly window: number; readonly onConflict: "keep" | "replace" } | undefined
  readonly metadata: Readonly<Record<string, string>> | undefined
  readonly trace: TraceContext | undefined
  readonly payload: string
}

/**
 * When the job is first visible.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const firstVisibleAt = (request: Pick<StoredRequest, "enqueuedAt" | "delay" | "at">): number =>
  request.at ?? request.enqueuedAt + request.delay

/**
 * Reads what follows the four words of the id; with `payload` false it skips the payload, and answers "" for it.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const decodeRequest = (reader: ByteReader, words: Int32Array, withPayload: boolean): StoredRequest => {
  const flags = reader.u8()
  for (let i = 0; i < 4; i++) words[i] = reader.u32()
  const low = reader.u32()
  const enqueuedAt = reader.u32() * 0x1_0000_0000 + low
  if (!Number.isSafeInteger(enqueuedAt)) throw new MalformedBytes("an instant out of range")
  if (flags === 0) {
    const payload = decodePayload(reader, withPayload)
    return {
      enqueuedAt,
      priority: 0,
      delay: 0,
      at: undefined,
      deadline: undefined,
      group: undefined,
      key: undefined,
      metadata: undefined,
      trace: undefined,
      payload
    }
  }
  return {
    enqueuedAt,
    priority: (flags & Has.priority) === 0 ? 0 : unzigzag(reader.varint()),
    delay: (flags & Has.delay) === 0 ? 0 : reader.varint(),
    at: (flags & Has.at) === 0 ? undefined : reader.varint(),
    deadline: (flags & Has.deadline) === 0 ? undefined : reader.varint(),
    group: (flags & Has.group) === 0 ? undefined : reader.string(),
    key:
      (flags & Has.key) === 0
        ? undefined
        : { value: reader.string(), window: reader.varint(), onConflict: reader.u8() === 1 ? "replace" : "keep" },
    metadata: (flags & Has.metadata) === 0 ? undefined : decodeMetadata(reader),
    trace:
      (flags & Has.trace) === 0
        ? undefined
        : { traceId: reader.string(), spanId: reader.string(), sampled: reader.u8() === 1 },
    payload: decodePayload(reader, withPayload)
  }
}

const decodeMetadata = (reader: ByteReader): Readonly<Record<string, string>> => {
  // no prototype: a name such as __proto__ is a name like any other
  const metadata: Record<string, string> = {}
  for (let left = reader.varint(); left > 0; left--) {
    const name = reader.string()
    const value = reader.string()
    if (name === "__proto__")
      Object.defineProperty(metadata, name, { value, enumerable: true, configurable: true, writable: true })
    else metadata[name] = value
  }
  return metadata
}

const decodePayload = (reader: ByteReader, wanted: boolean): string => {
  const code = reader.varint()
  const ascii = code % 2 === 1
  const bytes = ascii ? (code - 1) / 2 : code / 2
  const start = reader.index
  reader.skip(bytes)
  if (!wanted) return ""
  // see `encodePayload`
  const native = reader.buffer as unknown as NativeBuffer
  return ascii ? native.latin1Slice(start, start + bytes) : native.utf8Slice(start, start + bytes)
}

const sameMetadata = (a: EnqueueItem["metadata"], b: EnqueueItem["metadata"]): boolean => {
  if (a === undefined || b === undefined) return a === b
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name])
}

/**
 * Whether a request asks for the very job that was stored, its profile apart; see the port on what does not count.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const isSameRequest = (stored: StoredRequest, item: EnqueueItem): boolean =>
  stored.payload === item.payload &&
  stored.priority === (item.priority ?? 0) &&
  stored.delay === (item.delay ?? 0) &&
  stored.at === item.at &&
  stored.group === item.group &&
  stored.key?.value === item.key?.value &&
  stored.key?.window === item.key?.window &&
  stored.key?.onConflict === (item.key === undefined ? undefined : (item.key.onConflict ?? "keep")) &&
  sameMetadata(stored.metadata, item.metadata)
