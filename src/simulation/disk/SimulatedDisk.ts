/**
 * A disk in memory that forgets: what was not synced is lost, torn or reordered by a crash, as a seed or a test says.
 *
 * A file's bytes and a directory's names are separate objects, each with a durable state and the changes since. A
 * sync moves the changes of one object into its durable state. A crash keeps any subset of the changes ("pieces").
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { type Disk, DiskError, type DiskFile, type OpenMode } from "../../backends/file/journal/Disk.ts"
import { OwnedBy, refused } from "../../log/LogError.ts"
import {
  applyChange,
  applyName,
  type Change,
  type Directory,
  type Inode,
  type NameChange,
  newInode,
  splitPath,
  splitWrite
} from "./Change.ts"
import type { Fault, Operation } from "./DiskFault.ts"
import type { Keep } from "./Survivors.ts"

/** The granularity in which an unsynced write may be lost. */
const sectorBytes = 512

/**
 * A disk whose every loss is chosen.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class SimulatedDisk {
  /** Bytes that may still be allocated; writes beyond fail with ENOSPC after a part. */
  free = Number.POSITIVE_INFINITY
  fileSystem = "ext4"
  /** Operations so far. */
  steps = 0
  /** Every operation so far, for a test's failure message. */
  readonly trace: Array<string> = []
  /** In a crash an unsynced write is lost in pieces of this size. */
  pieceBytes = sectorBytes
  #directories = new Map<string, Directory>()
  #faults: Array<Fault & { seen: number }> = []
  #haltAt = Number.POSITIVE_INFINITY
  #onHalt: () => void = () => {}
  #generation = 0
  #nextInode = 1
  readonly #owners = new Set<string>()

  /** Plans a fault, counted from now. */
  fail(fault: Fault): void {
    this.#faults.push({ ...fault, seen: 0 })
  }

  /** The operation number `step` (1-based, from the disk's beginning) and all after it never happen nor answer. */
  haltAt(step: number, onHalt: () => void = () => {}): void {
    this.#haltAt = step
    this.#onHalt = onHalt
  }

  get halted(): boolean {
    return this.steps >= this.#haltAt
  }

  /** How many pieces of unsynced changes there are. */
  get pieces(): number {
    let count = 0
    for (const directory of this.#directories.values()) count += directory.changes.length
    for (const inode of this.#inodes()) {
      for (const change of inode.changes) count += splitWrite(change, this.pieceBytes).length
    }
    return count
  }

  #inodes(): Set<Inode> {
    const inodes = new Set<Inode>()
    for (const directory of this.#directories.values()) {
      for (const inode of directory.durable.values()) inodes.add(inode)
      for (const inode of directory.cached.values()) inodes.add(inode)
      for (const change of directory.changes) if (change._tag !== "Unlink") inodes.add(change.inode)
    }
    return inodes
  }

  /** The disk as it is after losing power now, keeping the chosen pieces. This disk stays as it is. */
  afterCrash(keep: Keep): SimulatedDisk {
    let piece = 0
    const contents = new Map<Inode, Inode>()
    const directories = new Map<string, Directory>()
    const kept = [...this.#directories].map(([path, directory]) => {
      const names = new Map(directory.durable)
      for (const change of directory.changes) if (keep(piece++)) applyName(names, change)
      return { path, names }
    })
    for (const inode of this.#inodes()) {
      let content: Buffer = Buffer.from(inode.durable)
      for (const change of inode.changes) {
        for (const part of splitWrite(change, this.pieceBytes)) if (keep(piece++)) content = applyChange(content, part)
      }
      contents.set(inode, { id: inode.id, durable: content, cached: Buffer.from(content), changes: [], writing: false })
    }
    for (const { path, names } of kept) {
      const durable = new Map([...names].map(([name, inode]) => [name, contents.get(inode)!]))
      directories.set(path, { durable, cached: new Map(durable), changes: [] })
    }
    const disk = new SimulatedDisk()
    disk.#directories = directories
    disk.#nextInode = this.#nextInode
    disk.fileSystem = this.fileSystem
    disk.pieceBytes = this.pieceBytes
    return disk
  }

  /** The disk as a new process sees it after the old one was killed: the page cache lives on. */
  afterKill(): SimulatedDisk {
    const disk = new SimulatedDisk()
    const contents = new Map<Inode, Inode>()
    for (const inode of this.#inodes()) {
      contents.set(inode, {
        ...inode,
        durable: Buffer.from(inode.durable),
        cached: Buffer.from(inode.cached),
        changes: [...inode.changes],
        writing: false
      })
    }
    const copy = (names: Map<string, Inode>) => new Map([...names].map(([name, inode]) => [name, contents.get(inode)!]))
    for (const [path, directory] of this.#directories) {
      disk.#directories.set(path, {
        durable: copy(directory.durable),
        cached: copy(directory.cached),
        changes: directory.changes.map((change) =>
          change._tag === "Unlink" ? change : { ...change, inode: contents.get(change.inode)! }
        )
      })
    }
    disk.#nextInode = this.#nextInode
    disk.fileSystem = this.fileSystem
    disk.pieceBytes = this.pieceBytes
    return disk
  }

  /** Loses power: handles die, unsynced changes go as `keep` says. */
  crash(keep: Keep): void {
    const after = this.afterCrash(keep)
    this.#directories = after.#directories
    this.#generation++
    this.#owners.clear()
    this.#faults = []
    this.#haltAt = Number.POSITIVE_INFINITY
  }

  /** Names in a directory, as the running system sees them. */
  names(directory: string): ReadonlyArray<string> {
    return [...(this.#directories.get(directory)?.cached.keys() ?? [])].sort()
  }

  /** A file's bytes as the running system sees them; writes through, durably: for planting damage. */
  bytes(path: string): Buffer {
    return this.#find(path)!.cached
  }

  /** Replaces a file's bytes, durably: for planting damage. */
  plant(path: string, bytes: Buffer): void {
    const [directoryPath, name] = splitPath(path)
    const directory = this.#directories.get(directoryPath)!
    const inode = directory.cached.get(name) ?? newInode(this.#nextInode++)
    inode.durable = Buffer.from(bytes)
    inode.cached = Buffer.from(bytes)
    inode.changes = []
    directory.cached.set(name, inode)
    directory.durable.set(name, inode)
  }

  /** Removes a file, durably: for planting damage. */
  unplant(path: string): void {
    const [directoryPath, name] = splitPath(path)
    this.#directories.get(directoryPath)!.cached.delete(name)
    this.#directories.get(directoryPath)!.durable.delete(name)
  }

  #find(path: string): Inode | undefined {
    const [directory, name] = splitPath(path)
    return this.#directories.get(directory)?.cached.get(name)
  }

  #error(operation: string, path: string, code: string, detail = "simulated"): DiskError {
    return new DiskError({ operation, path, code, detail })
  }

  /** Counts a step, halts for ever at the planned one, and answers the fault planned for it. */
  #step<A>(
    operation: Operation,
    path: string,
    act: (fault: Fault | undefined) => Effect.Effect<A, DiskError>
  ): Effect.Effect<A, DiskError> {
    const generation = this.#generation
    return Effect.suspend(() => {
      if (generation !== this.#generation) return Effect.never
      if (operation !== "read" && operation !== "list") {
        if (this.steps + 1 >= this.#haltAt) {
          if (this.steps + 1 === this.#haltAt) {
            this.steps++
            this.#onHalt()
          }
          return Effect.never
        }
        this.steps++
        this.trace.push(`${operation} ${path}`)
      }
      let found: Fault | undefined
      for (const fault of this.#faults) {
        if (fault.operation !== operation) continue
        fault.seen++
        if (fault.seen === fault.nth || (fault.forever === true && fault.seen > fault.nth)) found ??= fault
      }
      return act(found)
    })
  }

  #sync(operation: "datasync" | "sync", inode: Inode, path: string): Effect.Effect<void, DiskError> {
    // A sync takes a moment in which others run, and what is written meanwhile is not part of it.
    return Effect.suspend(() => {
      const changes = inode.changes.slice()
      return Effect.andThen(
        Effect.yieldNow,
        this.#step(operation, path, (fault) => {
          if (fault === undefined) {
            for (const change of changes) inode.durable = applyChange(inode.durable, change)
            inode.changes = inode.changes.slice(changes.length)
            return Effect.void
          }
          const pages = fault.dirtyPages ?? "forget"
          if (pages !== "keep") inode.changes = inode.changes.slice(changes.length)
          if (pages === "revert") inode.cached = Buffer.from(inode.durable)
          return Effect.fail(this.#error(operation, path, fault.code))
        })
      )
    })
  }

  #write(inode: Inode, path: string, bytes: Buffer, position: number): Effect.Effect<void, DiskError> {
    return this.#step("write", path, (fault) => {
      if (inode.writing) throw new Error(`two writes in flight on ${path}`)
      inode.writing = true
      const growth = Math.max(0, position + bytes.length - inode.cached.length)
      const room = Math.min(growth, this.free)
      const length = Math.min(bytes.length, fault === undefined ? bytes.length : (fault.written ?? 0)) - (growth - room)
      if (length > 0) {
        const change: Change = { _tag: "Write", position, bytes: Buffer.from(bytes.subarray(0, length)) }
        this.free -= room
        inode.cached = applyChange(inode.cached, change)
        inode.changes.push(change)
      }
      inode.writing = false
      if (fault !== undefined) return Effect.fail(this.#error("write", path, fault.code))
      if (room < growth) return Effect.fail(this.#error("write", path, "ENOSPC"))
      return Effect.void
    })
  }

  #file(inode: Inode, path: string, mode: OpenMode): DiskFile {
    let closed = false
    const check = <A>(effect: () => Effect.Effect<A, DiskError>): Effect.Effect<A, DiskError> =>
      Effect.suspend(() => {
        if (closed) throw new Error(`${path} is used after it was closed`)
        return effect()
      })
    const writable = <A>(effect: () => Effect.Effect<A, DiskError>): Effect.Effect<A, DiskError> =>
      check(() => {
        if (mode === "read") throw new Error(`${path} is open for reading only`)
        return effect()
      })
    return {
      path,
      write: (buffer, offset, length, position) =>
        writable(() =>
          this.#write(inode, path, Buffer.from(buffer.buffer, buffer.byteOffset + offset, length), position)
        ),
      read: (buffer, offset, length, position) =>
        check(() =>
          this.#step("read", path, (fault) => {
            if (fault !== undefined) return Effect.fail(this.#error("read", path, fault.code))
            const end = Math.min(inode.cached.length, position + length)
            if (end <= position) return Effect.succeed(0)
            buffer.set(inode.cached.subarray(position, end), offset)
            return Effect.succeed(end - position)
          })
        ),
      datasync: writable(() => this.#sync("datasync", inode, path)),
      sync: writable(() => this.#sync("sync", inode, path)),
      truncate: (length) =>
        writable(() =>
          this.#step("truncate", path, (fault) => {
            if (fault !== undefined) return Effect.fail(this.#error("truncate", path, fault.code))
            const change: Change = { _tag: "Truncate", length }
            inode.cached = applyChange(inode.cached, change)
            inode.changes.push(change)
            return Effect.void
          })
        ),
      size: check(() => Effect.succeed(inode.cached.length)),
      close: Effect.sync(() => {
        closed = true
      })
    }
  }

  #open(path: string, mode: OpenMode): Effect.Effect<DiskFile, DiskError> {
    const act = (fault: Fault | undefined): Effect.Effect<DiskFile, DiskError> => {
      if (fault !== undefined) return Effect.fail(this.#error("open", path, fault.code))
      const [directoryPath, name] = splitPath(path)
      const directory = this.#directories.get(directoryPath)
      if (directory === undefined) return Effect.fail(this.#error("open", path, "ENOENT"))
      const existing = directory.cached.get(name)
      if (mode !== "create") {
        return existing === undefined
          ? Effect.fail(this.#error("open", path, "ENOENT"))
          : Effect.succeed(this.#file(existing, path, mode))
      }
      if (existing !== undefined) return Effect.fail(this.#error("open", path, "EEXIST"))
      const inode = newInode(this.#nextInode++)
      directory.cached.set(name, inode)
      directory.changes.push({ _tag: "Link", name, inode })
      return Effect.succeed(this.#file(inode, path, mode))
    }
    // Opening for reading changes nothing: it is no point to crash at.
    return mode === "create" ? this.#step("open", path, act) : Effect.suspend(() => act(undefined))
  }

  #change(directoryPath: string, change: NameChange): void {
    const directory = this.#directories.get(directoryPath)!
    applyName(directory.cached, change)
    directory.changes.push(change)
  }

  /** The disk's port. */
  readonly disk: Disk = {
    makeDirectory: (path) =>
      Effect.sync(() => {
        if (this.#directories.has(path)) return
        this.#directories.set(path, { durable: new Map(), cached: new Map(), changes: [] })
      }),
    list: (directory) =>
      this.#step("list", directory, (fault) => {
        if (fault !== undefined) return Effect.fail(this.#error("list", directory, fault.code))
        const found = this.#directories.get(directory)
        return found === undefined
          ? Effect.fail(this.#error("list", directory, "ENOENT"))
          : Effect.succeed([...found.cached.keys()])
      }),
    open: (path, mode) => this.#open(path, mode),
    rename: (from, to) =>
      this.#step("rename", from, (fault) => {
        if (fault !== undefined) return Effect.fail(this.#error("rename", from, fault.code))
        const [directory, name] = splitPath(from)
        const inode = this.#find(from)
        if (inode === undefined) return Effect.fail(this.#error("rename", from, "ENOENT"))
        this.#change(directory, { _tag: "Rename", from: name, to: splitPath(to)[1], inode })
        return Effect.void
      }),
    remove: (path) =>
      this.#step("remove", path, (fault) => {
        if (fault !== undefined) return Effect.fail(this.#error("remove", path, fault.code))
        const [directory, name] = splitPath(path)
        if (this.#find(path) === undefined) return Effect.fail(this.#error("remove", path, "ENOENT"))
        this.#change(directory, { _tag: "Unlink", name })
        return Effect.void
      }),
    syncDirectory: (path) =>
      this.#step("syncDirectory", path, (fault) => {
        if (fault !== undefined) return Effect.fail(this.#error("syncDirectory", path, fault.code))
        const directory = this.#directories.get(path)!
        for (const change of directory.changes) applyName(directory.durable, change)
        directory.changes = []
        return Effect.void
      }),
    exists: (path) => Effect.sync(() => this.#find(path) !== undefined),
    freeBytes: () => Effect.sync(() => this.free),
    fileSystemType: () => Effect.sync(() => this.fileSystem),
    lock: (directory) =>
      Effect.suspend(() => {
        if (this.#owners.has(directory)) {
          return Effect.fail(refused("open", new OwnedBy({ path: directory, owner: "another simulated process" })))
        }
        this.#owners.add(directory)
        const generation = this.#generation
        return Effect.succeed(
          Effect.sync(() => {
            if (generation === this.#generation) this.#owners.delete(directory)
          })
        )
      })
  }
}
