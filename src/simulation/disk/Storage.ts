/**
 * All files and names of a simulated disk, and what becomes of them when its power or its process is lost.
 *
 * @since 0.1.0
 */
import {
  applyChange,
  applyName,
  applyTorn,
  type Change,
  countPieces,
  type Directory,
  type Inode,
  lengthOf,
  newInode,
  splitChange
} from "./Change.ts"
import { pagesOf } from "./PagedBytes.ts"
import type { Keep } from "./Survivors.ts"

/**
 * A piece of what was not synced: what a crash keeps or loses by itself.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Piece {
  readonly kind: "name" | "write" | "zeros" | "truncate"
  /** Bytes that it writes. */
  readonly bytes: number
  /** Number of its file, undefined for names. */
  readonly inode: number | undefined
  /** Number of the change that it is a part of, in its file. */
  readonly change: number
  /** It begins at the end of the file's durable bytes or beyond. */
  readonly beyondEnd: boolean
  /** False if the durable bytes are the same with it and without it, whatever else survives. */
  readonly matters: boolean
}

/**
 * What a crash did to the pieces of what was not synced.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Losses {
  lostWrites: number
  lostNames: number
  tornWrites: number
  /** Pieces that survived although an earlier one of the same file did not. */
  reordered: number
}

/**
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const noLosses = (): Losses => ({ lostWrites: 0, lostNames: 0, tornWrites: 0, reordered: 0 })

/** Directory and name of a path. */
const splitPath = (path: string): [directory: string, name: string] => {
  const at = path.lastIndexOf("/")
  return [path.slice(0, at), path.slice(at + 1)]
}

const rangeOf = (change: Change): [from: number, to: number] =>
  change._tag === "Truncate"
    ? [change.length, Number.POSITIVE_INFINITY]
    : [change.position, change.position + lengthOf(change)]

