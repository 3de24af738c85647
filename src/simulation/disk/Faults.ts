/**
 * Which operations of a simulated disk fail and how long they take, planned and by chance, and what fired how often.
 *
 * @since 0.1.0
 */
import type { Chances, Fault, FaultCounts, FaultKind, Operation } from "./DiskFault.ts"

/** The fault's kind, for the counters. */
const kindOf = (fault: Fault): FaultKind => {
  if (fault.operation === "datasync" || fault.operation === "sync") {
    const pages = fault.dirtyPages ?? "forget"
    return pages === "keep" ? "failedSyncKeep" : pages === "revert" ? "failedSyncRevert" : "failedSyncForget"
  }
  if (fault.operation !== "write") return "error"
  if (fault.code === "ENOSPC" || fault.code === "EDQUOT") return "noSpace"
  return fault.code === "SHORT_WRITE" ? "shortWrite" : "error"
}

/**
 * Decides which operations fail and how long they take, and counts it.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Faults {
  readonly #counts = new Map<FaultKind, { fired: number; inFlight: number }>()
  #planned: Array<Fault & { seen: number }> = []
  #random: () => number = () => 0
  #chances: Chances = {}
  #broken = false
  /** Disk operations that were begun and have not answered. */
  running = 0
  /** Whether an operation is in flight, for the counters. */
  inFlight: () => boolean = () => this.running > 0

  plan(fault: Fault): void {
    this.#planned.push({ ...fault, seen: 0 })
  }

  behave(random: () => number, chances: Chances): void {
    this.#random = random
    this.#chances = chances
  }

  /** What was planned is over, and the device sound. */
  mend(): void {
    this.#planned = []
    this.#broken = false
  }

  /** After a crash: what happens by chance goes on, on a sound device. */
  reset(): void {
    this.mend()
    this.running = 0
  }

  /** Takes over the counters and the chances of the disk that this one comes from. */
  inherit(other: Faults): void {
    for (const [kind, { fired, inFlight }] of other.#counts) this.#counts.set(kind, { fired, inFlight })
    this.#random = other.#random
    this.#chances = other.#chances
  }

  count(kind: FaultKind, times = 1): void {
    if (times === 0) return
    let count = this.#counts.get(kind)
    if (count === undefined) {
      count = { fired: 0, inFlight: 0 }
      this.#counts.set(kind, count)
    }
    count.fired += times
    if (this.inFlight()) count.inFlight += times
  }

  counts(): FaultCounts {
    return Object.fromEntries([...this.#counts].map(([kind, count]) => [kind, { ...count }]))
  }

  /** The fault of this call of an operation that writes so many bytes, counted. */
  next(operation: Operation, bytes: number): Fault | undefined {
    let found: Fault | undefined
    for (const fault of this.#planned) {
      if (fault.operation !== operation) continue
      fault.seen++
      if (fault.seen === fault.nth || (fault.forever === true && fault.seen > fault.nth)) found ??= fault
    }
    if (found !== undefined) {
      this.count(kindOf(found))
      return found
    }
    return this.#byChance(operation, bytes)
  }

  #byChance(operation: Operation, bytes: number): Fault | undefined {
    const { error = 0, errorForever = 0, noSpace = 0, shortWrite = 0 } = this.#chances
    const changes = operation !== "read" && operation !== "list" && operation !== "openExisting"
    if (changes && this.#draw(errorForever)) this.#broken = true
    if (changes && this.#broken) {
      this.count("errorForever")
      return this.#fault(operation, "EIO", 0)
    }
    let fault: Fault | undefined
    if (operation === "write") {
      if (this.#draw(noSpace)) fault = this.#fault(operation, "ENOSPC", bytes)
      else if (this.#draw(shortWrite)) fault = this.#fault(operation, "SHORT_WRITE", bytes)
    }
    if (fault === undefined && this.#draw(error)) fault = this.#fault(operation, "EIO", bytes)
    if (fault !== undefined) this.count(kindOf(fault))
    return fault
  }

  #fault(operation: Operation, code: string, bytes: number): Fault {
    const pages = this.#chances.dirtyPages ?? (["keep", "forget", "revert"] as const)
    const isSync = operation === "datasync" || operation === "sync"
    return {
      operation,
      nth: 1,
      code,
      written: bytes === 0 ? 0 : Math.floor(this.#random() * bytes),
      dirtyPages: isSync ? pages[Math.floor(this.#random() * pages.length)] : undefined
    }
  }

  /** Virtual milliseconds that the operation takes. */
  delay(operation: Operation): number {
    const { latency, stall = 0, stallMillis = [1_000, 10_000], syncLatency } = this.#chances
    const isSync = operation === "datasync" || operation === "sync" || operation === "syncDirectory"
    const range = isSync ? syncLatency : latency
    let millis = range === undefined ? 0 : range[0] + (range[1] - range[0]) * this.#random() ** 4
    if (this.#draw(stall)) {
      this.count("stall")
      millis += stallMillis[0] + (stallMillis[1] - stallMillis[0]) * this.#random()
    }
    return millis
  }

  /** Draws nothing for what never happens, so that a fault left out leaves the others where they were. */
  #draw(probability: number): boolean {
    return probability > 0 && this.#random() < probability
  }
}
