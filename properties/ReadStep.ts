/**
 * The step that reads with filters and holds the pages against one look at everything.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { JobView, ReadQuery } from "../src/log/JobLog.ts"
import type { LogError } from "../src/log/LogError.ts"
import { jobOf, meet, queueOf, say, told } from "./Hands.ts"
import type { Step } from "./Step.ts"
import { count, jobNames, json, look, observe, outcome, report } from "./World.ts"
import type { World } from "./World.ts"

/** All pages of a query. */
const pages = (world: World, query: Extract<ReadQuery, { readonly _tag: "Jobs" }>) =>
  Effect.gen(function* () {
    const jobs: Array<JobView> = []
    let after: string | undefined
    do {
      const page = yield* world.log.read({ ...query, ...(after === undefined ? undefined : { after }) })
      if (page._tag !== "Jobs") return yield* Effect.die(new Error(`read of Jobs answered ${page._tag}`))
      if (page.jobs.length > query.limit) {
        report(world, ["readsAgree"], `a page of at most ${query.limit} has ${page.jobs.length} jobs`)
      }
      jobs.push(...page.jobs)
      after = page.next
    } while (after !== undefined)
    return jobs
  })

/**
 * Reads with filters, page by page, and one job.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const read = (world: World, step: Extract<Step, { readonly _tag: "Read" }>): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (!world.capabilities.inspect) return
    const query = {
      _tag: "Jobs",
      limit: step.limit,
      ...(step.queue === undefined ? undefined : { queue: queueOf(step.queue) }),
      ...(step.name === undefined ? undefined : { name: jobNames[step.name % jobNames.length] }),
      ...(step.state === undefined ? undefined : { state: step.state })
    } as const
    const queue = queueOf(step.queue ?? 0)
    const shown = step.job === 12 ? undefined : jobOf(world, step.job)
    const id = shown?.id ?? "00000000-0000-4000-8000-ffffffffffff"
    meet(world, shown, "read")
    const reading: Effect.Effect<void, LogError> = Effect.gen(function* () {
      const before = yield* look(world.log)
      const found = yield* pages(world, query)
      const one = yield* world.log.read({ _tag: "Job", id })
      const counted = yield* world.log.read({ _tag: "Counts", queue })
      const after = yield* look(world.log)
      // in a running log the two looks may differ, and then nothing can be said
      if (before.snapshot === undefined || json(before.snapshot.jobs) !== json(after.snapshot?.jobs)) return
      if (found.length > 0) count(world.coverage, "read: some")
      const expected = before.snapshot.jobs.filter(
        (job) =>
          (query.queue === undefined || job.queue === query.queue) &&
          (query.name === undefined || job.name === query.name) &&
          (query.state === undefined || job.state === query.state)
      )
      if (json(found) !== json(expected)) {
        report(world, ["readsAgree"], `${json(query)} found ${json(found)}, expected ${json(expected)}`)
      }
      const all = before.snapshot.counts
      const known = all.filter((counts) => counts.queue === queue)
      const counts = counted._tag === "Counts" ? counted.queues : undefined
      // a queue that nobody used yet may be shown as empty
      const wrong = known.length > 0 ? json(counts) !== json(known) : counts?.some((shown) => shown.queue !== queue)
      if (wrong !== false && json(all) === json(after.snapshot?.counts)) {
        report(world, ["readsAgree"], `counts of ${queue} are ${json(counts)}, of all ${json(all)}`)
      }
      const single = one._tag === "Job" ? one.job : undefined
      const listed = before.snapshot.jobs.find((job) => job.id === id)
      if (json(single) !== json(listed)) {
        report(world, ["readsAgree"], `job ${id} is shown as ${json(single)}, listed as ${json(listed)}`)
      }
    })
    const done = yield* outcome(reading, world.patience)
    say(world, `read ${json(query)} and job ${id} → ${told(done)}`)
    if (done._tag !== "Ok") report(world, ["readsAgree"], `read failed: ${told(done)}`)
    yield* observe(world, () => [])
  })
