import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { JobLog } from "../../src/log/JobLog.ts"
import { NotWritable } from "../../src/log/LogError.ts"
import * as Job from "../../src/scheduler/Job.ts"
import { JobQueue } from "../../src/scheduler/JobQueue.ts"
import { JobScheduler } from "../../src/scheduler/JobScheduler.ts"
import * as FaultyLog from "../support/FaultyLog.ts"
import { produce, view, work } from "./bench.ts"

class Sleep extends Job.make("sleep", { payload: { millis: Schema.Int } }) {}
const sleeping = Sleep.toLayer(({ millis }) => Effect.sleep(millis))

class Urgent extends Job.make("urgent", { payload: {}, queue: "urgent", leaseDuration: "10 seconds" }) {}

const quiet = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(effect, References.MinimumLogLevel, "None")

describe("draining", () => {
  it.effect("closing the scope stops claiming, waits for runs, and gives the rest back unused", () =>
    produce(
      Effect.gen(function* () {
        const queue = yield* JobQueue
        const jobs = yield* Sleep.enqueueAll([1_000, 5_000, 1_000, 1_000].map((millis) => ({ millis })))
        const scope = yield* Scope.make()
        yield* work(sleeping, { concurrency: 2, drainGrace: "2 seconds" }).pipe(Scope.provide(scope))
        yield* TestClock.adjust(500)
        const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
        yield* TestClock.adjust(100)
        yield* Sleep.enqueue({ millis: 1 })
        yield* TestClock.adjust(1_800)
        assert.isUndefined(closing.pollUnsafe(), "it waits for the grace period")
        yield* TestClock.adjust(200)
        yield* Fiber.join(closing)
        const views = yield* Effect.forEach(jobs, ({ id }) => view(id))
        assert.deepStrictEqual(
          views.map(({ attempts, state }) => [state, attempts]),
          [
            ["Completed", 1],
            ["Ready", 0],
            ["Ready", 0],
            ["Ready", 0]
          ]
        )
        assert.strictEqual((yield* queue.counts("default"))[0]?.ready, 4)
        assert.strictEqual(views[1]?.cause?.kind, "released")
      })
    )
  )

  it.effect("by hand, twice and by two at once, is one drain", () =>
    produce(
      Effect.gen(function* () {
        yield* Sleep.enqueue({ millis: 1_000 })
        const context = yield* work(sleeping)
        const scheduler = yield* Effect.provide(JobScheduler, Layer.succeedContext(context))
        yield* TestClock.adjust(100)
        assert.deepStrictEqual(scheduler.queues, ["default"])
        assert.deepStrictEqual(scheduler.running(), { default: 1 })
        const both = yield* Effect.forkChild(
          Effect.all([scheduler.drain, scheduler.drain], { concurrency: 2, discard: true })
        )
        yield* TestClock.adjust(1_000)
        yield* Fiber.join(both)
        yield* scheduler.drain
        assert.deepStrictEqual(scheduler.running(), { default: 0 })
        assert.strictEqual((yield* (yield* JobQueue).counts())[0]?.completed, 1)
      })
    )
  )

  it.effect("ends, within bounds, although the log answers nothing any more", () =>
    quiet(
      produce(
        Effect.gen(function* () {
          const faulty = FaultyLog.make(yield* JobLog)
          yield* Sleep.enqueueAll([{ millis: 100 }, { millis: 100 }])
          const scope = yield* Scope.make()
          yield* work(sleeping, { drainGrace: "1 second" }).pipe(
            Effect.provideService(JobLog, faulty.log),
            Scope.provide(scope)
          )
          yield* TestClock.adjust(50)
          for (const operation of ["settle", "renew", "claim", "close", "reclaim"] as const) {
            faulty.always(operation, FaultyLog.requestLost)
          }
          const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
          yield* TestClock.adjust("20 seconds")
          assert.isDefined(closing.pollUnsafe())
        })
      )
    )
  )

  it.effect("a handler that ignores its interruption does not hold up the end", () =>
    produce(
      Effect.gen(function* () {
        yield* Sleep.enqueue({ millis: 0 })
        const scope = yield* Scope.make()
        yield* work(
          Sleep.toLayer(() => Effect.uninterruptible(Effect.sleep("1 day"))),
          { abandonAfter: "2 seconds", drainGrace: "1 second" }
        ).pipe(Scope.provide(scope))
        yield* TestClock.adjust(10)
        const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
        yield* TestClock.adjust("5 seconds")
        assert.isDefined(closing.pollUnsafe())
        assert.strictEqual((yield* (yield* JobQueue).counts())[0]?.ready, 1)
        yield* TestClock.adjust("1 day")
      })
    )
  )
})

