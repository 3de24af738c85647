/**
 * All jobs of a file log as columns: no object per job, so that a million jobs cost tens of megabytes and the garbage
 * collector never looks at them.
 *
 * @since 0.1.0
 */
import { formatJobId } from "./JobId.ts"

/**
 * Values of the `status` column.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const Status = { Free: 0, Waiting: 1, Leased: 2, Completed: 3, DeadLettered: 4, Cancelled: 5 } as const

/**
 * The model's word for each value of the `status` column.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const statusNames = ["Free", "Waiting", "Leased", "Completed", "DeadLettered", "Cancelled"] as const

/**
 * Bits of the `flags` column; those from `Key` on say that a side table has something about the row.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const Flag = {
  /** The running attempt is known to have started. */
  Started: 1,
  /** The row stands in the lane of its priority. */
  InLane: 2,
  /** The row waits for its `visibleAt` among the delays. */
  Delayed: 4,
  /** The row stands in its group's line. */
  InLine: 8,
  Key: 16,
  Group: 32,
  Deadline: 64,
  Cause: 128,
  Result: 256,
  Progress: 512,
  /** The job was granted at least once. */
  Granted: 1024
} as const

/**
 * No slot of the grant table.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const noSlot = 0xffff_ffff

const chunkBits = 12
/**
 * Rows of one chunk.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const chunkRows = 1 << chunkBits
const rowMask = chunkRows - 1
const bytesPerRow = 61

/**
 * The columns of 16,384 rows, in one allocation.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class JobChunk {
  readonly sequence: Float64Array
  /** Not before this instant. */
  readonly visibleAt: Float64Array
  /** Four words per row. */
  readonly id: Int32Array
  /** Where the job's request is stored: segment, offset and length of its bytes. */
  readonly segment: Uint32Array
  readonly offset: Uint32Array
  readonly length: Uint32Array
  readonly profile: Uint32Array
  /** Row of the grant table, once the job was granted, replaced or ended; on a free row the next free row. */
  readonly slot: Uint32Array
  readonly flags: Uint16Array
  /** Mentions of the row in lanes, heaps and rings. It is used again only when there is none. */
  readonly mentions: Uint8Array
  readonly priority: Int16Array
  readonly status: Uint8Array

  constructor() {
    const buffer = new ArrayBuffer(bytesPerRow * chunkRows)
    let at = 0
    const take = (bytes: number): number => {
      const start = at
      at += bytes * chunkRows
      return start
    }
    this.sequence = new Float64Array(buffer, take(8), chunkRows)
    this.visibleAt = new Float64Array(buffer, take(8), chunkRows)
    this.id = new Int32Array(buffer, take(16), chunkRows * 4)
    this.segment = new Uint32Array(buffer, take(4), chunkRows)
    this.offset = new Uint32Array(buffer, take(4), chunkRows)
    this.length = new Uint32Array(buffer, take(4), chunkRows)
    this.profile = new Uint32Array(buffer, take(4), chunkRows)
    this.slot = new Uint32Array(buffer, take(4), chunkRows)
    this.flags = new Uint16Array(buffer, take(2), chunkRows)
    this.priority = new Int16Array(buffer, take(2), chunkRows)
    this.status = new Uint8Array(buffer, take(1), chunkRows)
    this.mentions = new Uint8Array(buffer, take(1), chunkRows)
  }
}

/**
 * Rows by number. A row is found with `chunk(row)` and `index(row)`.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class JobTable {
  readonly chunks: Array<JobChunk> = []
  /** Rows in use. */
  rows = 0
  #free = noSlot
  #next = 0

  chunk(row: number): JobChunk {
    return this.chunks[row >>> chunkBits]!
  }

  index(row: number): number {
    return row & rowMask
  }

  /** A row with all columns zero but those of its status, which is waiting. */
  allocate(): number {
    this.rows++
    const row = this.#free
    if (row !== noSlot) {
      const chunk = this.chunk(row)
      const i = row & rowMask
      this.#free = chunk.slot[i]!
      chunk.flags[i] = 0
      chunk.slot[i] = noSlot
      chunk.status[i] = Status.Waiting
      return row
    }
    const next = this.#next++
    if (next >>> chunkBits === this.chunks.length) this.chunks.push(new JobChunk())
    const chunk = this.chunk(next)
    chunk.slot[next & rowMask] = noSlot
    chunk.status[next & rowMask] = Status.Waiting
    return next
  }

  /** Gives a row up. It is used again once nothing mentions it. */
  free(row: number): void {
    this.rows--
    const chunk = this.chunk(row)
    const i = row & rowMask
    chunk.status[i] = Status.Free
    if (chunk.mentions[i] === 0) this.#recycle(chunk, i, row)
  }

  mention(row: number): void {
    const mentions = this.chunk(row).mentions
    const count = mentions[row & rowMask]!
    // a row that was mentioned so often stays mentioned for ever: it is lost, which is cheaper than a wider column
    if (count < 0xff) mentions[row & rowMask] = count + 1
  }

  unmention(row: number): void {
    const chunk = this.chunk(row)
    const i = row & rowMask
    const count = chunk.mentions[i]!
    if (count === 0xff) return
    if (count === 0) throw new Error("leasehold: a row that nothing mentions was given up")
    chunk.mentions[i] = count - 1
    if (count === 1 && chunk.status[i] === Status.Free) this.#recycle(chunk, i, row)
  }

  #recycle(chunk: JobChunk, i: number, row: number): void {
    chunk.slot[i] = this.#free
    this.#free = row
  }

  /** The row's job id. */
  idOf(row: number): string {
    const id = this.chunk(row).id
    const at = (row & rowMask) * 4
    return formatJobId(id[at]!, id[at + 1]!, id[at + 2]!, id[at + 3]!)
  }

  /** Rows that were ever used: `0` to this, exclusive. */
  get extent(): number {
    return this.#next
  }
}
