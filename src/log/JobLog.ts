/**
 * The job log: the one narrow port through which everything that must survive a crash goes.
 *
 * All operations are batched and carry encoded values only. Any operation ends in one of three ways: it succeeds, it
 * fails as *refused* (provably no effect) or it fails as *unknown* (it may have happened once); see
 * {@link LogError}. Each operation lists its duties; the property suite checks each under the name given.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { FailureCause } from "../model/FailureCause.ts"
import type { JobState } from "../model/Job.ts"
import type { Capabilities } from "./Capabilities.ts"
import type { LogError } from "./LogError.ts"

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

/**
 * An open session: one running scheduler's standing with the log. It holds the lease of everything it claimed.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Session {
  readonly id: string
  readonly leaseDuration: number
  /** The log's time at the answer. */
  readonly now: number
  readonly expiresAt: number
}

/**
 * A mutating call of a session is numbered, so that repeating it after an unknown outcome returns the first answer.
 * Numbers of one session increase by one with each new call.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface SessionCall {
  readonly session: string
  readonly call: number
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ClaimRequest extends SessionCall {
  readonly queue: string
  /** At most this many grants. */
  readonly limit: number
  /** Wait inside the log until something is claimable (capability `parkedClaims`; others answer at once). */
  readonly park?: boolean | undefined
  /** Only jobs of these names (capability `nameFilter`). */
  readonly names?: ReadonlyArray<string> | undefined
}

