/**
 * Where this process's claims from each queue and priority have ended, so that the next one need not step over what was
 * claimed before. Hints only: the log itself looks behind them now and then, and before it calls a queue empty.
 *
 * @since 0.1.0
 */
import type * as PgTypes from "@effect/sql-pg/PgTypes"
import type { Grant } from "../../log/JobLog.ts"
import { bigints } from "./Parameters.ts"
import { fromReceipt } from "./Rows.ts"

/** More priorities than a queue has in earnest; beyond it the oldest marks go. */
const most = 64

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Marks {
  private readonly queues = new Map<string, Map<number, bigint>>()

  /** The queue's marks: priorities followed by as many numbers of jobs. */
  of(queue: string): PgTypes.Parameter {
    const marks = this.queues.get(queue)
    return bigints(marks === undefined ? [] : [...Array.from(marks.keys(), BigInt), ...marks.values()])
  }

  /** Learns from the grants of a claim; an empty one takes all back. */
  follow(queue: string, grants: ReadonlyArray<Grant>): void {
    if (grants.length === 0) {
      this.queues.delete(queue)
      return
    }
    const marks = this.queues.get(queue) ?? new Map<number, bigint>()
    // whoever was granted before stands where it always stood, behind jobs that have yet to be claimed
    const fresh = grants.filter(({ delivery }) => delivery === 1)
    for (const [at, { id, priority, receipt }] of fresh.entries()) {
      // of one priority they come in order
      if (fresh[at + 1]?.priority === priority) continue
      marks.delete(priority)
      marks.set(priority, BigInt(fromReceipt(receipt, id) ?? 0))
    }
    for (const oldest of marks.keys()) {
      if (marks.size <= most) break
      marks.delete(oldest)
    }
    this.queues.set(queue, marks)
  }
}