describe("starting", () => {
  it.effect("queues of one lease share a session, another lease has its own", () =>
    produce(
      Effect.gen(function* () {
        class Other extends Job.make("other", { payload: {}, queue: "other" }) {}
        const faulty = FaultyLog.make(yield* JobLog)
        const handlers = Layer.mergeAll(
          sleeping,
          Urgent.toLayer(() => Effect.void),
          Other.toLayer(() => Effect.void)
        )
        const scope = yield* Scope.make()
        yield* work(handlers).pipe(Effect.provideService(JobLog, faulty.log), Scope.provide(scope))
        yield* Urgent.enqueue({})
        yield* Other.enqueue({})
        yield* Sleep.enqueue({ millis: 1 })
        yield* TestClock.adjust(100)
        const leases = faulty.callsOf("open").map(({ request }) => (request as { leaseDuration: number }).leaseDuration)
        assert.deepStrictEqual(
          leases.toSorted((left, right) => left - right),
          [10_000, 30_000]
        )
        assert.strictEqual(
          (yield* (yield* JobQueue).counts()).reduce((sum, { completed }) => sum + completed, 0),
          3
        )
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(faulty.callsOf("close").length, 2)
      })
    )
  )

  it.effect("a start that fails halfway runs nothing", () =>
    quiet(
      produce(
        Effect.gen(function* () {
          const faulty = FaultyLog.make(yield* JobLog)
          let ran = 0
          const count = Effect.sync(() => void ran++)
          const handlers = Layer.merge(
            Sleep.toLayer(() => count),
            Urgent.toLayer(() => count)
          )
          yield* Sleep.enqueue({ millis: 1 })
          yield* Urgent.enqueue({})
          const reason = new NotWritable({ path: "/jobs", cause: "readOnly", detail: "EROFS" })
          faulty.next("open", FaultyLog.none, FaultyLog.refuse(reason))
          const error = yield* Effect.flip(
            work(handlers).pipe(Effect.provideService(JobLog, faulty.log), Effect.scoped)
          )
          assert.strictEqual(error._tag, "LogError")
          yield* TestClock.adjust("1 minute")
          assert.strictEqual(ran, 0)
          assert.strictEqual(faulty.callsOf("claim").length, 0)
          assert.strictEqual(faulty.callsOf("close").length, 1)
        })
      )
    )
  )

  it.effect("without handlers it says so, and works on nothing", () =>
    quiet(
      produce(
        Effect.gen(function* () {
          const context = yield* work(Layer.empty)
          const scheduler = yield* Effect.provide(JobScheduler, Layer.succeedContext(context))
          assert.deepStrictEqual(scheduler.queues, [])
        })
      )
    )
  )

  it.effect("settings of the environment are read, and code wins over them", () =>
    produce(
      Effect.gen(function* () {
        let most = 0
        let running = 0
        const counted = Sleep.toLayer(() =>
          Effect.acquireUseRelease(
            Effect.sync(() => {
              most = Math.max(most, ++running)
            }),
            () => Effect.sleep(10),
            () => Effect.sync(() => void running--)
          )
        )
        const environment = ConfigProvider.fromUnknown({ LEASEHOLD_CONCURRENCY: "3" })
        for (const [options, expected] of [
          [{}, 3],
          [{ concurrency: 2 }, 2],
          [{ concurrency: 2, queues: { default: { concurrency: 1 } } }, 1]
        ] as const) {
          most = 0
          yield* Sleep.enqueueAll(Array.from({ length: 6 }, () => ({ millis: 1 })))
          const scope = yield* Scope.make()
          yield* work(counted, options).pipe(
            Effect.provideService(ConfigProvider.ConfigProvider, environment),
            Scope.provide(scope)
          )
          yield* TestClock.adjust(500)
          yield* Scope.close(scope, Exit.void)
          assert.strictEqual(most, expected)
        }
        const invalid = ConfigProvider.fromUnknown({ LEASEHOLD_CONCURRENCY: "many" })
        const error = yield* Effect.flip(
          work(counted).pipe(Effect.provideService(ConfigProvider.ConfigProvider, invalid), Effect.scoped)
        )
        assert.strictEqual(error._tag, "ConfigError")
      })
    )
  )

  it.effect("options outside of their limits are a bug, and say which", () =>
    produce(
      Effect.gen(function* () {
        for (const [part, options] of [
          ["concurrency", { concurrency: 0 }],
          ["concurrency", { concurrency: 1.5 }],
          ["concurrency", { concurrency: Number.NaN }],
          [`queues\\["mail"\\]`, { queues: { mail: { concurrency: -1 } } }],
          ["maxPrefetch", { maxPrefetch: 1e9 }],
          ["leaseDuration", { leaseDuration: "1 millis" }],
          ["pollInterval", { pollInterval: 0 }],
          ["drainGrace", { drainGrace: Duration.infinity }]
        ] as const) {
          const exit = yield* Effect.exit(Effect.scoped(work(sleeping, options)))
          assert.isTrue(Exit.isFailure(exit))
          if (Exit.isFailure(exit)) assert.match(String(Cause.squash(exit.cause)), new RegExp(`RangeError.*${part}`))
        }
      })
    )
  )

  it.effect("a job that takes longer than its lease keeps it", () =>
    produce(
      Effect.gen(function* () {
        const { id } = yield* Sleep.enqueue({ millis: 100_000 })
        yield* work(sleeping, { leaseDuration: "1 second" })
        yield* TestClock.adjust("101 seconds")
        assert.deepStrictEqual([(yield* view(id)).state, (yield* view(id)).deliveries], ["Completed", 1])
      })
    )
  )

  it.effect("two schedulers share the work, and one takes over what the other loses", () =>
    quiet(
      produce(
        Effect.gen(function* () {
          const log = yield* JobLog
          const cut = FaultyLog.make(log)
          const by: Record<string, number> = { one: 0, two: 0 }
          const countedBy = (name: string) =>
            Sleep.toLayer(({ millis }) =>
              Effect.andThen(
                Effect.sleep(millis),
                Effect.sync(() => {
                  by[name] = (by[name] ?? 0) + 1
                })
              )
            )
          yield* Sleep.enqueueAll(Array.from({ length: 100 }, () => ({ millis: 500 })))
          const options = { concurrency: 5, leaseDuration: "3 seconds" } as const
          yield* work(countedBy("one"), options).pipe(Effect.provideService(JobLog, cut.log))
          yield* work(countedBy("two"), options)
          yield* TestClock.adjust(2_100)
          // the first is cut off from the log
          for (const operation of ["settle", "renew", "claim", "open", "reclaim"] as const) {
            cut.always(operation, FaultyLog.requestLost)
          }
          const before = by["one"] ?? 0
          assert.isAtLeast(before, 15)
          yield* TestClock.adjust("1 minute")
          assert.strictEqual((yield* (yield* JobQueue).counts())[0]?.completed, 100)
          cut.heal()
          // the session that it was opening is given up after a minute
          yield* TestClock.adjust("10 seconds")
          const healed = by["one"] ?? 0
          yield* Sleep.enqueueAll(Array.from({ length: 20 }, () => ({ millis: 500 })))
          yield* TestClock.adjust("2 minutes")
          assert.isAtLeast(by["one"] ?? 0, healed + 5, "and it works again once it is healed")
          assert.strictEqual((yield* (yield* JobQueue).counts())[0]?.completed, 120)
        })
      )
    )
  )
})
