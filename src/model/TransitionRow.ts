/**
 * What a row of the transition table says, and the conditions it may depend on.
 *
 * @since 0.1.0
 */
import type { Command, CommandContext } from "./Command.ts"
import type { Event } from "./Event.ts"
import type { FailureKind } from "./FailureCause.ts"
import { stateAt } from "./Job.ts"
import type { Job, JobState } from "./Job.ts"
import type { Rejection } from "./Transition.ts"

/**
 * The states of the table: those of a job, `Absent` for no job, and `CancelledHeld` for a cancelled job whose holder
 * has yet to confirm that it stopped.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type TableState = "Absent" | JobState | "CancelledHeld"

/**
 * The conditions that rows depend on, each true or false for a job, a command and a moment.
 *
 * - `sessionLive`: the command's session, or for `Reclaim` the holder's, is neither ended nor expired
 * - `current`: the command's session and token are those of the job's present grant
 * - `paused`, `permit`, `keyFree`, `sameRequest`: as in {@link CommandContext}
 * - `everGranted`: some worker has held the job before
 * - `started`: the present attempt is known to have started
 * - `overdue`: the job's deadline has passed
 * - `inTime`: the deadline, if any, lies in the future and not before the next visible instant
 * - `attemptsLeft`: another attempt may follow the present one
 * - `deliveriesLeft`: the job may be granted again
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Condition =
  | "sessionLive"
  | "current"
  | "paused"
  | "permit"
  | "keyFree"
  | "sameRequest"
  | "everGranted"
  | "started"
  | "overdue"
  | "inTime"
  | "attemptsLeft"
  | "deliveriesLeft"

/**
 * One row. It matches when its command, one of its states and all of its conditions do.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Row {
  readonly id: string
  readonly commands: ReadonlyArray<Command["_tag"]>
  readonly states: ReadonlyArray<TableState>
  readonly when: Readonly<Partial<Record<Condition, boolean>>>
  /** The event that is recorded (capitalised), or why there is none. */
  readonly outcome: Event["_tag"] | Rejection
  /** For `DeadLettered`: the kind of its cause, or `given` by the command. */
  readonly cause?: FailureKind | "given"
  /** For `DeadLettered`: the attempt that ends counts. */
  readonly counted?: boolean
  readonly why: string
}

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const waiting = ["Scheduled", "Ready"] as const

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const existing = [...waiting, "Leased", "Completed", "DeadLettered", "Cancelled", "CancelledHeld"] as const

/**
 * The commands that need the job's present grant.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const fenced = ["MarkStarted", "Complete", "Retry", "Release", "DeadLetter"] as const

/**
 * The table's state of a job at an instant.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const tableState = (job: Job | undefined, now: number): TableState => {
  if (job === undefined) return "Absent"
  const state = stateAt(job, now)
  return state === "Cancelled" && job.session !== undefined ? "CancelledHeld" : state
}

const isCurrent = (job: Job | undefined, command: Command): boolean =>
  job !== undefined && "session" in command && job.session === command.session && job.token === command.token

const nextVisible = (job: Job | undefined, command: Command): number =>
  command._tag === "Retry" || command._tag === "Release" ? command.visibleAt : (job?.visibleAt ?? 0)

/**
 * All conditions of a moment. Those that make no sense without a job are false then.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const conditions = (
  job: Job | undefined,
  command: Command,
  context: CommandContext
): Readonly<Record<Condition, boolean>> => {
  const deadline = job?.deadline ?? Number.POSITIVE_INFINITY
  return {
    sessionLive: context.sessionLive,
    current: isCurrent(job, command),
    paused: context.paused,
    permit: context.permit,
    keyFree: context.keyFree,
    sameRequest: context.sameRequest,
    everGranted: job !== undefined && job.token > 0,
    started: job?.started ?? false,
    overdue: deadline <= context.now,
    inTime: deadline > context.now && deadline >= nextVisible(job, command),
    attemptsLeft: job !== undefined && job.attempts + 1 < job.maxAttempts,
    deliveriesLeft: job !== undefined && job.deliveries < job.maxDeliveries
  }
}
