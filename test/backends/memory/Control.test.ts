import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { JobView, ReadQuery } from "../../../src/log/JobLog.ts"
import { bench, cause, id, item } from "./harness.ts"
import type { Bench } from "./harness.ts"

const refused = (reason: string) => ({ _tag: "Refused", reason })
const done = { _tag: "Done" }

const jobs = (on: Bench, query: Partial<Extract<ReadQuery, { _tag: "Jobs" }>> = {}) =>
  Effect.map(on.log.read({ _tag: "Jobs", limit: 1000, ...query }), (answer) =>
    answer._tag === "Jobs" ? answer : { jobs: [], next: undefined, now: -1 }
  )
const numbers = (found: { readonly jobs: ReadonlyArray<JobView> }) => found.jobs.map((job) => Number(job.id.slice(-12)))

describe("control", () => {
  it.effect("pause keeps jobs back, enqueue stays open", () =>
    Effect.gen(function* () {
      const { control, enqueue, view, worker } = yield* bench()
      const w = yield* worker()
      yield* enqueue(item(1))
      const grant = yield* w.take()
      yield* control({ _tag: "Pause", queue: "q" })
      yield* enqueue(item(2))
      assert.deepStrictEqual((yield* w.claim()).grants, [])
      assert.isTrue((yield* view(2))?.paused)
      yield* w.settle(grant, { _tag: "Complete" })
      yield* control({ _tag: "Resume", queue: "q" })
      assert.strictEqual((yield* w.take()).id, id(2))
    })
  )

  it.effect("redrive begins a new generation with the token going on", () =>
    Effect.gen(function* () {
      const { control, enqueue, view, worker } = yield* bench()
      yield* enqueue(item(1, { deadline: 500, key: { value: "k", window: 0 } }))
      const w = yield* worker()
      yield* w.settle(yield* w.take(), { _tag: "DeadLetter", cause })
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(yield* control({ _tag: "Redrive", id: id(1) }), done as never)
      assert.deepStrictEqual(yield* control({ _tag: "Redrive", id: id(1) }), refused("notDeadLettered") as never)
      const again = yield* enqueue(item(2, { key: { value: "k", window: 0 } }))
      assert.deepStrictEqual(again, [{ _tag: "Duplicate", id: id(1), state: "Ready" }])
      const grant = yield* w.take()
      assert.deepStrictEqual(
        [grant.attempt, grant.delivery, grant.generation, grant.token, grant.deadline],
        [1, 1, 2, 2n, undefined]
      )
      assert.isUndefined((yield* view(1))?.finishedAt)
    })
  )

  it.effect("reschedule moves a waiting job in time and order", () =>
    Effect.gen(function* () {
      const { control, enqueue, worker } = yield* bench()
      yield* enqueue(item(1), item(2), item(3, { delay: 9000 }))
      yield* control({ _tag: "Reschedule", id: id(1), delay: 100 })
      yield* control({ _tag: "Reschedule", id: id(3), at: 0, priority: -1 })
      const w = yield* worker()
      const { grants } = yield* w.claim()
      assert.deepStrictEqual(
        grants.map((grant) => grant.id),
        [id(3), id(2)]
      )
      assert.deepStrictEqual(yield* control({ _tag: "Reschedule", id: id(2), delay: 0 }), refused("leased") as never)
      yield* TestClock.adjust(100)
      assert.strictEqual((yield* w.take()).id, id(1))
    })
  )

  it.effect("says why a command does not fit", () =>
    Effect.gen(function* () {
      const { control, enqueue, worker } = yield* bench()
      yield* enqueue(item(1), item(2))
      const w = yield* worker()
      yield* w.settle(yield* w.take(), { _tag: "Complete" })
      yield* control({ _tag: "Cancel", id: id(2) })
      const answers = []
      for (const n of [1, 2, 9]) {
        answers.push(yield* control({ _tag: "Cancel", id: id(n) }))
        answers.push(yield* control({ _tag: "Redrive", id: id(n) }))
        answers.push(yield* control({ _tag: "Reschedule", id: id(n), delay: 0 }))
      }
      answers.push(yield* control({ _tag: "Purge", id: id(9) }))
      yield* enqueue(item(3))
      answers.push(yield* control({ _tag: "Purge", id: id(3) }))
      assert.deepStrictEqual(
        answers,
        [
          ...["completed", "completed", "completed"],
          ...["cancelled", "cancelled", "cancelled"],
          ...["unknownJob", "unknownJob", "unknownJob", "unknownJob"],
          "notTerminal"
        ].map(refused) as never
      )
    })
  )

  it.effect("purge removes the record", () =>
    Effect.gen(function* () {
      const { control, enqueue, view, worker } = yield* bench()
      yield* enqueue(item(1))
      const w = yield* worker()
      yield* w.settle(yield* w.take(), { _tag: "DeadLetter", cause })
      assert.deepStrictEqual(yield* control({ _tag: "Purge", id: id(1) }), done as never)
      assert.isUndefined(yield* view(1))
    })
  )
})

