/** The two jobs that are measured. */
import * as Schema from "effect/Schema"
import * as Job from "../../src/scheduler/Job.ts"

export const queue = "bench"

export class BenchJob extends Job.make("bench", {
  queue,
  payload: {
    n: Schema.Int,
    customer: Schema.String,
    cents: Schema.Int,
    currency: Schema.String,
    note: Schema.String
  }
}) {}

/** Has nothing to decode: what is left is the scheduler. */
export class BareJob extends Job.make("bare", { queue, payload: Schema.Void }) {}
