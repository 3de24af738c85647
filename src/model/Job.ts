/**
 * The part of a job that transitions depend on. Payload, name and metadata are the log's business.
 *
 * @since 0.1.0
 */
import type { FailureCause } from "./FailureCause.ts"

/**
 * The six states of a job. `Scheduled` and `Ready` are both stored as waiting: a waiting job is ready once the log's
 * time has reached its `visibleAt`, and no event marks that moment. A retry is `Scheduled` with attempts > 0.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type JobState = "Scheduled" | "Ready" | "Leased" | "Completed" | "DeadLettered" | "Cancelled"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export const jobStates: ReadonlyArray<JobState> = [
  "Scheduled",
  "Ready",
  "Leased",
  "Completed",
  "DeadLettered",
  "Cancelled"
]

/**
 * A job as the transitions see it. Times are Unix milliseconds in the log's clock.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Job {
  readonly status: "Waiting" | "Leased" | "Completed" | "DeadLettered" | "Cancelled"
  readonly priority: number
  /** Not before this instant. */
  readonly visibleAt: number
  /** Earlier runs that are known to have started. The running attempt is `attempts + 1`. */
  readonly attempts: number
  /** Grants so far; never goes back, except by a redrive, which begins a new generation. */
  readonly deliveries: number
  /** 1 at enqueue, one more with each replacement and redrive. */
  readonly generation: number
  /** Fencing token of the latest grant, 0 before the first. It survives the end of the grant. */
  readonly token: number
  /** Holder of the lease; on a cancelled job the holder that has not confirmed yet. */
  readonly session: string | undefined
  /** The running attempt is known to have started. */
  readonly started: boolean
  readonly maxAttempts: number
  readonly maxDeliveries: number
  /** The whole job's last instant. */
  readonly deadline: number | undefined
  /** When the job reached a terminal state. */
  readonly finishedAt: number | undefined
  /** Why the latest attempt failed, or why the job is dead. */
  readonly cause: FailureCause | undefined
}

/**
 * The state of a job at an instant.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const stateAt = (job: Job, now: number): JobState => {
  if (job.status !== "Waiting") return job.status
  return job.visibleAt <= now ? "Ready" : "Scheduled"
}

/**
 * Default delivery bound for a number of attempts.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const defaultMaxDeliveries = (maxAttempts: number): number => 2 * maxAttempts + 3
