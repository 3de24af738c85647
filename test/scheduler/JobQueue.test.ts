import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "../../src/scheduler/Job.ts"
import { JobQueue } from "../../src/scheduler/JobQueue.ts"
import { produce, view, work } from "./bench.ts"

class Task extends Job.make("task", {
  payload: { n: Schema.Int },
  error: Schema.TaggedStruct("No", {}),
  retry: { No: "never" }
}) {}

const failing = Task.toLayer(() => Effect.fail({ _tag: "No" } as const))
const missing = "00000000-0000-7000-8000-000000000000"

describe("pause and resume", () => {
  it.effect("nothing is granted while paused; enqueue stays open; resume wakes", () =>
    produce(
      Effect.gen(function* () {
        const queue = yield* JobQueue
        let ran = 0
        yield* work(Task.toLayer(() => Effect.sync(() => void ran++)))
        yield* queue.pause("default")
        yield* Task.enqueueAll([{ n: 1 }, { n: 2 }])
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(ran, 0)
        const [counts] = yield* queue.counts("default")
        assert.deepStrictEqual([counts?.paused, counts?.ready], [true, 2])
        yield* queue.resume("default")
        yield* TestClock.adjust(1)
        assert.strictEqual(ran, 2)
      })
    )
  )
})

describe("cancel", () => {
  it.effect("a waiting job never runs; a running one is interrupted; a finished one is refused", () =>
    produce(
      Effect.gen(function* () {
        const queue = yield* JobQueue
        const events: Array<string> = []
        const [running, waiting] = yield* Task.enqueueAll([{ n: 1 }, { n: 2 }])
        assert.isDefined(running)
        assert.isDefined(waiting)
        yield* work(
          Task.toLayer(({ n }) =>
            n === 3
              ? Effect.void
              : Effect.onInterrupt(Effect.never, () => Effect.sync(() => void events.push(`interrupted ${n}`)))
          ),
          { concurrency: 1, leaseDuration: "3 seconds" }
        )
        yield* TestClock.adjust(100)
        yield* queue.cancel(waiting.id)
        yield* queue.cancel(running.id)
        const again = yield* Effect.flip(queue.cancel(running.id))
        assert.strictEqual(again._tag === "CommandRefused" ? again.reason : again._tag, "cancelled")
        yield* TestClock.adjust(1_000)
        assert.deepStrictEqual(events, ["interrupted 1"])
        const third = yield* Task.enqueue({ n: 3 })
        yield* TestClock.adjust(10)
        const done = yield* Effect.flip(queue.cancel(third.id))
        assert.strictEqual(done._tag === "CommandRefused" ? done.reason : done._tag, "completed")
        assert.strictEqual((yield* Effect.flip(queue.cancel(missing)))._tag, "JobNotFound")
      })
    )
  )
})

describe("reschedule", () => {
  it.effect("moves a waiting job in time and order, not a running one", () =>
    produce(
      Effect.gen(function* () {
        const queue = yield* JobQueue
        const order: Array<number> = []
        const later = yield* Task.enqueue({ n: 1 }, { delay: "1 hour" })
        const other = yield* Task.enqueue({ n: 2 }, { delay: "1 hour" })
        yield* queue.reschedule(later.id, { delay: 0 })
        yield* queue.reschedule(other.id, { at: 0, priority: -5 })
        yield* work(
          Task.toLayer(({ n }) =>
            Effect.andThen(
              Effect.sync(() => void order.push(n)),
              Effect.sleep(100)
            )
          ),
          { concurrency: 1 }
        )
        yield* TestClock.adjust(50)
        const error = yield* Effect.flip(queue.reschedule(other.id, { delay: 10 }))
        assert.strictEqual(error._tag === "CommandRefused" ? error.reason : error._tag, "leased")
        yield* TestClock.adjust(500)
        assert.deepStrictEqual(order, [2, 1])
      })
    )
  )
})

