/** What the types of job definitions promise to those who write handlers and enqueue. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { LogError } from "../../src/log/LogError.ts"
import * as Job from "../../src/scheduler/Job.ts"
import type { JobQueue } from "../../src/scheduler/JobQueue.ts"
import { same } from "./Same.ts"

class Declined extends Schema.TaggedError<Declined>()("Declined", { why: Schema.String }) {}
class GatewayDown extends Schema.TaggedError<GatewayDown>()("GatewayDown", {}) {}
const error = Schema.Union([Declined, GatewayDown])
const payload = { customer: Schema.String, cents: Schema.Int, on: Schema.Date }
const seconds = Schedule.spaced("1 second")

class Invoice extends Job.make("invoice", {
  payload,
  success: Schema.Struct({ receipt: Schema.String }),
  error,
  idempotencyKey: (given) => {
    same<typeof given, { readonly customer: string; readonly cents: number; readonly on: Date }>(true)
    return given.customer
  },
  retry: { Declined: "never", GatewayDown: seconds }
}) {}

// A retry table names every tag, and no other.
// @ts-expect-error GatewayDown is missing
Job.make("missing", { payload, error, retry: { Declined: "never" } })
// @ts-expect-error no error has this tag
Job.make("wrong", { payload, error, retry: { Declined: "never", GatewayDown: seconds, Gateway: "never" } })
// @ts-expect-error "sometimes" is no policy
Job.make("word", { payload, error, retry: { Declined: "never", GatewayDown: "sometimes" } })
// @ts-expect-error a job without errors has nothing to retry by tag
Job.make("none", { payload, retry: { Declined: "never" } })
Job.make("without", { payload, error })

// A schedule sees the errors of its own tag only.
declare const onDeclined: Schedule.Schedule<unknown, Declined>
Job.make("narrow", { payload, error, retry: { Declined: onDeclined, GatewayDown: "never" } })
// @ts-expect-error GatewayDown has no `why`
Job.make("narrow", { payload, error, retry: { Declined: "never", GatewayDown: onDeclined } })

// The payload flows from the schema into enqueue and handler.
const date: Date = new Date(0)
Invoice.enqueue({ customer: "c", cents: 1, on: date })
// @ts-expect-error cents is missing
Invoice.enqueue({ customer: "c", on: date })
// @ts-expect-error cents is a number
Invoice.enqueue({ customer: "c", cents: "1", on: date })
// @ts-expect-error a batch shares no id
Invoice.enqueueAll([], { id: "x" })

const enqueued = Invoice.enqueue({ customer: "c", cents: 1, on: date })
same<
  typeof enqueued,
  Effect.Effect<
    Job.Enqueued<{ readonly receipt: string }>,
    Job.PayloadInvalid | Job.CommandRefused | LogError,
    JobQueue
  >
>(true)
declare const answer: Effect.Success<typeof enqueued>
if (answer._tag === "Duplicate") same<typeof answer.result, Option.Option<{ readonly receipt: string }>>(true)
same<Effect.Success<ReturnType<typeof Invoice.await>>, { readonly receipt: string }>(true)

// A handler takes the payload, answers the result, and fails only as its schema says.
const receipt = { receipt: "r" }
const layer = Invoice.toLayer((given, context) => {
  same<typeof given, { readonly customer: string; readonly cents: number; readonly on: Date }>(true)
  same<typeof context.token, bigint>(true)
  return given.cents > 0 ? Effect.succeed(receipt) : Effect.fail(new Declined({ why: "nothing to pay" }))
})
same<typeof layer, Layer.Layer<Job.JobHandler<"invoice">>>(true)
// @ts-expect-error the result is a receipt
Invoice.toLayer(() => Effect.succeed(1))
class Other extends Schema.TaggedError<Other>()("Other", {}) {}
// @ts-expect-error Other is not in the schema of its errors
Invoice.toLayer(() => Effect.fail(new Other()))

// What a handler needs, its layer needs; the scope of a run is its own.
class Database extends Context.Service<Database, { readonly rows: number }>()("test/Database") {}
declare const connect: Effect.Effect<{ readonly receipt: string }, Declined, Database | Scope.Scope>
const needy = Invoice.toLayer(() => connect)
same<typeof needy, Layer.Layer<Job.JobHandler<"invoice">, never, Database>>(true)

// Left-out schemas are void and never.
const Plain = Job.make("plain", { payload: Schema.String })
same<typeof Plain.successSchema, typeof Schema.Void>(true)
same<typeof Plain.errorSchema, typeof Schema.Never>(true)
Plain.toLayer((text) => {
  same<typeof text, string>(true)
  return Effect.void
})
// @ts-expect-error it declares no errors
Plain.toLayer(() => Effect.fail(new Declined({ why: "" })))

// A schema that needs services cannot be read by any process tomorrow.
declare const needing: Schema.Codec<string, string, Database>
// @ts-expect-error decoding needs a Database
Job.make("needing", { payload: needing })

// Follow-ups are checked as any enqueue is.
Plain.toLayer((_, context) => Effect.orDie(context.followUp(Invoice, { customer: "c", cents: 1, on: date })))
// @ts-expect-error Plain's payload is a string
Plain.toLayer((_, context) => Effect.orDie(context.followUp(Plain, 5)))