describe("retention", () => {
  it.effect("keeps completed and cancelled records by age and number, dead letters for good", () =>
    Effect.gen(function* () {
      const on = yield* bench({ retainCompleted: 1000, retainCompletedCount: 2 })
      const w = yield* on.worker(60_000)
      yield* on.enqueue(...[1, 2, 3, 4, 5].map((n) => item(n)))
      const { grants } = yield* w.claim()
      for (const grant of grants.slice(0, 3)) yield* w.settle(grant, { _tag: "Complete" })
      assert.isDefined(grants[3])
      yield* w.settle(grants[3], { _tag: "DeadLetter", cause })
      assert.deepStrictEqual(numbers(yield* jobs(on)), [2, 3, 4, 5])
      yield* on.control({ _tag: "Cancel", id: id(5) })
      assert.deepStrictEqual(numbers(yield* jobs(on)), [2, 3, 4, 5], "the holder has yet to confirm")
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(numbers(yield* jobs(on)), [4, 5])
      yield* w.close
      assert.deepStrictEqual(numbers(yield* jobs(on)), [4])
    })
  )
})

describe("read", () => {
  it.effect("counts by state, derived from the clock", () =>
    Effect.gen(function* () {
      const on = yield* bench()
      const w = yield* on.worker()
      yield* on.enqueue(...[1, 2, 3, 4].map((n) => item(n)))
      const { grants } = yield* w.claim()
      assert.isDefined(grants[0])
      assert.isDefined(grants[1])
      yield* w.settle(grants[0], { _tag: "Complete" })
      yield* w.settle(grants[1], { _tag: "DeadLetter", cause })
      yield* on.control({ _tag: "Cancel", id: id(3) })
      yield* on.enqueue(item(5, { delay: 100 }), item(6, { delay: 300 }), item(7, { queue: "other" }))
      yield* TestClock.adjust(150)
      yield* on.enqueue(item(8))
      const answer = yield* on.log.read({ _tag: "Counts" })
      assert.deepStrictEqual(answer, {
        _tag: "Counts",
        now: 150,
        queues: [
          {
            queue: "q",
            paused: false,
            scheduled: 1,
            ready: 2,
            leased: 1,
            completed: 1,
            deadLettered: 1,
            cancelled: 1,
            oldestReadySince: 100
          },
          {
            queue: "other",
            paused: false,
            scheduled: 0,
            ready: 1,
            leased: 0,
            completed: 0,
            deadLettered: 0,
            cancelled: 0,
            oldestReadySince: 0
          }
        ]
      })
      const one = yield* on.log.read({ _tag: "Counts", queue: "nowhere" })
      assert.deepStrictEqual(one._tag === "Counts" && one.queues.map((queue) => [queue.queue, queue.ready]), [
        ["nowhere", 0]
      ])
    })
  )

  it.effect("lists in pages, in enqueue order, filtered", () =>
    Effect.gen(function* () {
      const on = yield* bench()
      for (let n = 0; n < 200; n++) {
        yield* on.enqueue(item(n, { queue: n % 2 === 0 ? "q" : "other", name: n % 3 === 0 ? "a" : "b" }))
      }
      const seen: Array<number> = []
      let after: string | undefined
      do {
        const page = yield* jobs(on, { limit: 7, after, queue: "q", name: "a" })
        seen.push(...numbers(page))
        after = page.next
        // what is removed meanwhile does not disturb the pages
        yield* on.log.control([0, 1, 2, 3].map((n) => ({ _tag: "Cancel", id: id(n + seen.length) })))
        yield* on.log.control([0, 1, 2, 3].map((n) => ({ _tag: "Purge", id: id(n + seen.length) })))
      } while (after !== undefined)
      assert.deepStrictEqual(
        seen,
        Array.from({ length: 34 }, (_, n) => n * 6)
      )
      const gone = numbers(yield* jobs(on))
      assert.isBelow(gone.length, 200)
      assert.deepStrictEqual(
        gone,
        [...gone].sort((a, b) => a - b)
      )
      assert.deepStrictEqual(numbers(yield* jobs(on, { state: "Completed" })), [])
    })
  )

  it.effect("shows who holds a job", () =>
    Effect.gen(function* () {
      const { enqueue, view, worker } = yield* bench()
      yield* enqueue(item(1, { key: { value: "k", window: 0 } }))
      const w = yield* worker()
      const grant = yield* w.take()
      const job = yield* view(1)
      assert.deepStrictEqual(
        [job?.state, job?.token, job?.session, job?.key],
        ["Leased", grant.token, w.session.id, "k"]
      )
    })
  )
})

