/**
 * What can be asked of one job.
 *
 * @since 0.1.0
 */
import type { FailureCause } from "./FailureCause.ts"

/**
 * The limits and times that a new job starts with.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface NewJob {
  readonly priority: number
  readonly visibleAt: number
  readonly maxAttempts: number
  readonly maxDeliveries: number
  readonly deadline: number | undefined
}

/**
 * A command. Those with a `session` and a `token` come from a grant's holder and are fenced.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Command =
  | { readonly _tag: "Enqueue"; readonly job: NewJob }
  | { readonly _tag: "Replace"; readonly job: NewJob }
  | { readonly _tag: "Claim"; readonly session: string; readonly token: number }
  | { readonly _tag: "MarkStarted"; readonly session: string; readonly token: number }
  | { readonly _tag: "Complete"; readonly session: string; readonly token: number }
  | {
      readonly _tag: "Retry"
      readonly session: string
      readonly token: number
      readonly visibleAt: number
      readonly cause: FailureCause
    }
  | {
      readonly _tag: "Release"
      readonly session: string
      readonly token: number
      readonly visibleAt: number
      readonly cause: FailureCause | undefined
    }
  | { readonly _tag: "DeadLetter"; readonly session: string; readonly token: number; readonly cause: FailureCause }
  | { readonly _tag: "Reclaim" }
  | { readonly _tag: "Expire" }
  | { readonly _tag: "Cancel" }
  | { readonly _tag: "Redrive" }
  | { readonly _tag: "Reschedule"; readonly visibleAt: number | undefined; readonly priority: number | undefined }
  | { readonly _tag: "Purge" }

/**
 * What a decision depends on besides the job itself.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface CommandContext {
  /** Unix milliseconds in the log's clock. */
  readonly now: number
  /** The command's session, or for `Reclaim` the holder's, is open and not expired. */
  readonly sessionLive: boolean
  /** The job's queue is paused. */
  readonly paused: boolean
  /** The job has no group, or stands at its group's head while the group has a free permit. */
  readonly permit: boolean
  /** The job's idempotency key is not held by another job (or it has none). */
  readonly keyFree: boolean
  /** For `Enqueue` on a known id: the new request has the same bytes as the first. */
  readonly sameRequest: boolean
}
