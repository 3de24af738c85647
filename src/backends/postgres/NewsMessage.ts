/**
 * News as the payload of a NOTIFY.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Change } from "../../log/News.ts"

/** Short names: a payload has room for 7999 bytes. */
const Payload = Schema.fromJsonString(
  Schema.Struct({
    /** The process that sends. */
    from: Schema.String,
    q: Schema.optionalKey(Schema.Union([Schema.Literal("all"), Schema.Array(Schema.String)])),
    j: Schema.optionalKey(Schema.Union([Schema.Literal("all"), Schema.Array(Schema.String)])),
    /** The sender waits for jobs to end. */
    w: Schema.optionalKey(Schema.Literal(true)),
    /** The sender wants to hear itself. */
    ping: Schema.optionalKey(Schema.Int)
  })
)

const decodeOption = Schema.decodeUnknownOption(Payload)

/**
 * What one process tells the others.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Message extends Change {
  readonly from: string
  /** The sender waits for jobs to end, so that those that end elsewhere are worth telling. */
  readonly waits: boolean
  /** Number of a message that the sender wants to hear itself. */
  readonly ping?: number | undefined
}

/** Names and ids that fit surely: names have at most 128 ASCII characters, ids 36. */
const fits = 40

const shorten = (names: Change["queues"], most: number): Change["queues"] =>
  names === "all" || names.length > most ? "all" : names

/**
 * The payload of a message. What does not fit becomes "all".
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const encode = ({ from, jobs, ping, queues, waits }: Message): string =>
  JSON.stringify({
    from,
    ...(queues.length === 0 ? undefined : { q: shorten(queues, fits) }),
    ...(jobs.length === 0 ? undefined : { j: shorten(jobs, fits) }),
    ...(waits ? { w: true } : undefined),
    ...(ping === undefined ? undefined : { ping })
  })

/**
 * The message of a payload. What is not understood, such as that of a newer release, may be about anything.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const decode = (payload: string): Message =>
  Option.match(decodeOption(payload), {
    onNone: () => ({ from: "", queues: "all", jobs: "all", waits: false }),
    onSome: ({ from, j = [], ping, q = [], w }) => ({ from, queues: q, jobs: j, waits: w === true, ping })
  })