/**
 * One claimed job.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Grant {
  readonly id: string
  readonly queue: string
  readonly name: string
  readonly version: number
  readonly payload: string
  readonly priority: number
  /** 1-based: earlier runs known to have started, plus one. */
  readonly attempt: number
  /** 1-based count of grants. */
  readonly delivery: number
  readonly maxAttempts: number
  readonly generation: number
  readonly enqueuedAt: number
  /** When the job became claimable. */
  readonly readySince: number
  readonly leaseDuration: number | undefined
  readonly timeout: number | undefined
  readonly deadline: number | undefined
  readonly group: string | undefined
  readonly metadata: Readonly<Record<string, string>> | undefined
  readonly trace: TraceContext | undefined
  /** Strictly increasing fencing token. */
  readonly token: bigint
  /** The log's own handle, to be echoed on settle. */
  readonly receipt: string
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ClaimResult {
  /** In claim order. */
  readonly grants: ReadonlyArray<Grant>
  /** Hand to `changes` to wait for anything newer. */
  readonly cursor: string
  /** The next instant worth waking for: the earliest delay, retry or lease expiry. */
  readonly nextAt: number | undefined
  readonly now: number
}

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

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface RenewRequest extends SessionCall {
  /** Tokens of runs that have started since the last renewal and still run. */
  readonly started: ReadonlyArray<bigint>
  readonly progress: ReadonlyArray<{ readonly token: bigint; readonly value: string }>
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface RenewResult {
  readonly now: number
  readonly expiresAt: number
  /** Grants of this session that it no longer holds. */
  readonly lost: ReadonlyArray<bigint>
  /** Grants whose job was cancelled: stop, then release to confirm. */
  readonly cancelled: ReadonlyArray<bigint>
  /** Queues in which this session holds grants and that are paused: release what has not started. */
  readonly paused: ReadonlyArray<string>
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ReclaimResult {
  /** Grants taken back from dead sessions. */
  readonly reclaimed: number
  /** Jobs that became dead letters by it, or by their deadline. */
  readonly deadLettered: number
  /** The limit was reached: call again. */
  readonly more: boolean
  readonly nextAt: number | undefined
}

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
  /** Waiting jobs; enqueue answers `Full` beyond it. Default unlimited. */
  readonly maxBacklog?: number | undefined
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
  /** In enqueue order, from after the cursor of the previous page. */
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

/**
 * The operations of a job log.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JobLogOperations {
  readonly capabilities: Capabilities

  /**
   * Opens a session whose lease lasts `leaseDuration` milliseconds beyond each renewal. A log that was poisoned
   * recovers itself from its storage first.
   *
   * To ensure correctness:
   * - a session of an earlier owner of the storage is dead before this answers (`reclaimOnExpiry`)
   * - session ids are never used again (`staleTokenRefused`)
   */
  readonly open: (options: {
    readonly owner: string
    readonly leaseDuration: number
  }) => Effect.Effect<Session, LogError>

  /**
   * Keeps the session's lease alive, in a write whose size does not grow with the jobs in flight.
   *
   * To ensure correctness:
   * - an expired or closed session is refused and never comes back to life (`renewNeverRevives`)
   * - grants that are no longer current are listed as lost and their progress is ignored (`staleTokenRefused`)
   */
  readonly renew: (request: RenewRequest) => Effect.Effect<RenewResult, LogError>

  /**
   * Ends the session. What it still held is released: claimable at once, without using up an attempt.
   *
   * To ensure correctness:
   * - closing twice, or a dead session, is no error
   * - the session is dead before anything it held is granted again (`singleClaimer`)
   */
  readonly close: (session: string) => Effect.Effect<void, LogError>

  /**
   * Appends jobs durably, all or none; the answers are in the items' order.
   *
   * To ensure correctness:
   * - an inserted job survives every crash from the answer on (`atLeastOnce`)
   * - the same id with the same bytes answers as the first time, with other bytes `Refused` (`enqueueIdempotent`)
   * - a held key answers `Duplicate` or `Replaced`, and only once that is durable (`keyDeduplicates`)
   * - whatever is wrong with one item refuses the whole batch without effect (`limitsAtTheEdge`)
   */
  readonly enqueue: (
    items: ReadonlyArray<EnqueueItem>
  ) => Effect.Effect<ReadonlyArray<EnqueueResult>, LogError>

  /**
   * Takes ready jobs, each with a token greater than any before.
   *
   * To ensure correctness:
   * - no job is granted while another live session holds it (`singleClaimer`)
   * - a grant is durable before it is answered, and its token is never used again, also after a crash (`tokenMonotone`)
   * - never before `visibleAt` (`neverEarly`), in order of (priority, sequence) (`priorityOrder`), first grants of a
   *   group in enqueue order and within its concurrency (`groupFifo`)
   * - empty only if nothing was claimable throughout the call (`noLostWakeUp`)
   * - payloads are byte for byte what was enqueued (`payloadIntact`)
   * - deliveries never exceed the job's bound (`attemptsBounded`)
   */
  readonly claim: (request: ClaimRequest) => Effect.Effect<ClaimResult, LogError>

  /**
   * Ends grants; the answers are in the items' order. A dead session is refused as a whole.
   *
   * To ensure correctness:
   * - a stale token is refused and changes nothing at all (`staleTokenRefused`)
   * - a completed job is never granted again (`completedStaysCompleted`)
   * - a job out of attempts becomes a dead letter with its payload and cause (`deadLettersConserved`)
   * - follow-up jobs appear with an accepted completion and never without (`followUpsAtomic`)
   */
  readonly settle: (request: SettleRequest) => Effect.Effect<ReadonlyArray<SettleResult>, LogError>

  /**
   * Makes the jobs of dead sessions claimable again, and dead-letters waiting jobs past their deadline.
   *
   * To ensure correctness:
   * - all expired grants are taken back, however many (`reclaimOnExpiry`)
   * - a lease that was renewed, or a job that was settled meanwhile, is left alone (`singleClaimer`)
   */
  readonly reclaim: (options: { readonly limit: number }) => Effect.Effect<ReclaimResult, LogError>

  /** Carries out operators' commands; the answers are in the commands' order. */
  readonly control: (
    commands: ReadonlyArray<ControlCommand>
  ) => Effect.Effect<ReadonlyArray<ControlResult>, LogError>

  /** Reads what is durable. */
  readonly read: (query: ReadQuery) => Effect.Effect<ReadAnswer, LogError>

  /**
   * Waits until something may have changed. A hint only: it may come too often, and a poll must back it up where
   * the capability `notify` is false (such a log never answers).
   *
   * To ensure correctness:
   * - a change after the cursor was issued is never missed (`noLostWakeUp`)
   */
  readonly changes: (request: ChangesRequest) => Effect.Effect<void, LogError>
}

/**
 * The job log as a service.
 *
 * @since 0.1.0
 * @category services
 * @stability unstable
 */
export class JobLog extends Context.Service<JobLog, JobLogOperations>()("leasehold/log/JobLog") {}
