/**
 * Read: how jobs and queues are shown, and how to be told of changes.
 *
 * @since 0.1.0
 */
import type { FailureCause } from "../model/FailureCause.ts"
import type { JobState } from "../model/Job.ts"

/**
 * A job as it is shown to people.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JobView {
  readonly id: string
  readonly queue: string
  readonly name: string
  readonly version: number
  readonly state: JobState
  readonly priority: number
  readonly payload: string
  readonly sequence: number
  readonly generation: number
  /** Runs known to have started. */
  readonly attempts: number
  readonly maxAttempts: number
  readonly deliveries: number
  readonly maxDeliveries: number
  readonly enqueuedAt: number
  readonly visibleAt: number
  readonly finishedAt?: number | undefined
  readonly deadline?: number | undefined
  readonly leaseDuration?: number | undefined
  readonly timeout?: number | undefined
  readonly group?: string | undefined
  readonly key?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** Latest failure, or why the job is a dead letter. */
  readonly cause?: FailureCause | undefined
  readonly result?: string | undefined
  readonly progress?: string | undefined
  /** Token and session of the current grant. */
  readonly token?: bigint | undefined
  readonly session?: string | undefined
  /** The queue is paused. */
  readonly paused?: boolean | undefined
  /** Another job holds this dead letter's key, so a redrive would be refused. */
  readonly keyHeldBy?: string | undefined
}

/**
 * Counts of one queue.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface QueueCounts {
  readonly queue: string
  readonly paused: boolean
  readonly scheduled: number
  readonly ready: number
  readonly leased: number
  readonly completed: number
  readonly deadLettered: number
  readonly cancelled: number
  /** Since when the first ready job has been claimable, Unix milliseconds; undefined when none is ready. */
  readonly oldestReadySince: number | undefined
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type ReadQuery =
  /** All queues, or one. */
  | { readonly _tag: "Counts"; readonly queue?: string | undefined }
  /**
   * In enqueue order, from after the cursor of the previous page. A page may end before its limit, for instance where
   * the jobs are large: only the absence of `next` says that there are no more.
   */
  | {
      readonly _tag: "Jobs"
      readonly queue?: string | undefined
      readonly state?: JobState | undefined
      readonly name?: string | undefined
      readonly after?: string | undefined
      readonly limit: number
    }
  | { readonly _tag: "Job"; readonly id: string }

/**
 * The answer to a query, with the query's tag.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type ReadAnswer =
  | { readonly _tag: "Counts"; readonly now: number; readonly queues: ReadonlyArray<QueueCounts> }
  | {
      readonly _tag: "Jobs"
      readonly now: number
      readonly jobs: ReadonlyArray<JobView>
      /** Present when there may be more. */
      readonly next: string | undefined
    }
  | { readonly _tag: "Job"; readonly now: number; readonly job: JobView | undefined }

/**
 * What to be told about.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type ChangesRequest =
  /** Something may be claimable in the queue since the cursor of an empty claim. */
  | { readonly _tag: "Queue"; readonly queue: string; readonly cursor: string }
  /** The job may be terminal. */
  | { readonly _tag: "Job"; readonly id: string }
