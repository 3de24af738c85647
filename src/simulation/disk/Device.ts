/**
 * The machinery under a simulated disk: counting its steps, halting, failing and taking time.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { DiskError } from "../../backends/file/journal/Disk.ts"
import { applyChange, type Change, type Inode } from "./Change.ts"
import type { Fault, Operation } from "./DiskFault.ts"
import { Faults } from "./Faults.ts"
import { Storage } from "./Storage.ts"

/** Lines of the trace that are kept. */
const traceLines = 10_000

/**
 * The error of a simulated operation.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const failure = (operation: string, path: string, code: string): DiskError =>
  new DiskError({ operation, path, code, detail: "simulated" })

/** Reading is no point to crash at: it changes nothing. */
const isStep = (operation: Operation): boolean =>
  operation !== "read" && operation !== "list" && operation !== "openExisting"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Device {
  storage = new Storage()
  readonly faults = new Faults()
  /** Grows with each loss of power or process: who belongs to an older one is never answered. */
  generation = 0
  /** Bytes that may still be allocated. */
  free = Number.POSITIVE_INFINITY
  fileSystem = "ext4"
  keepsHistory = false
  /** Operations so far that change something. */
  steps = 0
  trace: Array<string> = []
  onStep: ((operation: Operation, path: string) => void) | undefined = undefined
  haltAt = Number.POSITIVE_INFINITY
  onHalt: () => void = () => {}
  /** The file that was written last. */
  lastWritten: Inode | undefined
  /** Directories that somebody owns. */
  readonly owners = new Set<string>()

  /** Whoever used the device is gone; `storage` is what the next one finds. */
  succeed(storage: Storage): void {
    this.storage = storage
    this.generation++
    this.owners.clear()
    this.faults.reset()
    this.lastWritten = undefined
    this.haltAt = Number.POSITIVE_INFINITY
  }

  /**
   * Counts a step, halts for ever at the planned one, finds the fault meant for it, and then lets it happen: at once,
   * with the answer after its delay. To be called within a suspended effect. Like a system call, it cannot be interrupted. `bytes`: how many it writes into
   * the file that it `holds` meanwhile.
   */
  step<A>(
    operation: Operation,
    path: string,
    bytes: number,
    act: (fault: Fault | undefined) => Effect.Effect<A, DiskError>,
    holds?: Inode
  ): Effect.Effect<A, DiskError> {
    if (!this.begin(operation, path)) return Effect.never
    const { faults, generation } = this
    const millis = faults.delay(operation)
    faults.running++
    const answer = act(faults.next(operation, bytes))
    if (millis > 0) return Effect.andThen(this.wait(millis, generation, holds), answer)
    faults.running--
    return answer
  }

  /** Takes time, at least a turn. What was begun before is no longer under way at its end. */
  wait(millis: number, generation: number, holds?: Inode): Effect.Effect<void> {
    if (holds !== undefined) holds.writing = true
    const pause = millis === 0 ? Effect.yieldNow : Effect.sleep(Duration.millis(millis))
    const end = Effect.suspend(() => {
      if (generation !== this.generation) return Effect.never
      this.faults.running--
      if (holds !== undefined) holds.writing = false
      return Effect.void
    })
    return Effect.uninterruptible(Effect.andThen(pause, end))
  }

  /** Whether the operation takes place at all. */
  begin(operation: Operation, path: string): boolean {
    if (!isStep(operation)) return true
    if (this.steps + 1 >= this.haltAt) {
      if (this.steps + 1 === this.haltAt) {
        this.steps++
        this.onHalt()
      }
      return false
    }
    this.onStep?.(operation, path)
    this.steps++
    if (this.trace.length >= traceLines) this.trace = this.trace.slice(traceLines / 2)
    this.trace.push(`${operation} ${path}`)
    return true
  }

  /** A file changes in the page cache. */
  change(inode: Inode, change: Change): void {
    applyChange(inode.cached, change)
    inode.changes.push(change)
    this.lastWritten = inode
  }

  /** The changes up to a number wait no longer: they are durable now, or forgotten. */
  settle(inode: Inode, until: number, durably: boolean): void {
    const count = Math.max(0, until - inode.settled)
    if (count === 0) return
    if (durably && this.keepsHistory) inode.previous = inode.durable.clone()
    if (durably) for (let i = 0; i < count; i++) applyChange(inode.durable, inode.changes[i]!)
    inode.changes = count === inode.changes.length ? [] : inode.changes.slice(count)
    inode.settled += count
  }

  /** A name or an allocation is gone. */
  release(inode: Inode | undefined): void {
    if (inode !== undefined) this.free += inode.cached.length
  }
}
