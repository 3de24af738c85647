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
import type { Capabilities } from "./Capabilities.ts"
import type { ClaimRequest, ClaimResult } from "./Claim.ts"
import type { ControlCommand, ControlResult } from "./Control.ts"
import type { EnqueueItem, EnqueueResult } from "./Enqueue.ts"
import type { LogError } from "./LogError.ts"
import type { ChangesRequest, ReadAnswer, ReadQuery } from "./Read.ts"
import type { ReclaimResult, RenewRequest, RenewResult, Session } from "./Session.ts"
import type { SettleRequest, SettleResult } from "./Settle.ts"

export { defaultMaxDeliveries } from "../model/Job.ts"
export type { FailureCause } from "../model/FailureCause.ts"
export type { JobState } from "../model/Job.ts"
export { Limits } from "../model/Limits.ts"
export { atTheEdge, followUpProblem } from "./AtTheEdge.ts"
export { plainCapabilities } from "./Capabilities.ts"
export type { Capabilities } from "./Capabilities.ts"
export type * from "./Claim.ts"
export type * from "./Control.ts"
export type * from "./Enqueue.ts"
export type * from "./Read.ts"
export type * from "./Session.ts"
export type * from "./Settle.ts"
export { storedCause } from "./Validate.ts"

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
   * - the same id with the same bytes answers as the first time, with other bytes `Refused` (`enqueueIdempotent`);
   *   `trace` and `deadline` do not count, as a producer stamps both anew when it sends again. An id is known as long as
   *   its job's record: sent again after `retainCompleted` or `retainCompletedCount` removed that, it makes a new job.
   *   The id of an item that met a held key names no job, so sent again it meets whoever holds the key then
   * - a held key answers `Duplicate` or `Replaced`, and only once that is durable (`keyDeduplicates`)
   * - whatever is wrong with one item refuses the whole batch without effect (`limitsAtTheEdge`)
   */
  readonly enqueue: (items: ReadonlyArray<EnqueueItem>) => Effect.Effect<ReadonlyArray<EnqueueResult>, LogError>

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
   * Makes the jobs of dead sessions claimable again, dead-letters waiting jobs past their deadline, and removes records
   * past their retention.
   *
   * To ensure correctness:
   * - all expired grants are taken back, however many (`reclaimOnExpiry`)
   * - a lease that was renewed, or a job that was settled meanwhile, is left alone (`singleClaimer`)
   */
  readonly reclaim: (options: { readonly limit: number }) => Effect.Effect<ReclaimResult, LogError>

  /** Carries out operators' commands; the answers are in the commands' order. */
  readonly control: (commands: ReadonlyArray<ControlCommand>) => Effect.Effect<ReadonlyArray<ControlResult>, LogError>

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
