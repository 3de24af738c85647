/**
 * The faults that a simulated disk can be told to have, one by one or by chance.
 *
 * @since 0.1.0
 */

/**
 * Operations that faults can be planned for; `open` creates a file, `openExisting` does not.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Operation =
  | "open"
  | "openExisting"
  | "write"
  | "read"
  | "datasync"
  | "sync"
  | "truncate"
  | "rename"
  | "remove"
  | "syncDirectory"
  | "list"

/**
 * What a failed sync does to the file's dirty pages. `keep`: they stay dirty. `forget`: they are clean now, so the
 * cache shows bytes that the disk does not hold. `revert`: the cache shows the disk's bytes again.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type DirtyPages = "keep" | "forget" | "revert"

/**
 * Fails the `nth` call (1-based) of an operation from now on, or all from the nth on.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Fault {
  readonly operation: Operation
  readonly nth: number
  readonly code: string
  readonly forever?: boolean | undefined
  /** Bytes of the write that still reach the page cache. Default: none. */
  readonly written?: number | undefined
  /** Default `forget`. */
  readonly dirtyPages?: DirtyPages | undefined
}

/**
 * Kinds of faults, as they are counted.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type FaultKind =
  /** An operation failed. */
  | "error"
  /** An operation failed because the device is broken for good. */
  | "errorForever"
  | "noSpace"
  /** A write took a part of its bytes and failed. */
  | "shortWrite"
  /** A sync failed; the kind says what became of the dirty pages. */
  | "failedSyncKeep"
  | "failedSyncForget"
  | "failedSyncRevert"
  /** An operation took seconds. */
  | "stall"
  /** A crash lost unsynced bytes, tore a write, kept a later piece without an earlier one, or lost a name. */
  | "lostWrite"
  | "tornWrite"
  | "reordered"
  | "lostName"
  /** Durable bytes changed by themselves. */
  | "bitFlip"
  | "zeroSector"
  | "staleSector"
  | "cutFile"

/**
 * How often a kind of fault fired, and how often of that while an operation was in flight.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface FaultCount {
  readonly fired: number
  readonly inFlight: number
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type FaultCounts = Readonly<Partial<Record<FaultKind, FaultCount>>>

/**
 * From and to, milliseconds.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Range = readonly [from: number, to: number]

/**
 * What a disk does by chance. All probabilities are per operation that the fault can happen to; left out means never.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Chances {
  /** Virtual milliseconds that a sync takes, mostly near the lower end. Default: none. */
  readonly syncLatency?: Range | undefined
  /** The same of any other operation. */
  readonly latency?: Range | undefined
  /** Probability that an operation takes `stallMillis` longer. */
  readonly stall?: number | undefined
  /** Default 1 to 10 seconds. */
  readonly stallMillis?: Range | undefined
  /** Fails once with EIO, a sync or write as well as any other operation. */
  readonly error?: number | undefined
  /** EIO for this and every later operation that changes something, until a crash. */
  readonly errorForever?: number | undefined
  /** A write fails with ENOSPC after a part of its bytes. */
  readonly noSpace?: number | undefined
  /** A write fails with SHORT_WRITE after a part of its bytes. */
  readonly shortWrite?: number | undefined
  /** What a failed sync may do to dirty pages; default all three. */
  readonly dirtyPages?: ReadonlyArray<DirtyPages> | undefined
}
