/**
 * Why an attempt failed or a job became a dead letter.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * - `failure`: the handler failed with a typed error; `tag` is its `_tag`
 * - `defect`: the handler died or threw
 * - `timeout`: the attempt outlived its `timeout`
 * - `undecodable`: the payload does not fit its schema
 * - `expired`: the lease ran out, or the process that held it is gone
 * - `maxAttempts`, `maxDeliveries`, `deadline`: a bound of the job was reached
 * - `noHandler`: nobody here runs jobs of this name or version
 * - `released`: given back unstarted or while draining
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export const FailureKind = Schema.Literals([
  "failure",
  "defect",
  "timeout",
  "undecodable",
  "expired",
  "maxAttempts",
  "maxDeliveries",
  "deadline",
  "noHandler",
  "released"
])

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type FailureKind = typeof FailureKind.Type

/**
 * A cause as it is stored with the job.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export const FailureCause = Schema.Struct({
  kind: FailureKind,
  /** The error's `_tag`, where there is one. */
  tag: Schema.optionalKey(Schema.String),
  message: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface FailureCause extends Schema.Schema.Type<typeof FailureCause> {}
