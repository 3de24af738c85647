/**
 * The typed errors of the public API, besides the log's own.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { FailureCause } from "../model/FailureCause.ts"

export { LeaseLost } from "../actors/LeaseLost.ts"

/**
 * A payload that its job's schema refuses; nothing was written.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class PayloadInvalid extends Schema.TaggedError<PayloadInvalid>()("PayloadInvalid", {
  job: Schema.String,
  /** Position in the batch. */
  index: Schema.Int,
  issue: Schema.String
}) {
  override get message(): string {
    return `the payload of ${this.job} (item ${this.index}) does not fit its schema: ${this.issue}`
  }
}

/**
 * No job has this id, or its record is no longer kept.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class JobNotFound extends Schema.TaggedError<JobNotFound>()("JobNotFound", {
  id: Schema.String
}) {
  override get message(): string {
    return `no job ${this.id}: it was never enqueued here, or its record is no longer kept`
  }
}

/**
 * The awaited job became a dead letter.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class JobDeadLettered extends Schema.TaggedError<JobDeadLettered>()("JobDeadLettered", {
  id: Schema.String,
  cause: FailureCause
}) {
  override get message(): string {
    return `job ${this.id} is a dead letter (${this.cause.kind}): ${this.cause.message}`
  }
}

/**
 * The awaited job was cancelled.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class JobCancelled extends Schema.TaggedError<JobCancelled>()("JobCancelled", {
  id: Schema.String
}) {
  override get message(): string {
    return `job ${this.id} was cancelled`
  }
}

/**
 * An operator's command that the job's state does not allow; nothing changed.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class CommandRefused extends Schema.TaggedError<CommandRefused>()("CommandRefused", {
  command: Schema.String,
  target: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.command} ${this.target} was refused: ${this.reason}`
  }
}

/**
 * A result that its job's schema cannot decode, for example written by a newer release.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class ResultInvalid extends Schema.TaggedError<ResultInvalid>()("ResultInvalid", {
  id: Schema.String,
  issue: Schema.String
}) {
  override get message(): string {
    return `the stored result of job ${this.id} does not fit its schema: ${this.issue}`
  }
}