/** Whether a crash that keeps the part differs from one that loses it. */
const matters = (inode: Inode, part: Change, number: number): boolean => {
  if (part._tag === "Truncate") return inode.changes.length > 1 || part.length !== inode.durable.length
  const [from, to] = rangeOf(part)
  for (const [i, other] of inode.changes.entries()) {
    if (i === number) continue
    const [otherFrom, otherTo] = rangeOf(other)
    if (from < otherTo && otherFrom < to) return true
  }
  return !inode.durable.holds(from, part._tag === "Write" ? part.bytes : Buffer.alloc(to - from))
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Storage {
  directories = new Map<string, Directory>()
  #nextInode = 1

  /** The file behind a path, as the running system sees it. */
  find(path: string): Inode | undefined {
    const [directory, name] = splitPath(path)
    return this.directories.get(directory)?.cached.get(name)
  }

  /** The file behind a path that must exist. */
  require(path: string): Inode {
    const inode = this.find(path)
    if (inode === undefined) throw new Error(`${path}: there is no such file`)
    return inode
  }

  /** The directory that a path names something in, and that name. */
  place(path: string): { readonly directory: Directory | undefined; readonly name: string } {
    const [directory, name] = splitPath(path)
    return { directory: this.directories.get(directory), name }
  }

  makeDirectory(path: string): void {
    if (this.directories.has(path)) return
    this.directories.set(path, { durable: new Map(), cached: new Map(), changes: [] })
  }

  newInode(): Inode {
    return newInode(this.#nextInode++)
  }

  /** Files that anything still names, oldest first. */
  inodes(): ReadonlyArray<Inode> {
    const inodes = new Set<Inode>()
    for (const directory of this.directories.values()) {
      for (const inode of directory.durable.values()) inodes.add(inode)
      if (directory.changes.length === 0) continue
      for (const inode of directory.cached.values()) inodes.add(inode)
      for (const change of directory.changes) if (change._tag !== "Unlink") inodes.add(change.inode)
    }
    return [...inodes]
  }

  countPieces(pieceBytes: number): number {
    let count = 0
    for (const directory of this.directories.values()) count += directory.changes.length
    for (const inode of this.inodes()) {
      for (const change of inode.changes) count += countPieces(change, pieceBytes)
    }
    return count
  }

  /** All pieces, in the order in which a crash asks about them. */
  pieces(pieceBytes: number): ReadonlyArray<Piece> {
    const pieces: Array<Piece> = []
    for (const directory of this.directories.values()) {
      for (const change of directory.changes.keys()) {
        pieces.push({ kind: "name", bytes: 0, inode: undefined, change, beyondEnd: false, matters: true })
      }
    }
    for (const inode of this.inodes()) {
      for (const [number, change] of inode.changes.entries()) {
        for (const part of splitChange(change, pieceBytes)) {
          pieces.push({
            kind: part._tag === "Write" ? "write" : part._tag === "Zeros" ? "zeros" : "truncate",
            bytes: lengthOf(part),
            inode: inode.id,
            change: inode.settled + number,
            beyondEnd: part._tag !== "Truncate" && part.position >= inode.durable.length,
            matters: matters(inode, part, number)
          })
        }
      }
    }
    return pieces
  }

  /** What is left after losing power now, keeping the chosen pieces. This storage stays as it is. */
  afterCrash(keep: Keep, pieceBytes: number, losses: Losses): Storage {
    let piece = 0
    const after = new Storage()
    after.#nextInode = this.#nextInode
    const kept: Array<[path: string, names: Map<string, Inode>]> = []
    const inodes = this.inodes()
    for (const [path, directory] of this.directories) {
      const names = new Map(directory.durable)
      let lost = false
      for (const change of directory.changes) {
        if (keep(piece++) === false) {
          losses.lostNames++
          lost = true
        } else {
          if (lost) losses.reordered++
          applyName(names, change)
        }
      }
      kept.push([path, names])
    }
    const contents = new Map<Inode, Inode>()
    for (const inode of inodes) {
      const content = inode.durable.clone()
      let lost = false
      for (const change of inode.changes) {
        for (const part of splitChange(change, pieceBytes)) {
          const answer = keep(piece++)
          if (answer === false) losses.lostWrites++
          else if (answer === true) applyChange(content, part)
          else {
            losses.tornWrites++
            applyTorn(content, part, answer)
          }
          if (answer !== false && lost) losses.reordered++
          if (answer !== true) lost = true
        }
      }
      const copy = newInode(inode.id)
      copy.durable = content
      copy.cached = content.clone()
      copy.previous = inode.previous
      contents.set(inode, copy)
    }
    for (const [path, names] of kept) {
      // every inode that a name can lead to was copied
      const durable = new Map([...names].map(([name, inode]) => [name, contents.get(inode)!]))
      after.directories.set(path, { durable, cached: new Map(durable), changes: [] })
    }
    return after
  }

  /** What a new process finds after the old one was killed: the page cache lives on. */
  afterKill(): Storage {
    const after = new Storage()
    after.#nextInode = this.#nextInode
    const contents = new Map<Inode, Inode>()
    for (const inode of this.inodes()) {
      contents.set(inode, {
        ...inode,
        durable: inode.durable.clone(),
        cached: inode.cached.clone(),
        changes: [...inode.changes],
        writing: false
      })
    }
    const copy = (names: Map<string, Inode>) => new Map([...names].map(([name, inode]) => [name, contents.get(inode)!]))
    for (const [path, directory] of this.directories) {
      after.directories.set(path, {
        durable: copy(directory.durable),
        cached: copy(directory.cached),
        changes: directory.changes.map((change) =>
          change._tag === "Unlink" ? change : { ...change, inode: contents.get(change.inode)! }
        )
      })
    }
    return after
  }

  /** Puts a file in place, durably. */
  plant(path: string, bytes: Buffer): void {
    const { directory, name } = this.place(path)
    if (directory === undefined) throw new Error(`${path}: there is no such directory`)
    const inode = directory.cached.get(name) ?? this.newInode()
    inode.durable = pagesOf(bytes)
    inode.cached = inode.durable.clone()
    inode.settled += inode.changes.length
    inode.changes = []
    directory.cached.set(name, inode)
    directory.durable.set(name, inode)
  }

  /** Removes a file, durably. */
  unplant(path: string): void {
    const { directory, name } = this.place(path)
    directory?.cached.delete(name)
    directory?.durable.delete(name)
  }

  /** Equal for storages whose running system sees the same names and bytes. */
  fingerprint(): string {
    let print = ""
    for (const [path, directory] of this.directories) {
      print += `${path}\n`
      for (const name of [...directory.cached.keys()].sort()) {
        print += `${name}=${directory.cached.get(name)!.cached.fingerprint()}\n`
      }
    }
    return print
  }
}
