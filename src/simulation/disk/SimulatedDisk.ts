/**
 * A disk in memory that forgets: what was not synced is lost, torn or reordered by a crash, as a seed or a test says.
 *
 * A file's bytes and a directory's names are separate objects, each with a durable state and the changes since. A
 * sync moves the changes of one object into its durable state. A crash keeps any subset of the changes ("pieces").
 *
 * @since 0.1.0
 */
import type { Disk } from "../../backends/file/journal/Disk.ts"
import { type Damage, inflict, kindOfDamage } from "./Damage.ts"
import { Device } from "./Device.ts"
import type { Chances, Fault, FaultCounts, Operation } from "./DiskFault.ts"
import { makePort } from "./DiskPort.ts"
import type { PagedBytes } from "./PagedBytes.ts"
import { noLosses, type Piece, type Storage } from "./Storage.ts"
import type { Keep } from "./Survivors.ts"

/**
 * What a file held, apart from its name.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface FileCopy {
  readonly inode: number
  readonly content: PagedBytes
}

/** The granularity in which an unsynced write may be lost. */
const sectorBytes = 512

/**
 * A disk whose every loss is chosen. Without chances it takes no time; only a sync gives others a turn.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class SimulatedDisk {
  /** In a crash an unsynced write is lost in pieces of this size. */
  pieceBytes = sectorBytes
  readonly #device = new Device()
  /** The disk's port. */
  readonly disk: Disk = makePort(this.#device)

  /** Bytes that may still be allocated; writes beyond fail with ENOSPC after a part. Removed files give theirs back. */
  get free(): number {
    return this.#device.free
  }

  set free(bytes: number) {
    this.#device.free = bytes
  }

  get fileSystem(): string {
    return this.#device.fileSystem
  }

  set fileSystem(name: string) {
    this.#device.fileSystem = name
  }

  /** Keeps what a file held before its last sync, for stale sectors. Costs memory. Default false. */
  set keepsHistory(keeps: boolean) {
    this.#device.keepsHistory = keeps
  }

  /** Operations so far that change something. */
  get steps(): number {
    return this.#device.steps
  }

  /** The latest operations that changed something, for a test's failure message. */
  get trace(): ReadonlyArray<string> {
    return this.#device.trace
  }

  /** Called before each step, while the disk is as a crash in that step would find it. */
  set onStep(hook: ((operation: Operation, path: string) => void) | undefined) {
    this.#device.onStep = hook
  }

  /** Plans a fault, counted from now. */
  fail(fault: Fault): void {
    this.#device.faults.plan(fault)
  }

  /** From now on operations fail and take time by chance, also after crashes. Replaces former chances. */
  behave(random: () => number, chances: Chances): void {
    this.#device.faults.behave(random, chances)
  }

  /** No more faults nor delays; a broken device is sound again. What is under way still takes its time. */
  heal(): void {
    this.#device.faults.behave(() => 0, {})
    this.#device.faults.mend()
  }

  /** How often each kind of fault fired, over all crashes. */
  get faults(): FaultCounts {
    return this.#device.faults.counts()
  }

  /** Says whether an operation is in flight, for the counters; by default one of the disk's own. */
  set inFlight(inFlight: () => boolean) {
    this.#device.faults.inFlight = inFlight
  }

  /** The operation number `step` (1-based, from the disk's beginning) and all after it never happen nor answer. */
  haltAt(step: number, onHalt: () => void = () => {}): void {
    this.#device.haltAt = step
    this.#device.onHalt = onHalt
  }

  get halted(): boolean {
    return this.#device.steps >= this.#device.haltAt
  }

  /** How many pieces of unsynced changes there are. */
  get pieces(): number {
    return this.#device.storage.countPieces(this.pieceBytes)
  }

  /** The pieces, in the order in which a {@link Keep} is asked about them. */
  unsynced(): ReadonlyArray<Piece> {
    return this.#device.storage.pieces(this.pieceBytes)
  }

  /** Equal for disks that show the same names and bytes. */
  fingerprint(): string {
    return this.#device.storage.fingerprint()
  }

  /** The disk as it is after losing power now, keeping the chosen pieces. This disk stays as it is. */
  afterCrash(keep: Keep): SimulatedDisk {
    return this.#successor(this.#device.storage.afterCrash(keep, this.pieceBytes, noLosses()))
  }

  /** The disk as a new process sees it after the old one was killed: the page cache lives on. */
  afterKill(): SimulatedDisk {
    return this.#successor(this.#device.storage.afterKill())
  }

  #successor(storage: Storage): SimulatedDisk {
    const disk = new SimulatedDisk()
    const device = this.#device
    disk.pieceBytes = this.pieceBytes
    disk.#device.storage = storage
    disk.#device.faults.inherit(device.faults)
    disk.#device.free = device.free
    disk.#device.fileSystem = device.fileSystem
    disk.#device.keepsHistory = device.keepsHistory
    return disk
  }

  /** Loses power: handles die, what is under way never answers, unsynced changes go as `keep` says. */
  crash(keep: Keep): void {
    const { faults, storage } = this.#device
    const losses = noLosses()
    const after = storage.afterCrash(keep, this.pieceBytes, losses)
    faults.count("lostWrite", losses.lostWrites)
    faults.count("tornWrite", losses.tornWrites)
    faults.count("reordered", losses.reordered)
    faults.count("lostName", losses.lostNames)
    this.#device.succeed(after)
  }

  /** The process that uses the disk dies: handles die, what is under way never answers, the page cache lives on. */
  kill(): void {
    this.#device.succeed(this.#device.storage.afterKill())
  }

  /** Names in a directory, as the running system sees them. */
  names(directory: string): ReadonlyArray<string> {
    return [...(this.#device.storage.directories.get(directory)?.cached.keys() ?? [])].sort()
  }

  /** A copy of a file's bytes as the running system sees them. */
  bytes(path: string): Buffer {
    return this.#device.storage.require(path).cached.toBuffer()
  }

  /** Replaces a file's bytes, durably: for planting damage. */
  plant(path: string, bytes: Buffer): void {
    this.#device.storage.plant(path, bytes)
  }

  /** Removes a file, durably: for planting damage. */
  unplant(path: string): void {
    this.#device.storage.unplant(path)
  }

  /**
   * Paths of a directory's files of which nothing waits for a sync, nor was forgotten by a failed one, without the one that
   * was written last.
   */
  settled(directory: string): ReadonlyArray<string> {
    const { lastWritten, storage } = this.#device
    const found = storage.directories.get(directory)
    if (found === undefined || found.changes.length > 0) return []
    return [...found.cached]
      .filter(
        ([, { cached, changes, durable }]) => changes.length === 0 && cached.fingerprint() === durable.fingerprint()
      )
      .filter(([, inode]) => inode !== lastWritten)
      .map(([name]) => `${directory}/${name}`)
      .sort()
  }

  /** A copy of a file's bytes as the running system sees them, to be put back. */
  copy(path: string): FileCopy {
    const { cached, id } = this.#device.storage.require(path)
    return { inode: id, content: cached.clone() }
  }

  /** The file holds again what was copied, durably, under whichever name; it may be gone by now. */
  putBack({ content, inode: id }: FileCopy): void {
    const inode = this.#device.storage.inodes().find((each) => each.id === id)
    if (inode === undefined) return
    inode.durable = content.clone()
    inode.cached = content.clone()
    inode.settled += inode.changes.length
    inode.changes = []
  }

  /** Damages synced bytes of a file; answers whether that changed any. Throws if some of its bytes wait for a sync. */
  damage(path: string, damage: Damage): boolean {
    const changed = inflict(this.#device.storage.require(path), damage)
    if (changed) this.#device.faults.count(kindOfDamage(damage))
    return changed
  }
}
