/**
 * The steps of a generated history, as plain data: a counterexample is a list of these, printed as it is.
 *
 * Steps name jobs, grants and sessions by small numbers counted modulo what exists, so that a shrunk history still
 * makes sense and nothing has to be skipped. Session slot 3 stands for the holder of the latest grant.
 *
 * @since 0.1.0
 */

import type { JobState } from "../src/model/Job.ts"

/**
 * A job to enqueue. Times are milliseconds from now.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JobSpec {
  readonly queue: number
  readonly name: number
  readonly payload: string
  readonly priority?: number
  readonly delay?: number
  readonly maxAttempts?: number
  readonly maxDeliveries?: number
  readonly deadline?: number
  readonly group?: number
  readonly key?: { readonly value: number; readonly window: number; readonly replace: boolean }
  readonly metadata?: Readonly<Record<string, string>>
  /** Not before this instant, from now: may lie in the past. Excludes `delay`. */
  readonly at?: number
  /** What the log only carries: version, timeout, lease asked for, and trace. */
  readonly carried?: {
    readonly version: number
    readonly timeout?: number
    readonly leaseDuration?: number
    readonly traced: boolean
  }
}

/**
 * A settlement of one of the grants seen so far, counted back from the latest.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface SettleSpec {
  readonly grant: number
  readonly kind: "Complete" | "Retry" | "Release" | "DeadLetter"
  readonly delay: number
  readonly result: string
  /** Completes without a result: the most frequent settlement there is, which a log may treat in a way of its own. */
  readonly plain?: boolean | undefined
  readonly followUps: ReadonlyArray<JobSpec>
  /** One follow-up breaks a limit, so that the completion must be refused with all the others. */
  readonly badFollowUp: boolean
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Step =
  | { readonly _tag: "Enqueue"; readonly items: ReadonlyArray<JobSpec> }
  | { readonly _tag: "EnqueueAgain"; readonly job: number; readonly otherBytes: boolean }
  /**
   * `name`: only jobs of this name, or of both for 2. `dead`: by a session of this slot that was ended, if there is one.
   */
  | {
      readonly _tag: "Claim"
      readonly slot: number
      readonly queue: number
      readonly limit: number
      readonly name?: number
      readonly dead: boolean
    }
  | { readonly _tag: "ClaimTogether"; readonly slots: number; readonly queue: number; readonly limit: number }
  /** `otherSession`: sent by a session that did not receive the grants. */
  | { readonly _tag: "Settle"; readonly items: ReadonlyArray<SettleSpec>; readonly otherSession: boolean }
  /** The holder settles while what is expired is taken back, at the instant of expiry or just short of it. */
  | {
      readonly _tag: "SettleAndReclaimTogether"
      readonly grant: number
      readonly short: boolean
      readonly renew: boolean
      readonly reclaimFirst: boolean
    }
  | { readonly _tag: "CompleteAndCancelTogether"; readonly grant: number; readonly cancelFirst: boolean }
  | { readonly _tag: "RepeatCall"; readonly call: number }
  | {
      readonly _tag: "Renew"
      readonly slot: number
      readonly dead: boolean
      readonly started: ReadonlyArray<number>
      readonly progress: ReadonlyArray<number>
    }
  | { readonly _tag: "Close"; readonly slot: number }
  | { readonly _tag: "Advance"; readonly millis: number }
  /** Advances just past the expiry of the slot's lease, or just short of it. */
  | { readonly _tag: "AdvanceToExpiry"; readonly slot: number; readonly short: boolean }
  | { readonly _tag: "Reclaim"; readonly limit: number }
  | { readonly _tag: "Cancel"; readonly job: number }
  | { readonly _tag: "Pause"; readonly queue: number }
  | { readonly _tag: "Resume"; readonly queue: number }
  | { readonly _tag: "Redrive"; readonly job: number }
  /** `at`: an instant, from now. */
  | {
      readonly _tag: "Reschedule"
      readonly job: number
      readonly delay?: number
      readonly at?: number
      readonly priority?: number
    }
  | { readonly _tag: "Purge"; readonly job: number }
  | {
      readonly _tag: "Configure"
      readonly queue: number
      readonly groupConcurrency: number
      readonly stepAside: boolean
    }
  /** Reads with a filter, page by page, and one job by its id. */
  | {
      readonly _tag: "Read"
      readonly queue?: number
      readonly name?: number
      readonly state?: JobState
      readonly limit: number
      readonly job: number
    }
  | { readonly _tag: "Crash"; readonly seed: number }
  /** Starts operations, lets them run for some scheduler turns, then crashes in the middle of them. */
  | ({ readonly _tag: "CrashDuring"; readonly seed: number; readonly turns: number } & InFlightSpec)
  /** Closes the log in good order and opens it again, twice. */
  | { readonly _tag: "Restart" }
  /** Starts operations on storage that fails, and opens the log again: by a session, or after a crash. */
  | ({
      readonly _tag: "FailDuring"
      readonly seed: number
      readonly forever: boolean
      readonly crash: boolean
    } & InFlightSpec)
  /** Rewrites the storage; `crash`: not to the end. */
  | { readonly _tag: "Compact"; readonly crash: boolean; readonly turns: number; readonly seed: number }
  /** Sets the wall clock. */
  | { readonly _tag: "StepClock"; readonly millis: number }

/**
 * Operations in flight while something befalls the log.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface InFlightSpec {
  /** Without keys: their answers must be foreseeable. */
  readonly enqueue: ReadonlyArray<JobSpec>
  /** How the latest grant that is held is settled, if at all. */
  readonly settle: SettleSpec["kind"] | undefined
  readonly claim: boolean
  /** An operator's command on a job by number. */
  readonly control: "Cancel" | "Redrive" | "Reschedule" | "Purge" | undefined
  readonly job: number
}
