/**
 * `leasehold stats`
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type { QueueCounts } from "../../log/JobLog.ts"
import { reading, where } from "../Access.ts"
import { answering } from "../Answer.ts"
import { json, print, printJson } from "../Output.ts"
import { type Column, table } from "../Table.ts"
import { span } from "../Time.ts"

const count = (title: string, value: (counts: QueueCounts) => number): Column<QueueCounts> => ({
  title,
  value: (counts) => String(value(counts)),
  align: "right"
})

const columns = (now: number): ReadonlyArray<Column<QueueCounts>> => [
  { title: "QUEUE", value: (counts) => counts.queue },
  count("READY", (counts) => counts.ready),
  count("SCHEDULED", (counts) => counts.scheduled),
  count("LEASED", (counts) => counts.leased),
  count("COMPLETED", (counts) => counts.completed),
  count("DEAD", (counts) => counts.deadLettered),
  count("CANCELLED", (counts) => counts.cancelled),
  {
    title: "OLDEST READY",
    value: ({ oldestReadySince }) => (oldestReadySince === undefined ? "-" : span(now - oldestReadySince)),
    align: "right"
  },
  { title: "", value: (counts) => (counts.paused ? "paused" : "") }
]

/**
 * @since 0.1.0
 * @category commands
 * @stability unstable
 */
export const stats = Command.make(
  "stats",
  {
    queue: Flag.String("queue").pipe(Flag.withDescription("Only this queue"), Flag.optional),
    ...where,
    json
  },
  ({ json, queue, ...given }) =>
    answering(
      json,
      Effect.gen(function* () {
        const { log } = yield* reading(given)
        const answer = yield* log.read({ _tag: "Counts", queue: Option.getOrUndefined(queue) })
        if (answer._tag !== "Counts") return yield* Effect.die(new Error("leasehold: the log answered another query"))
        if (json) return printJson({ now: answer.now, queues: answer.queues })
        print(answer.queues.length === 0 ? "no queues" : table(answer.queues, columns(answer.now)))
      })
    )
).pipe(Command.withDescription("Counts of each queue's jobs by state, and how long the oldest ready one has waited"))
