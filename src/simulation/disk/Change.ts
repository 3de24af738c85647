/**
 * What a simulated disk holds: files and names, each with a durable state and the changes since.
 *
 * @since 0.1.0
 */
import { PagedBytes } from "./PagedBytes.ts"

/**
 * A change of a file since its last sync.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Change =
  | { readonly _tag: "Write"; readonly position: number; readonly bytes: Buffer }
  | { readonly _tag: "Zeros"; readonly position: number; readonly length: number }
  | { readonly _tag: "Truncate"; readonly length: number }

/**
 * A file: what survives a crash for certain, what the running system sees, and the changes between the two, oldest
 * first.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Inode {
  readonly id: number
  durable: PagedBytes
  cached: PagedBytes
  changes: Array<Change>
  /** Changes that left `changes`, in all: number of the first one there. */
  settled: number
  writing: boolean
  /** The durable bytes before the last sync that changed them, if the disk keeps a history. */
  previous: PagedBytes | undefined
}

/**
 * A change of a directory since its last sync; a rename is one change.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type NameChange =
  | { readonly _tag: "Link"; readonly name: string; readonly inode: Inode }
  | { readonly _tag: "Rename"; readonly from: string; readonly to: string; readonly inode: Inode }
  | { readonly _tag: "Unlink"; readonly name: string }

/**
 * The names of a directory, in the same three forms as a file.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Directory {
  durable: Map<string, Inode>
  cached: Map<string, Inode>
  changes: Array<NameChange>
}

/** Shorter runs of zeros are written as any other bytes. */
const sparseBytes = 512

let knownZeros = Buffer.alloc(1024 * 1024)

/**
 * A write of a copy of these bytes.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const writeOf = (bytes: Buffer, position: number): Change => {
  const { length } = bytes
  if (length >= sparseBytes && bytes[0] === 0 && bytes[length - 1] === 0) {
    if (length > knownZeros.length) knownZeros = Buffer.alloc(length)
    if (knownZeros.compare(bytes, 0, length, 0, length) === 0) return { _tag: "Zeros", position, length }
  }
  return { _tag: "Write", position, bytes: Buffer.from(bytes) }
}

/**
 * Splits a write at multiples of `pieceBytes`: each part may survive a crash without the others.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const splitChange = (change: Change, pieceBytes: number): ReadonlyArray<Change> => {
  if (change._tag === "Truncate") return [change]
  const length = lengthOf(change)
  const { position } = change
  if (Math.floor(position / pieceBytes) === Math.floor((position + length - 1) / pieceBytes)) return [change]
  const pieces: Array<Change> = []
  let from = 0
  while (from < length) {
    const end = Math.min(length, (Math.floor((position + from) / pieceBytes) + 1) * pieceBytes - position)
    pieces.push(
      change._tag === "Zeros"
        ? { _tag: "Zeros", position: position + from, length: end - from }
        : { _tag: "Write", position: position + from, bytes: change.bytes.subarray(from, end) }
    )
    from = end
  }
  return pieces
}

/**
 * How many parts {@link splitChange} answers.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const countPieces = (change: Change, pieceBytes: number): number => {
  const length = lengthOf(change)
  if (change._tag === "Truncate" || length === 0) return 1
  return Math.floor((change.position + length - 1) / pieceBytes) - Math.floor(change.position / pieceBytes) + 1
}

/**
 * Bytes that a change writes.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const lengthOf = (change: Change): number =>
  change._tag === "Write" ? change.bytes.length : change._tag === "Zeros" ? change.length : 0

/**
 * Applies the change to the content, in place.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const applyChange = (content: PagedBytes, change: Change): void => {
  switch (change._tag) {
    case "Write":
      return content.write(change.position, change.bytes)
    case "Zeros":
      return content.writeZeros(change.position, change.length)
    case "Truncate":
      return content.truncate(change.length)
  }
}

/**
 * Applies only the first bytes of a write, as a crash in its middle would; a truncation happens as a whole.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const applyTorn = (content: PagedBytes, change: Change, bytes: number): void => {
  if (change._tag === "Write") content.write(change.position, change.bytes.subarray(0, bytes))
  else if (change._tag === "Zeros") content.writeZeros(change.position, Math.min(bytes, change.length))
  else applyChange(content, change)
}

/**
 * Applies the change to the names, in place.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const applyName = (names: Map<string, Inode>, change: NameChange): void => {
  switch (change._tag) {
    case "Link":
      names.set(change.name, change.inode)
      break
    case "Rename":
      names.delete(change.from)
      names.set(change.to, change.inode)
      break
    case "Unlink":
      names.delete(change.name)
  }
}

/**
 * An empty file that nothing names yet.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const newInode = (id: number): Inode => ({
  id,
  durable: new PagedBytes(),
  cached: new PagedBytes(),
  changes: [],
  settled: 0,
  writing: false,
  previous: undefined
})
