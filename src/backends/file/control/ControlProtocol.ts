/**
 * What the command line and a log's owner say to each other over the socket in the log's directory: one JSON value per
 * line, checked on both sides.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { LogError } from "../../../log/LogError.ts"
import { FailureCause } from "../../../model/FailureCause.ts"
import { jobStates } from "../../../model/Job.ts"

/**
 * Version of the protocol. An owner answers other versions with an error that names its own.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const protocolVersion = 1

/**
 * Name of the socket in the log's directory.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const socketName = "control.sock"

/**
 * Most bytes of one request: a thousand commands fit in.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const maxRequestBytes = 1024 * 1024

/**
 * Most bytes of one answer: a page of jobs whose every character is escaped stays far below.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const maxResponseBytes = 256 * 1024 * 1024

const State = Schema.Literals([...jobStates])

const Query = Schema.Union([
  Schema.TaggedStruct("Counts", { queue: Schema.optional(Schema.String) }),
  Schema.TaggedStruct("Jobs", {
    queue: Schema.optional(Schema.String),
    state: Schema.optional(State),
    name: Schema.optional(Schema.String),
    after: Schema.optional(Schema.String),
    limit: Schema.Number
  }),
  Schema.TaggedStruct("Job", { id: Schema.String })
])

const Policy = Schema.Struct({
  groupConcurrency: Schema.optional(Schema.Number),
  groupOnRetry: Schema.optional(Schema.Literals(["block", "stepAside"])),
  maxBacklog: Schema.optional(Schema.Union([Schema.Number, Schema.Literal("unlimited")])),
  retainCompleted: Schema.optional(Schema.Number),
  retainCompletedCount: Schema.optional(Schema.Number)
})

const Command = Schema.Union([
  Schema.TaggedStruct("Cancel", { id: Schema.String }),
  Schema.TaggedStruct("Pause", { queue: Schema.String }),
  Schema.TaggedStruct("Resume", { queue: Schema.String }),
  Schema.TaggedStruct("Redrive", { id: Schema.String }),
  Schema.TaggedStruct("Reschedule", {
    id: Schema.String,
    at: Schema.optional(Schema.Number),
    delay: Schema.optional(Schema.Number),
    priority: Schema.optional(Schema.Number)
  }),
  Schema.TaggedStruct("Purge", { id: Schema.String }),
  Schema.TaggedStruct("Configure", { queue: Schema.String, policy: Policy })
])

/**
 * A request, once its version is known to be this one.
 *
 * @since 0.1.0
 * @category schemas
 * @stability unstable
 */
export const Request = Schema.Union([
  Schema.TaggedStruct("Read", { v: Schema.Literal(protocolVersion), query: Query }),
  Schema.TaggedStruct("Control", { v: Schema.Literal(protocolVersion), commands: Schema.Array(Command) })
])

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Request = typeof Request.Type

const View = Schema.Struct({
  id: Schema.String,
  queue: Schema.String,
  name: Schema.String,
  version: Schema.Number,
  state: State,
  priority: Schema.Number,
  payload: Schema.String,
  sequence: Schema.Number,
  generation: Schema.Number,
  attempts: Schema.Number,
  maxAttempts: Schema.Number,
  deliveries: Schema.Number,
  maxDeliveries: Schema.Number,
  enqueuedAt: Schema.Number,
  visibleAt: Schema.Number,
  finishedAt: Schema.optional(Schema.Number),
  deadline: Schema.optional(Schema.Number),
  leaseDuration: Schema.optional(Schema.Number),
  timeout: Schema.optional(Schema.Number),
  group: Schema.optional(Schema.String),
  key: Schema.optional(Schema.String),
  metadata: Schema.optional(Schema.Record(Schema.String, Schema.String)),
  cause: Schema.optional(FailureCause),
  result: Schema.optional(Schema.String),
  progress: Schema.optional(Schema.String),
  token: Schema.optional(Schema.BigInt),
  session: Schema.optional(Schema.String),
  paused: Schema.optional(Schema.Boolean),
  keyHeldBy: Schema.optional(Schema.String)
})

const Counts = Schema.Struct({
  queue: Schema.String,
  paused: Schema.Boolean,
  scheduled: Schema.Number,
  ready: Schema.Number,
  leased: Schema.Number,
  completed: Schema.Number,
  deadLettered: Schema.Number,
  cancelled: Schema.Number,
  oldestReadySince: Schema.UndefinedOr(Schema.Number)
})

const Answer = Schema.Union([
  Schema.TaggedStruct("Counts", { now: Schema.Number, queues: Schema.Array(Counts) }),
  Schema.TaggedStruct("Jobs", {
    now: Schema.Number,
    jobs: Schema.Array(View),
    next: Schema.UndefinedOr(Schema.String)
  }),
  Schema.TaggedStruct("Job", { now: Schema.Number, job: Schema.UndefinedOr(View) })
])

const Result = Schema.Union([
  Schema.TaggedStruct("Done", {}),
  Schema.TaggedStruct("Refused", {
    reason: Schema.Literals([
      "unknownJob",
      "leased",
      "completed",
      "cancelled",
      "deadLettered",
      "notTerminal",
      "notDeadLettered",
      "keyHeld"
    ]),
    holder: Schema.optional(Schema.String)
  })
])

/**
 * The owner's answer.
 *
 * @since 0.1.0
 * @category schemas
 * @stability unstable
 */
export const Response = Schema.Union([
  Schema.TaggedStruct("Read", { answer: Answer }),
  Schema.TaggedStruct("Control", { results: Schema.Array(Result) }),
  /** The operation failed. */
  Schema.TaggedStruct("Failed", { error: LogError }),
  /** The request was not understood. */
  Schema.TaggedStruct("Rejected", { detail: Schema.String })
])

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Response = typeof Response.Type

/**
 * A request or response as one line.
 *
 * @since 0.1.0
 * @category schemas
 * @stability unstable
 */
export const RequestLine = Schema.fromJsonString(Schema.toCodecJson(Request))

/**
 * @since 0.1.0
 * @category schemas
 * @stability unstable
 */
export const ResponseLine = Schema.fromJsonString(Schema.toCodecJson(Response))
