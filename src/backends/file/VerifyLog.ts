/**
 * Checks a log's directory down to its records, without changing anything in it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { LogError } from "../../log/LogError.ts"
import type { Disk } from "./journal/Disk.ts"
import { formerHolders } from "./Engine.ts"
import { JobStore } from "./JobStore.ts"
import { Status } from "./JobTable.ts"
import { Replay } from "./Replay.ts"
import { verifyDirectory as verifyJournal, type VerifyReport } from "./journal/VerifyJournal.ts"

/**
 * What a log's directory holds. `damage` also tells of records that do not follow from those before them.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface LogReport extends VerifyReport {
  /** Jobs by status, over all queues. */
  readonly jobs: {
    readonly waiting: number
    readonly leased: number
    readonly completed: number
    readonly deadLettered: number
    readonly cancelled: number
  }
}

/**
 * Reads and replays the whole log in a directory, beside a live owner too. Fails with `Unavailable` if it cannot be read.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const verifyDirectory: (disk: Disk, directory: string) => Effect.Effect<LogReport, LogError> = Effect.fnUntraced(
  function* (disk, directory) {
    const store = new JobStore(formerHolders(() => replay.epoch))
    const replay: Replay = new Replay(store)
    const report = yield* verifyJournal(disk, directory, replay.onFrame)
    const count = (status: number): number => {
      let sum = 0
      for (const queue of store.queues.values()) sum += queue.counts[status]!
      return sum
    }
    return {
      ...report,
      jobs: {
        waiting: count(Status.Waiting),
        leased: count(Status.Leased),
        completed: count(Status.Completed),
        deadLettered: count(Status.DeadLettered),
        cancelled: count(Status.Cancelled)
      }
    }
  }
)