describe("dead letters", () => {
  it.effect("are listed, previewed, redriven and purged, by id or by cause", () =>
    produce(
      Effect.gen(function* () {
        const queue = yield* JobQueue
        const jobs = yield* Task.enqueueAll(Array.from({ length: 5 }, (_, n) => ({ n })))
        const keyed = yield* Task.enqueue({ n: 9 }, { idempotencyKey: "k" })
        yield* work(failing)
        yield* TestClock.adjust(10)
        assert.strictEqual((yield* queue.deadLetters.list()).jobs.length, 6)
        const page = yield* queue.deadLetters.list({ limit: 4 })
        assert.strictEqual(page.jobs.length, 4)
        assert.strictEqual((yield* queue.deadLetters.list({ limit: 4, after: page.next })).jobs.length, 2)
        assert.deepStrictEqual((yield* queue.deadLetters.preview({ cause: "timeout" })).done, [])
        assert.strictEqual((yield* queue.deadLetters.preview({ cause: "No", limit: 3 })).done.length, 3)
        assert.strictEqual((yield* Task.enqueue({ n: 9 }, { idempotencyKey: "k" }))._tag, "Duplicate")

        const first = jobs[0]?.id ?? ""
        const preview = yield* queue.deadLetters.preview({ ids: [first, missing] })
        assert.deepStrictEqual(preview, { done: [first], refused: [{ id: missing, reason: "unknownJob" }] })
        assert.deepStrictEqual(yield* queue.deadLetters.redrive({ ids: [first, missing] }), preview)
        yield* TestClock.adjust(10)
        const again = yield* view(first)
        assert.deepStrictEqual([again.state, again.generation, again.attempts], ["DeadLettered", 2, 1])

        const purged = yield* queue.deadLetters.purge({ queue: "default", name: "task" })
        assert.strictEqual(purged.done.length, 6)
        assert.strictEqual((yield* Effect.flip(queue.show(keyed.id)))._tag, "JobNotFound")
        assert.strictEqual((yield* queue.counts())[0]?.deadLettered ?? 0, 0)
      })
    )
  )

  it.effect("thousands are redriven at once", () =>
    produce(
      Effect.gen(function* () {
        const queue = yield* JobQueue
        yield* Task.enqueueAll(Array.from({ length: 2_500 }, (_, n) => ({ n })))
        yield* work(failing)
        yield* TestClock.adjust(1_000)
        yield* queue.pause("default")
        const { done, refused } = yield* queue.deadLetters.redrive({ cause: "No" })
        assert.deepStrictEqual([done.length, refused.length], [2_500, 0])
        assert.strictEqual((yield* queue.counts("default"))[0]?.ready, 2_500)
      })
    )
  )
})

describe("list and counts", () => {
  it.effect("pages in the order of enqueue, by queue, state and name", () =>
    produce(
      Effect.gen(function* () {
        class Elsewhere extends Job.make("elsewhere", { payload: {}, queue: "other" }) {}
        const queue = yield* JobQueue
        const ids = (yield* Task.enqueueAll(Array.from({ length: 7 }, (_, n) => ({ n })))).map(({ id }) => id)
        yield* Elsewhere.enqueueAll([{}, {}], { delay: "1 hour" })
        const found: Array<string> = []
        let after: string | undefined
        do {
          const page: { readonly jobs: ReadonlyArray<{ readonly id: string }>; readonly next: string | undefined } =
            yield* queue.list({ queue: "default", after, limit: 3 })
          found.push(...page.jobs.map(({ id }) => id))
          after = page.next
        } while (after !== undefined)
        assert.deepStrictEqual(found, ids)
        assert.strictEqual((yield* queue.list({ state: "Scheduled" })).jobs.length, 2)
        assert.strictEqual((yield* queue.list({ name: "elsewhere" })).jobs.length, 2)
        const counts = yield* queue.counts()
        assert.deepStrictEqual(counts.map((each) => [each.queue, each.ready, each.scheduled]).toSorted(), [
          ["default", 7, 0],
          ["other", 0, 2]
        ])
        yield* queue.configure("default", { maxBacklog: 7 })
        const full = yield* Effect.flip(Task.enqueue({ n: 8 }))
        assert.strictEqual(full._tag === "LogError" ? full.reason._tag : full._tag, "Full")
      })
    )
  )
})
