/**
 * What the demo's worker process and its supervisor tell each other.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * Worker → supervisor, about ten times a second.
 *
 * @since 0.1.0
 * @category messages
 * @stability unstable
 */
export const WorkerMessage = Schema.Union([
  Schema.TaggedStruct("Enqueued", { inserted: Schema.Int, duplicates: Schema.Int }),
  Schema.TaggedStruct("Progress", {
    /** Durably settled, as far as this process was told. */
    completed: Schema.Int,
    deadLettered: Schema.Int,
    /** Claim latencies since the last message, milliseconds. */
    claims: Schema.Array(Schema.Finite)
  }),
  /** Runs have done their work and wait, unsettled: the supervisor may kill now. */
  Schema.TaggedStruct("Holding", { running: Schema.Int }),
  Schema.TaggedStruct("Finished", {}),
  Schema.TaggedStruct("Failed", { message: Schema.String })
])

/**
 * @since 0.1.0
 * @category messages
 * @stability unstable
 */
export type WorkerMessage = typeof WorkerMessage.Type

/**
 * How a worker process is started. Its environment names the log.
 *
 * @since 0.1.0
 * @category messages
 * @stability unstable
 */
export const WorkerStart = Schema.Struct({
  root: Schema.String,
  /** File with one JSON string a line: the walk. */
  list: Schema.String,
  concurrency: Schema.Int,
  /** Number of ended jobs after which runs wait for the kill; absent in the last worker. */
  holdAt: Schema.optionalKey(Schema.Int)
})

/**
 * @since 0.1.0
 * @category messages
 * @stability unstable
 */
export type WorkerStart = typeof WorkerStart.Type
