/**
 * The state machine of one job: `decide` says what a command does, `apply` does it.
 *
 * Both are pure and total. Every combination of state, command and guard is one row of {@link transitionTable}
 * (see `TransitionTable.ts`), and a test enumerates them all against `decide`.
 *
 * @since 0.1.0
 */
import type { Command, CommandContext } from "./Command.ts"
import type { Event } from "./Event.ts"
import type { FailureCause } from "./FailureCause.ts"
import type { Job } from "./Job.ts"

/**
 * Why a command has no effect.
 *
 * - `unknownJob`: no such job, or it was purged
 * - `idConflict`: the id is taken by a job with other bytes
 * - `duplicate`: the id is taken by the very same job: answer as the first time
 * - `granted`: the job has been granted before, so it can no longer be replaced
 * - `notReady`, `paused`, `groupBusy`: a claim passes this job over
 * - `stale`: the token is not the job's current one
 * - `sessionDead`: the session was ended or has expired
 * - `cancelled`, `completed`, `deadLettered`: the job is terminal
 * - `leased`: not while a worker holds the job
 * - `notExpired`: the lease or the deadline has not run out
 * - `notDeadLettered`: only dead letters can be redriven
 * - `keyHeld`: another job holds the idempotency key by now
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Rejection =
  | "unknownJob"
  | "idConflict"
  | "duplicate"
  | "granted"
  | "notReady"
  | "paused"
  | "groupBusy"
  | "stale"
  | "sessionDead"
  | "cancelled"
  | "completed"
  | "deadLettered"
  | "leased"
  | "notExpired"
  | "notTerminal"
  | "notDeadLettered"
  | "keyHeld"

/**
 * A decision: the one event to record, or why there is none.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Decision = Event | Rejection

/**
 * @since 0.1.0
 * @category guards
 * @stability unstable
 */
export const isRejection = (decision: Decision): decision is Rejection => typeof decision === "string"

const deadlineCause: FailureCause = { kind: "deadline", message: "the job's deadline passed" }
const expiredCause: FailureCause = { kind: "expired", message: "the lease ran out before the job was settled" }

const deliveriesCause = (job: Job, last: FailureCause | undefined): FailureCause => ({
  kind: "maxDeliveries",
  message: `handed out ${job.deliveries} times without a result${last === undefined ? "" : `; last: ${last.message}`}`
})

const attemptsCause = (job: Job, attempts: number, last: FailureCause): FailureCause => ({
  kind: "maxAttempts",
  ...(last.tag === undefined ? undefined : { tag: last.tag }),
  message: `attempt ${attempts} of ${job.maxAttempts} failed: ${last.message}`
})

const dead = (now: number, cause: FailureCause, counted: boolean): Event => ({
  _tag: "DeadLettered",
  at: now,
  cause,
  counted
})

/** The fence: who may act on a grant. `undefined` means the holder of the current grant, in a live session. */
const fence = (job: Job, session: string, token: number, sessionLive: boolean): Rejection | undefined => {
  if (!sessionLive) return "sessionDead"
  if (job.token !== token || job.session !== session) return terminal(job) ?? "stale"
  if (job.status === "Cancelled") return "cancelled"
  return job.status === "Leased" ? undefined : "stale"
}

/** A late settlement of a job that is terminal learns which way it ended. */
const terminal = (job: Job): Rejection | undefined => {
  switch (job.status) {
    case "Completed":
      return "completed"
    case "Cancelled":
      return "cancelled"
    default:
      return undefined
  }
}

/** What becomes of a job whose grant ends without a result, at its next visible instant. */
const bounded = (
  job: Job,
  now: number,
  visibleAt: number,
  attempts: number,
  last: FailureCause | undefined,
  counted: boolean,
  otherwise: Event
): Event => {
  if (job.deadline !== undefined && (job.deadline <= now || job.deadline < visibleAt)) {
    return dead(now, deadlineCause, counted)
  }
  if (counted && attempts >= job.maxAttempts) {
    return dead(now, attemptsCause(job, attempts, last ?? expiredCause), counted)
  }
  if (job.deliveries >= job.maxDeliveries) return dead(now, deliveriesCause(job, last), counted)
  return otherwise
}

