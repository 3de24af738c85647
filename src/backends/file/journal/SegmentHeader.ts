/**
 * The first bytes and the name of a segment file.
 *
 * @since 0.1.0
 */
import { checksum } from "./Frame.ts"

/**
 * Bytes of a segment file before its first frame.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const segmentHeaderBytes = 64

/**
 * The format version that this release writes and reads.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const formatVersion = 1

const magic = Buffer.from("LEASELOG", "latin1")
const crcAt = 60

/**
 * What a segment says about itself.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface SegmentHeader {
  /** Number of the segment, counted up by one, never reused. */
  readonly index: number
  /** Sequence number of its first frame. */
  readonly firstSeq: number
  /** Segments whose frames all lie below this sequence number may be missing. */
  readonly trimmedTo: number
  /** Epoch in which it was created. */
  readonly epoch: number
  /** Checksum of the last frame before it; 0 for the first segment of a journal. */
  readonly chain: number
  /** Seed of its frames' checksums: a payload made to look like a frame does not pass for one. */
  readonly salt: number
}

/**
 * What stood where a segment header belongs.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type FoundHeader =
  | { readonly _tag: "Header"; readonly header: SegmentHeader }
  | { readonly _tag: "Newer"; readonly version: number }
  /** Shorter than a header, or all zeros: what a crash during creation can leave. */
  | { readonly _tag: "Blank" }
  | { readonly _tag: "Damaged"; readonly detail: string }

/**
 * Encodes a header; another `version` than this release's is for tests.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const encodeSegmentHeader = (header: SegmentHeader, version: number = formatVersion): Buffer => {
  const buffer = Buffer.alloc(segmentHeaderBytes)
  magic.copy(buffer, 0)
  buffer.writeUInt32LE(version, 8)
  buffer.writeUInt32LE(header.index, 12)
  buffer.writeBigUInt64LE(BigInt(header.firstSeq), 16)
  buffer.writeBigUInt64LE(BigInt(header.trimmedTo), 24)
  buffer.writeUInt32LE(header.epoch, 32)
  buffer.writeUInt32LE(header.chain, 36)
  buffer.writeUInt32LE(header.salt, 40)
  buffer.writeUInt32LE(checksum(buffer, 0, crcAt, 0), crcAt)
  return buffer
}

/**
 * Reads the header from the first bytes of a file (fewer than a header if the file is that short).
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const decodeSegmentHeader = (bytes: Buffer): FoundHeader => {
  if (bytes.length < segmentHeaderBytes || bytes.every((byte) => byte === 0)) return { _tag: "Blank" }
  if (!bytes.subarray(0, magic.length).equals(magic)) return { _tag: "Damaged", detail: "no segment header" }
  // Every version keeps the magic, the version and this checksum in place, so that a newer one is told from damage.
  if (checksum(bytes, 0, crcAt, 0) !== bytes.readUInt32LE(crcAt)) {
    return { _tag: "Damaged", detail: "checksum of the segment header" }
  }
  const version = bytes.readUInt32LE(8)
  if (version !== formatVersion) return { _tag: "Newer", version }
  return {
    _tag: "Header",
    header: {
      index: bytes.readUInt32LE(12),
      firstSeq: Number(bytes.readBigUInt64LE(16)),
      trimmedTo: Number(bytes.readBigUInt64LE(24)),
      epoch: bytes.readUInt32LE(32),
      chain: bytes.readUInt32LE(36),
      salt: bytes.readUInt32LE(40)
    }
  }
}

const namePattern = /^([0-9a-f]{16})\.seg$/

/**
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const segmentName = (firstSeq: number): string => `${firstSeq.toString(16).padStart(16, "0")}.seg`

/**
 * The first sequence number that a segment's name states; `undefined` for any other file.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const parseSegmentName = (name: string): number | undefined => {
  const match = namePattern.exec(name)
  if (match === null) return undefined
  const firstSeq = Number.parseInt(match[1]!, 16)
  return Number.isSafeInteger(firstSeq) ? firstSeq : undefined
}

/**
 * Suffix of a segment under construction; such a file holds nothing and is removed when the journal is opened.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const temporarySuffix = ".tmp"
