/**
 * The claimable jobs of one queue and priority, in order of their sequence.
 *
 * New jobs come in that order and stand in a plain line; those that come back (a retry, a release, a delay that has
 * passed) keep their sequence and stand in a small heap. Entries are dropped lazily: whoever pops one checks that its
 * row still belongs here.
 *
 * @since 0.1.0
 */
import { RowFifo } from "./RowFifo.ts"
import { RowHeap } from "./RowHeap.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Lane {
  readonly priority: number
  readonly fifo = new RowFifo()
  readonly returned = new RowHeap()
  /** Highest sequence that ever stood in the line. */
  #last = -1
  /** The lane stands in its queue's list of lanes that may hold something. */
  active = false

  constructor(priority: number) {
    this.priority = priority
  }

  get size(): number {
    return this.fifo.size + this.returned.size
  }

  push(sequence: number, row: number): void {
    if (sequence > this.#last) {
      this.#last = sequence
      this.fifo.push(row)
    } else {
      this.returned.push(sequence, row)
    }
  }

  /** Takes the entry of the lowest sequence away. Only while `size > 0`. */
  pop(sequenceOf: (row: number) => number): number {
    if (this.returned.size === 0) return this.fifo.shift()
    if (this.fifo.size === 0) return this.returned.pop()
    return sequenceOf(this.fifo.peek()) < this.returned.topKey ? this.fifo.shift() : this.returned.pop()
  }
}
