/**
 * How a run ends whose lease is gone.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The lease of a run was lost: another worker has or will have the job. The run was interrupted with its children,
 * and whatever it still sends is refused. A scheduler logs it as a warning and tells its telemetry.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class LeaseLost extends Schema.TaggedError<LeaseLost>()("LeaseLost", {
  id: Schema.String,
  queue: Schema.String,
  token: Schema.BigInt
}) {
  override get message(): string {
    return `the lease of job ${this.id} in ${this.queue} (token ${this.token}) was lost; another worker has or will have it`
  }
}
