/** What a scheduler reports about jobs that were really run, each test in a registry of its own. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import { LeaseLost } from "../../src/actors/LeaseLost.ts"
import { silent } from "../../src/actors/Telemetry.ts"
import * as MemoryLog from "../../src/backends/memory/MemoryLog.ts"
import { type Grant, JobLog } from "../../src/log/JobLog.ts"
import * as Job from "../../src/scheduler/Job.ts"
import { JobQueue } from "../../src/scheduler/JobQueue.ts"
import { JobScheduler, type SchedulerOptions } from "../../src/scheduler/JobScheduler.ts"
import * as Metrics from "../../src/scheduler/Metrics.ts"
import { catalogue, type MetricName } from "../../src/scheduler/MetricsCatalogue.ts"
import * as MetricsGauges from "../../src/scheduler/MetricsGauges.ts"
import { SchedulerTelemetry } from "../../src/scheduler/SchedulerTelemetry.ts"

class Declined extends Schema.TaggedError<Declined>()("Declined", {}) {}
class Busy extends Schema.TaggedError<Busy>()("Busy", {}) {}

class Send extends Job.make("send", { payload: { n: Schema.Int }, queue: "mail" }) {}
class Charge extends Job.make("charge", {
  payload: { n: Schema.Int },
  queue: "mail",
  error: Schema.Union([Declined, Busy]),
  retry: { Declined: "never", Busy: Job.fullJitter({ base: "1 millis", cap: "2 millis" }) }
}) {}
class Wait extends Job.make("wait", { payload: { n: Schema.Int }, queue: "slow" }) {}

const handlers = Layer.mergeAll(
  Send.toLayer(() => Effect.void),
  Charge.toLayer(({ n }, job) => {
    if (n === 0) return Effect.fail(new Declined())
    return job.attempt === 1 ? Effect.fail(new Busy()) : Effect.void
  }),
  Wait.toLayer(() => Effect.never)
)

type Value = number | { readonly count: number; readonly sum: number }

/** The series of the current registry: `name{attribute=value,…}` to its value. */
const snapshot = Effect.map(Metric.snapshot, (series) => {
  const values = new Map<string, Value>()
  for (const each of series) {
    const attributes = Object.entries(each.attributes ?? {}).map(([key, value]) => `${key}=${value}`)
    const key = `${each.id}{${attributes.join(",")}}`
    if (each.type === "Counter") values.set(key, Number(each.state.count))
    else if (each.type === "Gauge") values.set(key, Number(each.state.value))
    else if (each.type === "Histogram") values.set(key, { count: each.state.count, sum: each.state.sum })
  }
  return values
})

const countOf = (value: Value | undefined): number | undefined => (typeof value === "object" ? value.count : value)

const withRegistry = Effect.provideServiceEffect(
  Metric.MetricRegistry,
  Effect.sync(() => new Map())
)

/** Runs `use` beside a scheduler, then drains it, so that every settlement has been reported. */
const scheduled = <A, E>(use: Effect.Effect<A, E, JobScheduler | JobQueue>, options: SchedulerOptions = {}) =>
  use.pipe(Effect.provide(JobScheduler.layerWith(options).pipe(Layer.provide(handlers))))

/** Enqueues and waits until all have ended, in whatever way. */
const work = Effect.gen(function* () {
  const sent = yield* Send.enqueueAll(Array.from({ length: 20 }, (_, n) => ({ n })))
  const [declined, retried] = yield* Charge.enqueueAll([{ n: 0 }, { n: 1 }])
  yield* Effect.forEach(sent, ({ id }) => Send.await(id), { concurrency: "unbounded" })
  const cause = yield* Effect.flip(Charge.await(declined!.id))
  assert.strictEqual(cause._tag, "JobDeadLettered")
  yield* Charge.await(retried!.id)
})

