/**
 * Settle: the decisions that end grants, and the answers.
 *
 * @since 0.1.0
 */
import type { FailureCause } from "../model/FailureCause.ts"
import type { JobState } from "../model/Job.ts"
import type { EnqueueItem, EnqueueResult } from "./Enqueue.ts"
import type { SessionCall } from "./Session.ts"

/**
 * The one decision that ends a grant.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Settlement =
  | {
      readonly _tag: "Complete"
      /** Encoded result. */
      readonly result?: string | undefined
      /** Follow-up jobs, enqueued in the same atomic step. */
      readonly enqueue?: ReadonlyArray<EnqueueItem> | undefined
    }
  /** `delay`: milliseconds of back-off in the log's clock. */
  | { readonly _tag: "Retry"; readonly delay: number; readonly cause: FailureCause }
  | { readonly _tag: "Release"; readonly delay?: number | undefined; readonly cause?: FailureCause | undefined }
  | { readonly _tag: "DeadLetter"; readonly cause: FailureCause }

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface SettleItem {
  readonly id: string
  readonly token: bigint
  readonly receipt: string
  readonly settlement: Settlement
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface SettleRequest extends SessionCall {
  readonly items: ReadonlyArray<SettleItem>
}

/**
 * The answer for one settlement.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type SettleResult =
  | {
      readonly _tag: "Settled"
      /** Where the job stands now. */
      readonly state: JobState
      /** Answers for the follow-up jobs. */
      readonly enqueued?: ReadonlyArray<EnqueueResult> | undefined
    }
  | {
      readonly _tag: "Refused"
      readonly reason: "stale" | "cancelled" | "completed" | "invalidFollowUp"
      readonly detail?: string | undefined
    }
  /** A broker that cannot verify the grant took it anyway (capability `fence: "advisory"`). */
  | { readonly _tag: "Unverified" }
