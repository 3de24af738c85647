/**
 * Enqueue: jobs as producers send them, and the answers.
 *
 * @since 0.1.0
 */
import type { JobState } from "../model/Job.ts"

/**
 * Where a job's producer stood in its trace (W3 trace context), to link the run to it.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface TraceContext {
  readonly traceId: string
  readonly spanId: string
  readonly sampled: boolean
}

/**
 * De-duplicates enqueues of one (queue, job name, key).
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface IdempotencyKey {
  readonly value: string
  /** Milliseconds for which the key outlives the job's completion. */
  readonly window: number
  /** `keep` answers `Duplicate`; `replace` replaces a job that was never granted, else answers `Duplicate`. */
  readonly onConflict?: "keep" | "replace" | undefined
}

/**
 * A job to enqueue. Left-out options take the log's defaults. Times are Unix milliseconds in the log's clock,
 * durations are milliseconds.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface EnqueueItem {
  /** Made by the client before sending, so that a repeated call is recognised: a UUID in lower case. */
  readonly id: string
  readonly queue: string
  readonly name: string
  /** Version of the payload's schema. */
  readonly version: number
  /** Encoded payload, usually JSON. */
  readonly payload: string
  /** Lower runs sooner; default 0. */
  readonly priority?: number | undefined
  /** Not before this much later. */
  readonly delay?: number | undefined
  /** Not before this instant; excludes `delay`. */
  readonly at?: number | undefined
  /** Default 10. */
  readonly maxAttempts?: number | undefined
  /** Default `2 * maxAttempts + 3`. */
  readonly maxDeliveries?: number | undefined
  /** The lease the job asks for: schedulers claim it in a session of at least this length. */
  readonly leaseDuration?: number | undefined
  /** Per attempt, measured by the worker. */
  readonly timeout?: number | undefined
  /** The whole job's last instant. */
  readonly deadline?: number | undefined
  readonly group?: string | undefined
  readonly key?: IdempotencyKey | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly trace?: TraceContext | undefined
}

/**
 * The answer for one enqueued item; never silently nothing.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type EnqueueResult =
  | { readonly _tag: "Inserted"; readonly id: string }
  | {
      /** The key is held by an earlier job. */
      readonly _tag: "Duplicate"
      /** The earlier job's id. */
      readonly id: string
      readonly state: JobState
      /** Its encoded result, once it is completed. */
      readonly result?: string | undefined
      /** It completed inside the window, but its result is no longer stored. */
      readonly resultGone?: boolean | undefined
    }
  | { readonly _tag: "Replaced"; readonly id: string }
  | { readonly _tag: "Refused"; readonly id: string; readonly reason: "idConflict" }
