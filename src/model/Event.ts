/**
 * What happened to one job. A log stores events; `apply` folds them.
 *
 * @since 0.1.0
 */
import type { NewJob } from "./Command.ts"
import type { FailureCause } from "./FailureCause.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Event =
  | { readonly _tag: "Enqueued"; readonly job: NewJob }
  | { readonly _tag: "Replaced"; readonly job: NewJob }
  | { readonly _tag: "Granted"; readonly session: string; readonly token: number }
  | { readonly _tag: "Started" }
  | { readonly _tag: "Completed"; readonly at: number }
  | { readonly _tag: "Retried"; readonly visibleAt: number; readonly cause: FailureCause }
  | { readonly _tag: "Released"; readonly visibleAt: number; readonly cause: FailureCause | undefined }
  | { readonly _tag: "Reclaimed" }
  | {
      readonly _tag: "DeadLettered"
      readonly at: number
      readonly cause: FailureCause
      /** The ended attempt had started, so it counts. */
      readonly counted: boolean
    }
  | { readonly _tag: "Cancelled"; readonly at: number }
  | { readonly _tag: "CancelConfirmed" }
  | { readonly _tag: "Redriven"; readonly visibleAt: number }
  | { readonly _tag: "Rescheduled"; readonly visibleAt: number; readonly priority: number }
  | { readonly _tag: "Purged" }
