/**
 * One queue: its policy, its waiting jobs, the finished ones it keeps, and who waits for news of it.
 *
 * @since 0.1.0
 */
import type { QueuePolicy } from "../../log/JobLog.ts"
import type { JobRecord } from "./JobRecord.ts"
import { Line } from "./Line.ts"

/**
 * A policy without gaps.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface FullPolicy {
  readonly groupConcurrency: number
  readonly groupOnRetry: "block" | "stepAside"
  readonly maxBacklog: number
  readonly retainCompleted: number
  readonly retainCompletedCount: number
}

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const defaultPolicy: FullPolicy = {
  groupConcurrency: 1,
  groupOnRetry: "block",
  maxBacklog: Number.POSITIVE_INFINITY,
  retainCompleted: 3_600_000,
  retainCompletedCount: 10_000
}

/**
 * A policy changed in the parts that are given.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const withPolicy = (base: FullPolicy, change: QueuePolicy): FullPolicy => ({
  groupConcurrency: change.groupConcurrency ?? base.groupConcurrency,
  groupOnRetry: change.groupOnRetry ?? base.groupOnRetry,
  maxBacklog: change.maxBacklog === "unlimited" ? Number.POSITIVE_INFINITY : (change.maxBacklog ?? base.maxBacklog),
  retainCompleted: change.retainCompleted ?? base.retainCompleted,
  retainCompletedCount: change.retainCompletedCount ?? base.retainCompletedCount
})

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class QueueState {
  readonly name: string
  readonly line: Line
  policy: FullPolicy
  /** An operator has given this queue a policy of its own. */
  configured = false
  paused = false
  /** Waiting jobs, visible or not. */
  waiting = 0
  /** Jobs with a record, whatever their state. */
  jobs = 0
  /** Counts the moments at which something may have become claimable: the cursor of an empty claim. */
  version = 0
  /** Called once, at the next of these moments. */
  readonly waiters = new Set<() => void>()
  /** Completed and cancelled jobs nobody holds, in the order they ended. */
  readonly finished = new Set<JobRecord>()

  constructor(name: string, policy: FullPolicy) {
    this.name = name
    this.policy = policy
    this.line = new Line(policy)
  }

  /** Finished jobs that the policy no longer keeps. */
  *outdated(now: number): Generator<JobRecord> {
    for (const record of this.finished) {
      const end = (record.job.finishedAt ?? now) + this.policy.retainCompleted
      if (this.finished.size <= this.policy.retainCompletedCount && end > now) return
      yield record
    }
  }
}