describe("changes", () => {
  it.effect("never misses what came after the cursor", () =>
    Effect.gen(function* () {
      const { enqueue, log, worker } = yield* bench()
      const w = yield* worker()
      const { cursor } = yield* w.claim()
      const waiting = yield* Effect.forkChild(log.changes({ _tag: "Queue", queue: "q", cursor }))
      yield* TestClock.adjust(0)
      yield* enqueue(item(9, { queue: "other" }))
      yield* TestClock.adjust(0)
      assert.isUndefined(waiting.pollUnsafe())
      yield* enqueue(item(1))
      yield* Fiber.join(waiting)
      yield* log.changes({ _tag: "Queue", queue: "q", cursor })
      yield* log.changes({ _tag: "Queue", queue: "q", cursor: "from another log" })
    })
  )

  it.effect("tells when a delay ends and when a lease runs out", () =>
    Effect.gen(function* () {
      const { enqueue, log, worker } = yield* bench()
      const [a, b] = [yield* worker(700), yield* worker()]
      yield* enqueue(item(1), item(2, { delay: 500 }))
      yield* a.take()
      const first = yield* b.claim()
      const one = yield* Effect.forkChild(log.changes({ _tag: "Queue", queue: "q", cursor: first.cursor }))
      yield* TestClock.adjust(500)
      yield* Fiber.join(one)
      const second = yield* b.claim()
      assert.strictEqual(second.grants.length, 1)
      const two = yield* Effect.forkChild(log.changes({ _tag: "Queue", queue: "q", cursor: second.cursor }))
      yield* TestClock.adjust(199)
      assert.isUndefined(two.pollUnsafe())
      yield* TestClock.adjust(1)
      yield* Fiber.join(two)
      assert.strictEqual((yield* b.take()).id, id(1))
    })
  )

  it.effect("tells when a job has ended or is gone", () =>
    Effect.gen(function* () {
      const { control, enqueue, log, worker } = yield* bench()
      yield* enqueue(item(1))
      const w = yield* worker()
      const [a, b] = [
        yield* Effect.forkChild(log.changes({ _tag: "Job", id: id(1) })),
        yield* Effect.forkChild(log.changes({ _tag: "Job", id: id(1) }))
      ]
      yield* TestClock.adjust(0)
      const grant = yield* w.take()
      yield* Fiber.interrupt(b)
      assert.isUndefined(a.pollUnsafe())
      yield* w.settle(grant, { _tag: "Complete" })
      yield* Fiber.join(a)
      yield* log.changes({ _tag: "Job", id: id(1) })
      yield* control({ _tag: "Purge", id: id(1) })
      yield* log.changes({ _tag: "Job", id: id(1) })
    })
  )
})
