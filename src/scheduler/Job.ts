/**
 * Job definitions: a name, schemas for payload, result and errors, and the options every job of that name gets.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type { Job, JobOptions } from "./JobDefinition.ts"
import * as JobPrototype from "./JobPrototype.ts"
import type { JobSchema } from "./PayloadCodec.ts"

export type { Any, Enqueued, EnqueueOptions, Job, JobContext, JobHandler, JobOptions } from "./JobDefinition.ts"
export * from "./JobError.ts"
export { defaultRetry, fullJitter, type RetrySchedule, type RetryTable } from "./RetryPolicy.ts"

/** A payload given as fields is a struct of them. */
type SchemaOf<P extends JobSchema | Schema.Struct.Fields> = P extends JobSchema
  ? P
  : P extends Schema.Struct.Fields
    ? Schema.Struct<P> extends JobSchema
      ? Schema.Struct<P>
      : never
    : never

/**
 * Defines a job.
 *
 * ```ts
 * class SendInvoice extends Job.make("send-invoice", {
 *   payload: { customer: Schema.String, cents: Schema.Int },
 *   error: Schema.Union([Declined, GatewayDown]),
 *   idempotencyKey: ({ customer, cents }) => `${customer}/${cents}`,
 *   retry: { Declined: "never", GatewayDown: Schedule.exponential("1 second") }
 * }) {}
 * ```
 *
 * Throws when the definition breaks a limit (its name, queue, attempts or durations): that is a bug of the program
 * and not something to handle.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = <
  const Tag extends string,
  P extends JobSchema | Schema.Struct.Fields,
  S extends JobSchema = Schema.Void,
  E extends JobSchema = Schema.Never
>(
  tag: Tag,
  options: Omit<JobOptions<SchemaOf<P>, S, E>, "payload"> & { readonly payload: P }
): Job<Tag, SchemaOf<P>, S, E> => {
  // fields become a struct, and absent schemas their defaults: exactly what the conditional types above say
  const payload = (Schema.isSchema(options.payload) ? options.payload : Schema.Struct(options.payload)) as SchemaOf<P>
  const success = (options.success ?? Schema.Void) as S
  const error = (options.error ?? Schema.Never) as E
  return JobPrototype.make(tag, payload, success, error, { ...options, payload })
}
