import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type { Grant } from "../../src/log/JobLog.ts"
import * as Job from "../../src/scheduler/Job.ts"
import { defaultRetry, fullJitter, retryDelay, type RetrySchedule } from "../../src/scheduler/RetryPolicy.ts"
import { produce, view, work } from "./bench.ts"

const grant = (attempt: number, options?: Partial<Grant>): Grant => ({
  id: "00000000-0000-7000-8000-00000000abcd",
  queue: "q",
  name: "job",
  version: 1,
  payload: "",
  priority: 0,
  attempt,
  delivery: attempt,
  maxAttempts: 100,
  generation: 1,
  enqueuedAt: 1_000,
  readySince: 1_000,
  leaseDuration: undefined,
  timeout: undefined,
  deadline: undefined,
  group: undefined,
  metadata: undefined,
  trace: undefined,
  token: 1n,
  receipt: "",
  ...options
})

const delays = (schedule: RetrySchedule, attempts: number, options?: Partial<Grant>) =>
  Effect.forEach(
    Array.from({ length: attempts }, (_, n) => n + 1),
    (attempt) => retryDelay(schedule, grant(attempt, options), undefined)
  )

describe("the delay before a retry", () => {
  it.effect("is the schedule's at that attempt, and undefined once it has ended", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* delays(Schedule.exponential("100 millis"), 5), [100, 200, 400, 800, 1_600])
      assert.deepStrictEqual(yield* delays(Schedule.spaced("1 second"), 3), [1_000, 1_000, 1_000])
      assert.deepStrictEqual(yield* delays(Schedule.recurs(2), 4), [0, 0, undefined, undefined])
    })
  )

  it.effect("is a pure fold: the same for the same job and attempt, whatever happened in between", () =>
    Effect.gen(function* () {
      const first = yield* delays(defaultRetry, 20)
      const again = yield* delays(defaultRetry, 20)
      assert.deepStrictEqual(first, again)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* retryDelay(defaultRetry, grant(13, { token: 99n, delivery: 50 }), "x"), first[12])
    })
  )

  it.effect("has jitter of its own for each job and generation", () =>
    Effect.gen(function* () {
      const seen = new Set<number | undefined>()
      for (let n = 0; n < 1_000; n++) {
        seen.add(yield* retryDelay(defaultRetry, grant(8, { id: `00000000-0000-7000-8000-${n}` }), undefined))
      }
      seen.add(yield* retryDelay(defaultRetry, grant(8, { generation: 2 }), undefined))
      assert.isAbove(seen.size, 995)
    })
  )

  it.effect("by default is full jitter from one second to ten minutes", () =>
    Effect.gen(function* () {
      let sum = 0
      for (let n = 0; n < 500; n++) {
        const all = yield* delays(defaultRetry, 14, { id: `job ${n}` })
        all.forEach((delay, index) => {
          assert.isAtLeast(delay ?? -1, 0)
          assert.isAtMost(delay ?? Infinity, Math.min(600_000, 1_000 * 2 ** index))
        })
        sum += all[13] ?? 0
      }
      assert.approximately(sum / 500, 300_000, 30_000, "uniform below the cap")
      const small = yield* delays(fullJitter({ base: "10 millis", cap: "20 millis" }), 30)
      assert.isAtMost(Math.max(...small.map((delay) => delay ?? Infinity)), 20)
    })
  )

  it.effect("a schedule that dies ends the retries", () =>
    Effect.gen(function* () {
      const broken = Schedule.spaced("1 second").pipe(
        Schedule.modifyDelay(() => Effect.die(new Error("a bug of the policy")))
      )
      assert.isUndefined(yield* retryDelay(broken, grant(1), undefined))
    })
  )
})

class Declined extends Schema.TaggedError<Declined>()("Declined", { why: Schema.String }) {}
class GatewayDown extends Schema.TaggedError<GatewayDown>()("GatewayDown", {}) {}
class Odd extends Schema.TaggedError<Odd>()("constructor", {}) {}

class Pay extends Job.make("pay", {
  payload: { fail: Schema.Literals(["Declined", "GatewayDown", "constructor", "defect", "hang"]) },
  error: Schema.Union([Declined, GatewayDown, Odd]),
  maxAttempts: 3,
  timeout: "1 second",
  retry: { Declined: "never", GatewayDown: Schedule.spaced("10 seconds"), constructor: "never" }
}) {}

