/**
 * What a simulated disk holds: files and names, each with a durable state and the changes since.
 *
 * @since 0.1.0
 */

/**
 * A change of a file since its last sync.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Change =
  | { readonly _tag: "Write"; readonly position: number; readonly bytes: Buffer }
  | { readonly _tag: "Truncate"; readonly length: number }

/**
 * A file: what survives a crash for certain, what the running system sees, and the changes between the two, oldest first.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Inode {
  readonly id: number
  durable: Buffer
  cached: Buffer
  changes: Array<Change>
  writing: boolean
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

/**
 * Splits a write at multiples of `pieceBytes`: each part may survive a crash without the others.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const splitWrite = (change: Change, pieceBytes: number): Array<Change> => {
  if (change._tag !== "Write") return [change]
  const pieces: Array<Change> = []
  let from = 0
  while (from < change.bytes.length) {
    const end = Math.min(
      change.bytes.length,
      (Math.floor((change.position + from) / pieceBytes) + 1) * pieceBytes - change.position
    )
    pieces.push({ _tag: "Write", position: change.position + from, bytes: change.bytes.subarray(from, end) })
    from = end
  }
  return pieces
}

/**
 * Answers the content after the change; may change the given buffer in place.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const applyChange = (content: Buffer, change: Change): Buffer => {
  if (change._tag === "Truncate") {
    if (change.length <= content.length) return Buffer.from(content.subarray(0, change.length))
    return Buffer.concat([content, Buffer.alloc(change.length - content.length)])
  }
  const end = change.position + change.bytes.length
  const next = end > content.length ? Buffer.concat([content, Buffer.alloc(end - content.length)]) : content
  change.bytes.copy(next, change.position)
  return next
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
  durable: Buffer.alloc(0),
  cached: Buffer.alloc(0),
  changes: [],
  writing: false
})

/**
 * The directory and the name of a path.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const splitPath = (path: string): [directory: string, name: string] => {
  const at = path.lastIndexOf("/")
  return [path.slice(0, at), path.slice(at + 1)]
}
