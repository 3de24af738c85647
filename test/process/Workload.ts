/** What the killed processes work on, and what they tell their parent while they live. */
import { writeSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { silent, type Telemetry } from "../../src/actors/Telemetry.ts"
import * as Job from "../../src/scheduler/Job.ts"

/**
 * One line to the parent each. They are written synchronously, so that a line that says what was acknowledged is out
 * before anything that comes after it.
 */
export const Message = Schema.Union([
  /** About to enqueue. */
  Schema.TaggedStruct("Enqueueing", { jobs: Schema.Array(Schema.Struct({ id: Schema.String, n: Schema.Int })) }),
  /** The log acknowledged them. */
  Schema.TaggedStruct("Enqueued", { ids: Schema.Array(Schema.String) }),
  Schema.TaggedStruct("Run", {
    id: Schema.String,
    token: Schema.Int,
    attempt: Schema.Int,
    delivery: Schema.Int
  }),
  /** The log acknowledged a settlement. */
  Schema.TaggedStruct("Settled", { id: Schema.String, token: Schema.String, state: Schema.String }),
  Schema.TaggedStruct("Refused", { reason: Schema.String }),
  Schema.TaggedStruct("LeaseLost", { count: Schema.Int }),
  Schema.TaggedStruct("Said", { text: Schema.String }),
  Schema.TaggedStruct("Drained", {})
])
export type Message = typeof Message.Type

export const tell = (message: Message): void => {
  writeSync(1, `${JSON.stringify(message)}\n`)
}

/** Tells the parent what the log acknowledged and refused. */
export const telemetry: Telemetry = {
  ...silent,
  settled: (_queue, item, state) => tell({ _tag: "Settled", id: item.id, token: item.token.toString(), state }),
  refused: (_queue, reason) => tell({ _tag: "Refused", reason }),
  leaseLost: (_queue, lost) => tell({ _tag: "LeaseLost", count: lost.length })
}

export const queue = "soak"

/** What becomes of the n-th job. */
export const kindOf = (n: number): "quick" | "slow" | "flaky" | "hopeless" | "parent" => {
  if (n % 97 === 0) return "hopeless"
  if (n % 7 === 0) return "parent"
  if (n % 5 === 0) return "flaky"
  return n % 3 === 0 ? "slow" : "quick"
}

/** The id of the job that the completion of another enqueues. */
export const followUpId = (id: string): string => `f${id.slice(1)}`

class Flaky extends Schema.TaggedError<Flaky>()("Flaky", {}) {}
class Hopeless extends Schema.TaggedError<Hopeless>()("Hopeless", {}) {}

export class Child extends Job.make("child", { payload: { of: Schema.String }, queue, maxAttempts: 50 }) {}

export class Work extends Job.make("work", {
  payload: { n: Schema.Int },
  success: Schema.Int,
  error: Schema.Union([Flaky, Hopeless]),
  queue,
  maxAttempts: 50,
  retry: { Flaky: Schedule.spaced("3 millis"), Hopeless: "never" }
}) {}

const ran = (context: Job.JobContext): void =>
  tell({
    _tag: "Run",
    id: context.id,
    token: Number(context.token),
    attempt: context.attempt,
    delivery: context.delivery
  })

export const handlers = Layer.merge(
  Work.toLayer(
    Effect.fnUntraced(function* ({ n }, context) {
      ran(context)
      switch (kindOf(n)) {
        case "slow":
          yield* Effect.sleep(1 + (n % 5))
          break
        case "flaky":
          if (context.attempt < 3) return yield* new Flaky()
          break
        case "hopeless":
          return yield* new Hopeless()
        case "parent":
          yield* Effect.orDie(context.followUp(Child, { of: context.id }, { id: followUpId(context.id) }))
          break
        default:
      }
      return n * 2
    })
  ),
  Child.toLayer((_payload, context) => Effect.sync(() => ran(context)))
)