const paying = Pay.toLayer(({ fail }) => {
  switch (fail) {
    case "Declined":
      return Effect.fail(new Declined({ why: "no money" }))
    case "GatewayDown":
      return Effect.fail(new GatewayDown())
    case "constructor":
      return Effect.fail(new Odd())
    case "defect":
      return Effect.die(new Error("a bug"))
    case "hang":
      return Effect.never
  }
})

describe("the retry table", () => {
  it.effect("never is a dead letter at once, with the error's tag", () =>
    produce(
      Effect.gen(function* () {
        const { id } = yield* Pay.enqueue({ fail: "Declined" })
        const odd = yield* Pay.enqueue({ fail: "constructor" })
        yield* work(paying)
        yield* TestClock.adjust(1)
        const dead = yield* view(id)
        assert.deepStrictEqual([dead.state, dead.attempts, dead.cause?.tag], ["DeadLettered", 1, "Declined"])
        assert.strictEqual((yield* view(odd.id)).state, "DeadLettered")
      })
    )
  )

  it.effect("an error whose tag every object has is looked up like any other", () =>
    produce(
      Effect.gen(function* () {
        class Untabled extends Job.make("untabled", { payload: {}, error: Odd }) {}
        const { id } = yield* Untabled.enqueue({})
        yield* work(Untabled.toLayer(() => Effect.fail(new Odd())))
        yield* TestClock.adjust(0)
        const found = yield* view(id)
        assert.include(["Scheduled", "Ready"], found.state)
        assert.deepStrictEqual([found.attempts, found.cause?.tag], [1, "constructor"])
      })
    )
  )

  it.effect("a schedule sets each delay, and the attempts their bound", () =>
    produce(
      Effect.gen(function* () {
        const { id } = yield* Pay.enqueue({ fail: "GatewayDown" })
        yield* work(paying)
        yield* TestClock.adjust(9_999)
        assert.deepStrictEqual([(yield* view(id)).state, (yield* view(id)).attempts], ["Scheduled", 1])
        yield* TestClock.adjust(1)
        assert.deepStrictEqual([(yield* view(id)).state, (yield* view(id)).attempts], ["Scheduled", 2])
        yield* TestClock.adjust(10_000)
        const dead = yield* view(id)
        assert.deepStrictEqual([dead.state, dead.attempts, dead.cause?.kind], ["DeadLettered", 3, "maxAttempts"])
      })
    )
  )

  it.effect("defects and timeouts are retried by the default policy", () =>
    produce(
      Effect.gen(function* () {
        const defect = yield* Pay.enqueue({ fail: "defect" })
        const hang = yield* Pay.enqueue({ fail: "hang" })
        yield* work(paying)
        yield* TestClock.adjust(1_001)
        for (const [job, kind] of [
          [defect, "defect"],
          [hang, "timeout"]
        ] as const) {
          const found = yield* view(job.id)
          assert.include(["Scheduled", "Ready", "Leased"], found.state)
          assert.strictEqual(found.cause?.kind, kind)
        }
        yield* TestClock.adjust("1 minute")
        for (const { id } of [defect, hang]) {
          assert.deepStrictEqual([(yield* view(id)).state, (yield* view(id)).attempts], ["DeadLettered", 3])
        }
      })
    )
  )

  it.effect("a job's own timeout wins over its definition's", () =>
    produce(
      Effect.gen(function* () {
        const { id } = yield* Pay.enqueue({ fail: "hang" }, { timeout: "50 millis", maxAttempts: 1 })
        yield* work(paying)
        yield* TestClock.adjust(50)
        assert.strictEqual((yield* view(id)).state, "DeadLettered")
      })
    )
  )

  it.effect("no retry reaches beyond the deadline", () =>
    produce(
      Effect.gen(function* () {
        yield* TestClock.setTime(500)
        const late = yield* Pay.enqueue({ fail: "GatewayDown" }, { deadline: 5_000 })
        const unstarted = yield* Pay.enqueue({ fail: "GatewayDown" }, { delay: "1 hour", deadline: 60_000 })
        class Within extends Job.make("within", { payload: {}, deadline: Duration.minutes(2) }) {}
        const within = yield* Within.enqueue({})
        yield* work(
          Layer.merge(
            paying,
            Within.toLayer(() => Effect.void)
          )
        )
        yield* TestClock.adjust(1)
        assert.deepStrictEqual((yield* view(late.id)).cause?.kind, "deadline")
        assert.strictEqual((yield* view(within.id)).deadline, 120_500)
        yield* TestClock.adjust("66 seconds")
        assert.deepStrictEqual(
          [(yield* view(unstarted.id)).state, (yield* view(unstarted.id)).attempts],
          ["DeadLettered", 0]
        )
      })
    )
  )
})