describe("a scheduler's metrics", () => {
  it.live("count what became of the jobs", () =>
    Effect.gen(function* () {
      yield* scheduled(work)
      const values = yield* snapshot
      const count = (key: string) => countOf(values.get(key))
      assert.strictEqual(count("leasehold_claimed_total{queue=mail}"), 23)
      assert.strictEqual(count("leasehold_wait_seconds{queue=mail}"), 23)
      assert.strictEqual(count("leasehold_completed_total{queue=mail,job=send}"), 20)
      assert.strictEqual(count("leasehold_run_seconds{queue=mail,job=send}"), 20)
      assert.strictEqual(count("leasehold_completed_total{queue=mail,job=charge}"), 1)
      assert.strictEqual(count("leasehold_run_seconds{queue=mail,job=charge}"), 3)
      assert.strictEqual(count("leasehold_failed_total{queue=mail,job=charge,kind=failure}"), 2)
      assert.strictEqual(count("leasehold_retried_total{queue=mail,job=charge}"), 1)
      assert.strictEqual(count("leasehold_dead_lettered_total{queue=mail,job=charge}"), 1)
      const claims = count("leasehold_claim_seconds{queue=mail}") ?? 0
      assert.isTrue(claims >= 2 && claims <= 23, `${claims} claims`)
    }).pipe(Effect.provide(MemoryLog.layer()), withRegistry)
  )

  it.live("show what is in the log and in the process's hands, and what was released at the end", () =>
    Effect.gen(function* () {
      const log = yield* JobLog
      yield* scheduled(
        Effect.gen(function* () {
          const queue = yield* JobQueue
          yield* Wait.enqueueAll(Array.from({ length: 5 }, (_, n) => ({ n })))
          yield* Send.enqueue({ n: 1 }, { delay: "1 hour" })
          yield* queue.pause("mail")
          const scheduler = yield* JobScheduler
          while (scheduler.running()["slow"] !== 2) yield* Effect.yieldNow
          yield* MetricsGauges.refresh(log)
          const values = yield* snapshot
          assert.strictEqual(values.get("leasehold_running{queue=slow}"), 2)
          const held = Number(values.get("leasehold_jobs{queue=slow,state=leased}"))
          assert.strictEqual(values.get("leasehold_prefetched{queue=slow}"), held - 2)
          assert.strictEqual(values.get("leasehold_jobs{queue=slow,state=ready}"), 5 - held)
          assert.strictEqual(values.get("leasehold_jobs{queue=mail,state=scheduled}"), 1)
          assert.strictEqual(values.get("leasehold_queue_paused{queue=mail}"), 1)
          assert.strictEqual(values.get("leasehold_queue_paused{queue=slow}"), 0)
          assert.strictEqual(values.get("leasehold_oldest_ready_seconds{queue=mail}"), 0)
        }),
        { concurrency: 2, drainGrace: 0, metricsInterval: 0 }
      )
      const values = yield* snapshot
      assert.strictEqual(values.get("leasehold_running{queue=slow}"), 0)
      assert.strictEqual(values.get("leasehold_prefetched{queue=slow}"), 0)
      assert.strictEqual(values.get("leasehold_released_total{queue=slow,reason=released}"), 2)
    }).pipe(Effect.provide(MemoryLog.layer()), withRegistry)
  )

  it.live("are refreshed on a beat", () =>
    scheduled(
      Effect.gen(function* () {
        yield* Send.enqueue({ n: 1 }, { delay: "1 hour" })
        const key = "leasehold_jobs{queue=mail,state=scheduled}"
        while ((yield* snapshot).get(key) !== 1) yield* Effect.sleep(1)
      }),
      { metricsInterval: 1 }
    ).pipe(Effect.provide(MemoryLog.layer()), withRegistry)
  )

  it.live("stay in the registry they were made in, and give way to a telemetry of the user's own", () =>
    Effect.gen(function* () {
      yield* scheduled(work).pipe(Effect.provide(MemoryLog.layer()), withRegistry)
      assert.deepStrictEqual([...(yield* snapshot).keys()], [])
      yield* scheduled(work).pipe(Effect.provideService(SchedulerTelemetry, silent), Effect.provide(MemoryLog.layer()))
      const names = [...(yield* snapshot).keys()].map((key) => key.slice(0, key.indexOf("{")))
      assert.deepStrictEqual([...new Set(names)].toSorted(), ["leasehold_prefetched", "leasehold_running"])
    }).pipe(withRegistry)
  )

  it.live("add up where several schedulers of a process work on one queue", () =>
    Effect.gen(function* () {
      const one = () => JobScheduler.layerWith({ concurrency: 1, drainGrace: 0 }).pipe(Layer.provide(handlers))
      const twice = Layer.merge(one(), one())
      yield* Effect.gen(function* () {
        yield* Wait.enqueueAll([{ n: 1 }, { n: 2 }])
        while ((yield* snapshot).get("leasehold_running{queue=slow}") !== 2) yield* Effect.sleep(1)
      }).pipe(Effect.provide(Layer.merge(JobQueue.layer, twice).pipe(Layer.provide(MemoryLog.layer()))))
    }).pipe(withRegistry)
  )

  it.effect("have only the names and attributes of the catalogue, and every name of it", () =>
    Effect.gen(function* () {
      const context = yield* Effect.context<never>()
      const telemetry = Metrics.make(context)
      everything(telemetry)
      yield* MetricsGauges.refresh(yield* JobLog)
      yield* Effect.scoped(MetricsGauges.observe({ queue: "q", running: () => 0, buffered: () => 0 }))
      const seen = new Set<string>()
      for (const series of yield* Metric.snapshot) {
        const name = series.id as MetricName
        seen.add(name)
        const definition = catalogue[name]
        assert.isDefined(definition, name)
        assert.strictEqual(series.type.toLowerCase(), definition.kind, name)
        assert.deepStrictEqual(Object.keys(series.attributes ?? {}), [...definition.attributes], name)
        assert.strictEqual(series.description, definition.description)
      }
      assert.deepStrictEqual([...seen].toSorted(), Object.keys(catalogue).toSorted())
    }).pipe(Effect.provide(logWithJobs), withRegistry)
  )

  it.effect("cost this much", ({ annotate }) =>
    Effect.gen(function* () {
      const telemetry = Metrics.make(yield* Effect.context<never>())
      const grants = Array.from({ length: 500 }, (_, index) => ({ ...grant, readySince: index }))
      const batch = () => {
        telemetry.claimed("q", grants, 1, 1_000, 1_000)
        for (const each of grants) telemetry.started(each, 1_001)
        for (let index = 0; index < grants.length; index++) telemetry.settled("q", completed, "Completed", 2, "send")
      }
      for (let warm = 0; warm < 400; warm++) batch()
      const before = process.cpuUsage()
      for (let round = 0; round < 800; round++) batch()
      const { system, user } = process.cpuUsage(before)
      const each = (user + system) / (800 * grants.length)
      yield* Effect.promise(() => annotate(`metrics: ${each.toFixed(3)} µs CPU per job`))
    }).pipe(withRegistry)
  )
})

