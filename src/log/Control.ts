/**
 * Control: operators' commands and queue policies.
 *
 * @since 0.1.0
 */

/**
 * A queue's durable policy. Left-out parts keep their value.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface QueuePolicy {
  /** Jobs of one group in flight; default 1. */
  readonly groupConcurrency?: number | undefined
  /** What a group does while its head backs off; default `block`. */
  readonly groupOnRetry?: "block" | "stepAside" | undefined
  /** Waiting jobs; enqueue answers `Full` beyond it. Default `unlimited`, which also takes a former bound back. */
  readonly maxBacklog?: number | "unlimited" | undefined
  /** How long completed and cancelled records are kept, milliseconds; default one hour. */
  readonly retainCompleted?: number | undefined
  /** How many completed and cancelled records are kept at most; default 10,000. */
  readonly retainCompletedCount?: number | undefined
}

/**
 * An operator's command.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type ControlCommand =
  | { readonly _tag: "Cancel"; readonly id: string }
  | { readonly _tag: "Pause"; readonly queue: string }
  | { readonly _tag: "Resume"; readonly queue: string }
  | { readonly _tag: "Redrive"; readonly id: string }
  | {
      readonly _tag: "Reschedule"
      readonly id: string
      readonly at?: number | undefined
      readonly delay?: number | undefined
      readonly priority?: number | undefined
    }
  /** Removes a terminal job's record; its idempotency key stays for its window. */
  | { readonly _tag: "Purge"; readonly id: string }
  | { readonly _tag: "Configure"; readonly queue: string; readonly policy: QueuePolicy }

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type ControlResult =
  | { readonly _tag: "Done" }
  | {
      readonly _tag: "Refused"
      readonly reason:
        | "unknownJob"
        | "leased"
        | "completed"
        | "cancelled"
        | "deadLettered"
        | "notTerminal"
        | "notDeadLettered"
        | "keyHeld"
      /** For `keyHeld`: the job that holds the key. */
      readonly holder?: string | undefined
    }
