/**
 * What the actors of one scheduler say to each other.
 *
 * Every message that concerns grants carries the epoch of the session they belong to. A message of an earlier epoch is
 * about leases that are lost, and its receiver drops it.
 *
 * @since 0.1.0
 */
import type * as Exit from "effect/Exit"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { EnqueueItem, Grant, Session, SettleItem, Settlement } from "../log/JobLog.ts"
import type { LogError } from "../log/LogError.ts"

/**
 * Counts the sessions a scheduler has had. It fences messages inside the process as tokens fence calls to the log.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Epoch = number

/**
 * A live session and its epoch.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface LiveSession {
  readonly epoch: Epoch
  readonly session: Session
  /** The number of the next mutating call. */
  readonly nextCall: () => number
  /**
   * Makes a numbered call and repeats it, as long as the session may live, while its outcome is unknown or there is
   * no answer after `patience` milliseconds (default a sixth of the lease). It never outlasts the session, whether or
   * not the log answers.
   */
  readonly call: <A>(
    operation: string,
    call: Effect.Effect<A, LogError>,
    patience?: number | undefined
  ) => Effect.Effect<A, LogError>
}

/**
 * Dispatcher → worker pool: start these, in this order.
 *
 * @since 0.1.0
 * @category messages
 * @stability unstable
 */
export interface Assign {
  readonly epoch: Epoch
  readonly grants: ReadonlyArray<Grant>
}

/**
 * Worker pool → settler: this run has ended.
 *
 * @since 0.1.0
 * @category messages
 * @stability unstable
 */
export interface Settle {
  readonly epoch: Epoch
  readonly queue: string
  /** The job's name. */
  readonly name: string
  readonly item: SettleItem
  /** Local monotonic time at which the run started, undefined if it never did. */
  readonly startedAt: number | undefined
}

/**
 * Why a run is interrupted by the scheduler.
 *
 * - `timeout`: the attempt outlived its timeout
 * - `leaseLost`: the log no longer counts the grant as this session's
 * - `cancelled`: an operator cancelled the job
 * - `drain`: the scheduler is shutting down and its grace period is over
 *
 * @since 0.1.0
 * @category messages
 * @stability unstable
 */
export type StopReason = "timeout" | "leaseLost" | "cancelled" | "drain"

/**
 * What a handler may learn and say about its run.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface RunContext {
  readonly grant: Grant
  /** Jobs to enqueue with the completion. */
  readonly followUps: ReadonlyArray<EnqueueItem> | undefined
  /** Milliseconds of the lease that this process may still rely on; renewal adds to it. */
  readonly remainingLease: () => number
  /** Stores a progress value with the next renewal. */
  readonly progress: (value: string) => void
  readonly followUp: (item: EnqueueItem) => void
}

/**
 * One kind of job that this process can run.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Handler {
  readonly name: string
  /** The newest payload version it understands. */
  readonly version: number
  readonly queue: string
  /** Milliseconds of lease that its jobs ask for; undefined for the scheduler's default. */
  readonly leaseDuration: number | undefined
  /** Milliseconds per attempt, unless the job says otherwise. */
  readonly timeout: number | undefined
  /** What its jobs ask of the log beyond the least. */
  readonly needs: { readonly groups: boolean; readonly keys: boolean; readonly priorities: boolean }
  /** Decodes the payload and starts the handler with its own services: in a fiber, unless it has ended already. */
  readonly start: (context: RunContext) => Fiber.Fiber<unknown, unknown> | Exit.Exit<unknown, unknown>
  /**
   * What a result or a typed failure means, at once or after some work; undefined for a defect or an interruption,
   * about which the worker decides.
   */
  readonly conclude: (
    context: RunContext,
    exit: Exit.Exit<unknown, unknown>
  ) => Settlement | Fiber.Fiber<Settlement> | undefined
  /** What to do about an attempt that ended without its handler's say: a defect, or a timeout. */
  readonly onFailure: (grant: Grant, report: FailureReport) => Fiber.Fiber<Settlement>
}

/**
 * An attempt that ended without its handler's say.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface FailureReport {
  readonly kind: "defect" | "timeout"
  readonly message: string
}