/**
 * Decides a command on a job (`undefined`: no such job). Never throws, never reads a clock.
 *
 * @since 0.1.0
 * @category transitions
 * @stability unstable
 */
export const decide = (job: Job | undefined, command: Command, context: CommandContext): Decision => {
  if (job === undefined) {
    return command._tag === "Enqueue" ? { _tag: "Enqueued", job: command.job } : "unknownJob"
  }
  const now = context.now
  switch (command._tag) {
    case "Enqueue":
      return context.sameRequest ? "duplicate" : "idConflict"
    case "Replace":
      if (job.status !== "Waiting") return job.status === "Leased" ? "leased" : (terminal(job) ?? "deadLettered")
      // not `deliveries`, which a redrive sets back: what was granted once keeps its token for good
      return job.token > 0 ? "granted" : { _tag: "Replaced", job: command.job }
    case "Claim":
      if (!context.sessionLive) return "sessionDead"
      if (job.status !== "Waiting") return job.status === "Leased" ? "leased" : (terminal(job) ?? "deadLettered")
      if (job.deadline !== undefined && job.deadline <= now) return dead(now, deadlineCause, false)
      if (job.visibleAt > now) return "notReady"
      if (context.paused) return "paused"
      if (!context.permit) return "groupBusy"
      return { _tag: "Granted", session: command.session, token: command.token }
    case "MarkStarted": {
      const refusal = fence(job, command.session, command.token, context.sessionLive)
      return refusal ?? { _tag: "Started" }
    }
    case "Complete": {
      const refusal = fence(job, command.session, command.token, context.sessionLive)
      return refusal ?? { _tag: "Completed", at: now }
    }
    case "Retry": {
      const refusal = fence(job, command.session, command.token, context.sessionLive)
      if (refusal !== undefined) return refusal
      return bounded(job, now, command.visibleAt, job.attempts + 1, command.cause, true, {
        _tag: "Retried",
        visibleAt: command.visibleAt,
        cause: command.cause
      })
    }
    case "Release": {
      // the holder of a cancelled job gives it back to confirm that it has stopped
      if (
        job.status === "Cancelled" &&
        context.sessionLive &&
        job.token === command.token &&
        job.session === command.session
      ) {
        return { _tag: "CancelConfirmed" }
      }
      const refusal = fence(job, command.session, command.token, context.sessionLive)
      if (refusal !== undefined) return refusal
      return bounded(job, now, command.visibleAt, job.attempts, command.cause, false, {
        _tag: "Released",
        visibleAt: command.visibleAt,
        cause: command.cause
      })
    }
    case "DeadLetter": {
      const refusal = fence(job, command.session, command.token, context.sessionLive)
      return refusal ?? dead(now, command.cause, true)
    }
    case "Reclaim":
      if (job.session === undefined) return terminal(job) ?? (job.status === "DeadLettered" ? "deadLettered" : "stale")
      if (context.sessionLive) return "notExpired"
      if (job.status === "Cancelled") return { _tag: "CancelConfirmed" }
      return bounded(job, now, job.visibleAt, job.attempts + 1, expiredCause, job.started, { _tag: "Reclaimed" })
    case "Expire":
      if (job.status !== "Waiting") return job.status === "Leased" ? "leased" : (terminal(job) ?? "deadLettered")
      return job.deadline !== undefined && job.deadline <= now ? dead(now, deadlineCause, false) : "notExpired"
    case "Cancel":
      return job.status === "Waiting" || job.status === "Leased" || job.status === "DeadLettered"
        ? { _tag: "Cancelled", at: now }
        : job.status === "Completed"
          ? "completed"
          : "cancelled"
    case "Redrive":
      if (job.status !== "DeadLettered") return terminal(job) ?? "notDeadLettered"
      return context.keyFree ? { _tag: "Redriven", visibleAt: now } : "keyHeld"
    case "Reschedule":
      if (job.status !== "Waiting") return job.status === "Leased" ? "leased" : (terminal(job) ?? "deadLettered")
      return {
        _tag: "Rescheduled",
        visibleAt: command.visibleAt ?? job.visibleAt,
        priority: command.priority ?? job.priority
      }
    case "Purge":
      if (job.status === "Waiting") return "notTerminal"
      return job.session !== undefined ? "leased" : { _tag: "Purged" }
  }
}

