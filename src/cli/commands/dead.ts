/**
 * `leasehold dead list`, `preview`, `redrive` and `purge`
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type { DeadLetterReport } from "../../scheduler/JobQueue.ts"
import { reading, where, type Where, writing } from "../Access.ts"
import { answering } from "../Answer.ts"
import { type Given, select, toSelection } from "../DeadLetters.ts"
import { Unsuccessful, WrongUsage } from "../Failure.ts"
import { deadTable } from "../JobTable.ts"
import { json, note, print, printJson } from "../Output.ts"
import { table } from "../Table.ts"
import { jobId, pageAfter, pageLimit } from "./jobs.ts"

const filters = {
  queue: Flag.String("queue").pipe(Flag.withDescription("Only this queue's"), Flag.optional),
  name: Flag.String("name").pipe(Flag.withDescription("Only jobs of this name"), Flag.optional)
}

const selection = {
  ids: jobId.pipe(Argument.variadic({ max: 1_000 })),
  ...filters,
  cause: Flag.String("cause").pipe(
    Flag.withDescription("Only those that died of this: a cause's kind or its error's tag"),
    Flag.optional
  ),
  limit: Flag.Int("limit").pipe(
    Flag.withDescription("At most this many, oldest first; default all"),
    Flag.withSchema(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))),
    Flag.optional
  ),
  all: Flag.Boolean("all").pipe(Flag.withDescription("All dead letters there are"), Flag.withDefault(false))
}

const list = Command.make(
  "list",
  { ...filters, limit: pageLimit, after: pageAfter, ...where, json },
  ({ after, json, limit, name, queue, ...given }) =>
    answering(
      json,
      Effect.gen(function* () {
        const page = yield* (yield* reading(given)).queue.deadLetters.list({
          queue: Option.getOrUndefined(queue),
          name: Option.getOrUndefined(name),
          after: Option.getOrUndefined(after),
          limit
        })
        if (json) return printJson(page)
        print(page.jobs.length === 0 ? "no dead letters" : deadTable(page.jobs))
        if (page.next !== undefined) note(`more: --after ${page.next}`)
      })
    )
).pipe(Command.withDescription("Dead letters in enqueue order, a page at a time"))

const preview = Command.make("preview", { ...selection, ...where, json }, ({ json, ...given }) =>
  answering(
    json,
    Effect.gen(function* () {
      const chosen = yield* toSelection(given)
      const { queue } = yield* reading(given)
      const { jobs } = yield* select(queue, chosen)
      const { done, refused } = yield* queue.deadLetters.preview(chosen)
      if (json) return printJson({ redrive: done, refused })
      if (jobs.length > 0) print(deadTable(jobs))
      if (refused.length > 0) print(refusedTable(refused))
      print(`${done.length} would be redriven, ${refused.length} would be refused`)
    })
  )
).pipe(Command.withDescription("What redrive would do now, without doing it"))

const refusedTable = (refused: DeadLetterReport["refused"]): string =>
  table(refused, [
    { title: "REFUSED", value: (each) => each.id },
    { title: "REASON", value: (each) => each.reason }
  ])

const report = (verb: string, { done, refused }: DeadLetterReport, json: boolean) =>
  Effect.gen(function* () {
    if (json) printJson({ [verb]: done, refused })
    else {
      if (refused.length > 0) print(refusedTable(refused))
      print(`${done.length} ${verb}, ${refused.length} refused`)
    }
    if (refused.length > 0) {
      return yield* new Unsuccessful({ detail: `${refused.length} dead letters were refused` })
    }
  })

const redrive = Command.make("redrive", { ...selection, ...where, json }, ({ json, ...given }) =>
  answering(
    json,
    Effect.gen(function* () {
      const chosen = yield* toSelection(given)
      const { queue } = yield* writing(given)
      yield* report("redriven", yield* queue.deadLetters.redrive(chosen), json)
    })
  )
).pipe(Command.withDescription("Moves dead letters back to their queues: same id, attempts from the start"))

const previewPurge = Effect.fnUntraced(function* (given: Given & Where, json: boolean) {
  const { queue } = yield* reading(given)
  const { jobs, refused } = yield* select(queue, yield* toSelection(given))
  if (json) return printJson({ purge: jobs.map((job) => job.id), refused })
  if (jobs.length > 0) print(deadTable(jobs))
  if (refused.length > 0) print(refusedTable(refused))
  print(`${jobs.length} would be purged, ${refused.length} would be refused`)
})

const purge = Command.make(
  "purge",
  {
    ...selection,
    yes: Flag.Boolean("yes").pipe(Flag.withDescription("Do remove them"), Flag.withDefault(false)),
    preview: Flag.Boolean("preview").pipe(Flag.withDescription("Show what would go"), Flag.withDefault(false)),
    ...where,
    json
  },
  ({ json, preview, yes, ...given }) =>
    answering(
      json,
      Effect.gen(function* () {
        if (preview) return yield* previewPurge(given, json)
        const chosen = yield* toSelection(given)
        if (!yes) {
          return yield* new WrongUsage({
            detail: "nothing was removed: look with --preview at what would go, and say --yes to remove it for good"
          })
        }
        const { queue } = yield* writing(given)
        yield* report("purged", yield* queue.deadLetters.purge(chosen), json)
      })
    )
).pipe(Command.withDescription("Removes dead letters for good; needs --yes, or --preview"))

/**
 * @since 0.1.0
 * @category commands
 * @stability unstable
 */
export const dead = Command.make("dead").pipe(
  Command.withDescription("Look at dead letters, run them again or remove them"),
  Command.withSubcommands([list, preview, redrive, purge])
)
