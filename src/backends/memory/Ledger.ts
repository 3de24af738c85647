/**
 * All jobs in enqueue order, for pages of a listing.
 *
 * @since 0.1.0
 */
import type { JobRecord } from "./JobRecord.ts"

/**
 * An array by ascending sequence with gaps where jobs were removed, closed up once they are the greater part.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Ledger {
  private slots: Array<{ readonly sequence: number; record: JobRecord | undefined }> = []
  private live = 0

  /** The record's sequence is greater than all before. */
  add(record: JobRecord): void {
    this.slots.push({ sequence: record.sequence, record })
    this.live += 1
  }

  remove(record: JobRecord): void {
    const slot = this.slots[this.indexAfter(record.sequence - 1)]
    if (slot?.record !== record) return
    slot.record = undefined
    this.live -= 1
    if (this.slots.length > 64 && this.slots.length > 2 * this.live) {
      this.slots = this.slots.filter((kept) => kept.record !== undefined)
    }
  }

  /** The jobs after a sequence. */
  *after(sequence: number): Generator<JobRecord> {
    for (let i = this.indexAfter(sequence); i < this.slots.length; i++) {
      const record = this.slots[i]?.record
      if (record !== undefined) yield record
    }
  }

  private indexAfter(sequence: number): number {
    let low = 0
    let high = this.slots.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.slots[middle]?.sequence ?? 0) > sequence) high = middle
      else low = middle + 1
    }
    return low
  }
}