const created = (job: Extract<Event, { _tag: "Enqueued" }>["job"], generation: number): Job => ({
  status: "Waiting",
  priority: job.priority,
  visibleAt: job.visibleAt,
  attempts: 0,
  deliveries: 0,
  generation,
  token: 0,
  session: undefined,
  started: false,
  maxAttempts: job.maxAttempts,
  maxDeliveries: job.maxDeliveries,
  deadline: job.deadline,
  finishedAt: undefined,
  cause: undefined
})

/**
 * Folds an event into a job; `undefined` is the job that does not exist (yet, or any more).
 *
 * Throws only when the event cannot follow the job's state, which is a bug of the log and never of its caller.
 *
 * @since 0.1.0
 * @category transitions
 * @stability unstable
 */
export const apply = (job: Job | undefined, event: Event): Job | undefined => {
  if (event._tag === "Enqueued") {
    assert(job === undefined, event, job)
    return created(event.job, 1)
  }
  if (job === undefined) throw new Error(`leasehold: ${event._tag} on a job that does not exist`)
  switch (event._tag) {
    case "Replaced":
      assert(job.status === "Waiting" && job.token === 0, event, job)
      return created(event.job, job.generation + 1)
    case "Granted":
      assert(job.status === "Waiting" && event.token > job.token, event, job)
      return {
        ...job,
        status: "Leased",
        deliveries: job.deliveries + 1,
        token: event.token,
        session: event.session,
        started: false
      }
    case "Started":
      assert(job.status === "Leased", event, job)
      return { ...job, started: true }
    case "Completed":
      assert(job.status === "Leased", event, job)
      return {
        ...job,
        status: "Completed",
        attempts: job.attempts + 1,
        session: undefined,
        started: false,
        finishedAt: event.at,
        cause: undefined
      }
    case "Retried":
      assert(job.status === "Leased", event, job)
      return {
        ...job,
        status: "Waiting",
        attempts: job.attempts + 1,
        visibleAt: event.visibleAt,
        session: undefined,
        started: false,
        cause: event.cause
      }
    case "Released":
      assert(job.status === "Leased", event, job)
      return {
        ...job,
        status: "Waiting",
        visibleAt: event.visibleAt,
        session: undefined,
        started: false,
        cause: event.cause ?? job.cause
      }
    case "Reclaimed":
      assert(job.status === "Leased", event, job)
      return {
        ...job,
        status: "Waiting",
        attempts: job.started ? job.attempts + 1 : job.attempts,
        session: undefined,
        started: false,
        cause: expiredCause
      }
    case "DeadLettered":
      assert(job.status === "Leased" || job.status === "Waiting", event, job)
      return {
        ...job,
        status: "DeadLettered",
        attempts: event.counted ? job.attempts + 1 : job.attempts,
        session: undefined,
        started: false,
        finishedAt: event.at,
        cause: event.cause
      }
    case "Cancelled":
      assert(job.status !== "Completed" && job.status !== "Cancelled", event, job)
      return { ...job, status: "Cancelled", finishedAt: event.at }
    case "CancelConfirmed":
      assert(job.status === "Cancelled", event, job)
      return { ...job, session: undefined, started: false }
    case "Redriven":
      assert(job.status === "DeadLettered", event, job)
      return {
        ...job,
        status: "Waiting",
        visibleAt: event.visibleAt,
        attempts: 0,
        deliveries: 0,
        generation: job.generation + 1,
        // the whole job's instant has passed or no longer means anything to the operator who brings it back
        deadline: undefined,
        finishedAt: undefined
      }
    case "Rescheduled":
      assert(job.status === "Waiting", event, job)
      return { ...job, visibleAt: event.visibleAt, priority: event.priority }
    case "Purged":
      assert(job.status !== "Waiting" && job.session === undefined, event, job)
      return undefined
  }
}

function assert(condition: boolean, event: Event, job: Job | undefined): asserts condition {
  if (!condition) throw new Error(`leasehold: ${event._tag} cannot follow ${job === undefined ? "Absent" : job.status}`)
}