const grant: Grant = {
  id: "00000000-0000-0000-0000-000000000001",
  queue: "q",
  name: "send",
  version: 1,
  payload: "{}",
  priority: 0,
  attempt: 1,
  delivery: 1,
  maxAttempts: 10,
  generation: 1,
  enqueuedAt: 0,
  readySince: 0,
  leaseDuration: undefined,
  timeout: undefined,
  deadline: undefined,
  group: undefined,
  metadata: undefined,
  trace: undefined,
  token: 1n,
  receipt: ""
}

const settlement = { id: grant.id, token: 1n, receipt: "" }
const completed = { ...settlement, settlement: { _tag: "Complete" } } as const

/** Reports one of each. */
const everything = (telemetry: ReturnType<typeof Metrics.make>): void => {
  const cause = { kind: "failure", message: "" } as const
  telemetry.claimed("q", [grant], 1, 10, 10)
  telemetry.started(grant, 11)
  telemetry.settled("q", completed, "Completed", 1, "send")
  telemetry.settled("q", { ...settlement, settlement: { _tag: "Retry", delay: 1, cause } }, "Scheduled", 1, "send")
  telemetry.settled("q", { ...settlement, settlement: { _tag: "DeadLetter", cause } }, "DeadLettered", 1, "send")
  telemetry.settled("q", { ...settlement, settlement: { _tag: "Release" } }, "Ready", undefined, "send")
  telemetry.refused("q", "stale")
  telemetry.leaseLost("q", [new LeaseLost({ id: "x", queue: "q", token: 1n })])
  telemetry.reclaimed(1, 1)
  telemetry.stalled(200)
  telemetry.abandoned(grant)
}

const logWithJobs = Layer.effect(
  JobLog,
  Effect.tap(MemoryLog.make(), (log) =>
    log.enqueue([{ id: grant.id, queue: "q", name: "send", version: 1, payload: "{}" }])
  )
)
