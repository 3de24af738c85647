/**
 * `leasehold jobs list`, `show` and `cancel`
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type { JobView } from "../../log/JobLog.ts"
import { jobStates } from "../../model/Job.ts"
import { idPattern, Limits } from "../../model/Limits.ts"
import { JobNotFound } from "../../scheduler/JobError.ts"
import { reading, where, writing } from "../Access.ts"
import { answering } from "../Answer.ts"
import { Unsuccessful } from "../Failure.ts"
import { jobTable } from "../JobTable.ts"
import { json, note, print, printJson } from "../Output.ts"
import { pairs } from "../Table.ts"
import { relative } from "../Time.ts"
import { explain } from "../Why.ts"

/**
 * A job's id on the command line.
 *
 * @since 0.1.0
 * @category arguments
 * @stability unstable
 */
export const jobId = Argument.String("id").pipe(
  Argument.withDescription("A job's id"),
  Argument.withSchema(Schema.String.check(Schema.isPattern(idPattern, { message: "Expected a UUID in lower case" })))
)

/**
 * `--limit` of a page.
 *
 * @since 0.1.0
 * @category flags
 * @stability unstable
 */
export const pageLimit = Flag.Int("limit").pipe(
  Flag.withDescription(`At most this many, up to ${Limits.pageItems}`),
  Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Limits.pageItems }))),
  Flag.withDefault(100)
)

/**
 * `--after` a page.
 *
 * @since 0.1.0
 * @category flags
 * @stability unstable
 */
export const pageAfter = Flag.String("after").pipe(
  Flag.withDescription("Go on after the cursor of the page before"),
  Flag.optional
)

const list = Command.make(
  "list",
  {
    queue: Flag.String("queue").pipe(Flag.withDescription("Only this queue's"), Flag.optional),
    state: Flag.Literals("state", jobStates).pipe(Flag.withDescription("Only in this state"), Flag.optional),
    name: Flag.String("name").pipe(Flag.withDescription("Only jobs of this name"), Flag.optional),
    limit: pageLimit,
    after: pageAfter,
    ...where,
    json
  },
  ({ after, json, limit, name, queue, state, ...given }) =>
    answering(
      json,
      Effect.gen(function* () {
        const page = yield* (yield* reading(given)).queue.list({
          queue: Option.getOrUndefined(queue),
          state: Option.getOrUndefined(state),
          name: Option.getOrUndefined(name),
          after: Option.getOrUndefined(after),
          limit
        })
        if (json) return printJson(page)
        print(page.jobs.length === 0 ? "no jobs" : jobTable(page.jobs))
        if (page.next !== undefined) note(`more: --after ${page.next}`)
      })
    )
).pipe(Command.withDescription("Jobs in enqueue order, a page at a time"))

const details = (job: JobView, now: number): ReadonlyArray<readonly [string, string | undefined]> => [
  ["id", job.id],
  ["queue", `${job.queue}${job.paused === true ? " (paused)" : ""}`],
  ["job", `${job.name} (payload version ${job.version})`],
  ["state", job.state],
  ["priority", String(job.priority)],
  ["attempts", `${job.attempts} of ${job.maxAttempts}`],
  ["deliveries", `${job.deliveries} of ${job.maxDeliveries}`],
  ["generation", String(job.generation)],
  ["enqueued", relative(job.enqueuedAt, now)],
  ["visible", relative(job.visibleAt, now)],
  ["deadline", job.deadline === undefined ? undefined : relative(job.deadline, now)],
  ["finished", job.finishedAt === undefined ? undefined : relative(job.finishedAt, now)],
  ["group", job.group],
  ["key", job.key],
  ["session", job.session],
  ["token", job.token?.toString()],
  ["progress", job.progress],
  ["cause", job.cause === undefined ? undefined : `${job.cause.kind} ${job.cause.tag ?? ""} ${job.cause.message}`],
  ["metadata", job.metadata === undefined ? undefined : JSON.stringify(job.metadata)],
  ["payload", job.payload],
  ["result", job.result]
]

const show = Command.make("show", { id: jobId, ...where, json }, ({ id, json, ...given }) =>
  answering(
    json,
    Effect.gen(function* () {
      const { log, queue } = yield* reading(given)
      const answer = yield* log.read({ _tag: "Job", id })
      if (answer._tag !== "Job") return yield* Effect.die(new Error("leasehold: the log answered another query"))
      const { job, now } = answer
      if (job === undefined) return yield* new JobNotFound({ id })
      const why = yield* explain(queue, job, now)
      if (json) return printJson({ now, job, why })
      print(pairs([...details(job, now), ...why.map((reason) => [reason.code, reason.detail] as const)]))
    })
  )
).pipe(Command.withDescription("All about one job, and why it is not running"))

const cancel = Command.make(
  "cancel",
  { ids: jobId.pipe(Argument.variadic({ min: 1, max: 1_000 })), ...where, json },
  ({ ids, json, ...given }) =>
    answering(
      json,
      Effect.gen(function* () {
        const { log } = yield* writing(given)
        const cancelled: Array<string> = []
        const refused: Array<{ readonly id: string; readonly reason: string }> = []
        const results = yield* log.control(ids.map((id) => ({ _tag: "Cancel", id })))
        for (const [at, result] of results.entries()) {
          if (result._tag === "Done") cancelled.push(ids[at]!)
          else refused.push({ id: ids[at]!, reason: result.reason })
        }
        if (json) printJson({ cancelled, refused })
        else {
          for (const id of cancelled) print(`${id} cancelled`)
          for (const { id, reason } of refused) print(`${id} refused: ${reason}`)
        }
        if (refused.length > 0) {
          return yield* new Unsuccessful({ detail: `${refused.length} of ${ids.length} jobs were not cancelled` })
        }
      })
    )
).pipe(Command.withDescription("Cancels jobs that have not finished; a running one is interrupted at its next renewal"))

/**
 * @since 0.1.0
 * @category commands
 * @stability unstable
 */
export const jobs = Command.make("jobs").pipe(
  Command.withDescription("List, show and cancel jobs"),
  Command.withSubcommands([list, show, cancel])
)
