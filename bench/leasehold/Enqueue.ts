/** Enqueues: in bulk, one by one from many callers, and into a scheduler that idles. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Bench } from "tinybench"
import { silent, type Telemetry } from "../../src/actors/Telemetry.ts"
import { JobLog, type JobLogOperations } from "../../src/log/JobLog.ts"
import { JobQueue, make as makeQueue } from "../../src/scheduler/JobQueue.ts"
import { JobScheduler } from "../../src/scheduler/JobScheduler.ts"
import { SchedulerTelemetry } from "../../src/scheduler/SchedulerTelemetry.ts"
import { callLatencies, idlePause, idleSample } from "../Loops.ts"
import { expectEqual, type Measurement, type Order, stopwatch } from "../Measurement.ts"
import { makePayload } from "../Payload.ts"
import { startProfile } from "../Profile.ts"
import { percentiles } from "../Statistics.ts"
import { BenchJob } from "./BenchJob.ts"
import { openLog, unfinished } from "./OpenLog.ts"

const contextOf = (log: JobLogOperations) => Context.make(JobQueue, makeQueue(log))

const checkStored = Effect.fnUntraced(function* (log: JobLogOperations, jobs: number) {
  expectEqual("stored jobs", yield* unfinished(log), jobs)
})

const reopenAndCheck = Effect.fnUntraced(function* (order: Order, jobs: number) {
  if (order.log !== "file") return
  yield* Effect.scoped(Effect.flatMap(openLog(order, order.directories[0]!, 0), (log) => checkStored(log, jobs)))
})

export const bulk = Effect.fnUntraced(function* (order: Order) {
  let sequence = 0
  const measured = yield* Effect.scoped(
    Effect.gen(function* () {
      const log = yield* openLog(order, order.directories[0]!, 0)
      const run = Effect.runPromiseWith(contextOf(log))
      const stopProfile = yield* Effect.promise(() => startProfile(order.profile))
      const measurement = yield* Effect.promise(() =>
        callLatencies(order, async () => {
          const payloads = Array.from({ length: order.batch }, () => makePayload(sequence++))
          const answers = await run(BenchJob.enqueueAll(payloads))
          expectEqual("answers", answers.length, order.batch)
        })
      )
      yield* Effect.promise(stopProfile)
      yield* checkStored(log, sequence)
      return measurement
    })
  )
  yield* reopenAndCheck(order, sequence)
  return measured
})

/** As callers in a service are: fibers, each awaiting one enqueue before the next. */
const concurrently = Effect.fnUntraced(function* (jobs: number, callers: number) {
  const latencies: Array<number> = []
  let next = 0
  const caller = Effect.gen(function* () {
    while (next < jobs) {
      const start = performance.now()
      const answer = yield* BenchJob.enqueue(makePayload(next++))
      expectEqual("answer", answer._tag, "Inserted")
      latencies.push(performance.now() - start)
    }
  })
  const stop = stopwatch()
  yield* Effect.all(
    Array.from({ length: callers }, () => caller),
    { concurrency: "unbounded", discard: true }
  )
  const measurement: Measurement = { jobs, ...stop(), latency: percentiles(latencies) }
  return measurement
})

export const single = Effect.fnUntraced(function* (order: Order) {
  const measured = yield* Effect.scoped(
    Effect.gen(function* () {
      const log = yield* openLog(order, order.directories[0]!, 0)
      const provided = Effect.provide(contextOf(log))
      yield* concurrently(order.warmup, order.workers).pipe(provided)
      const stopProfile = yield* Effect.promise(() => startProfile(order.profile))
      const measurement = yield* concurrently(order.jobs, order.workers).pipe(provided)
      yield* Effect.promise(stopProfile)
      yield* checkStored(log, order.warmup + order.jobs)
      return measurement
    })
  )
  yield* reopenAndCheck(order, order.warmup + order.jobs)
  return measured
})

/** From the call of enqueue to the start of the handler, in one process, one job at a time. */
export const idle = Effect.fnUntraced(function* (order: Order) {
  let sequence = 0
  let started = 0
  let handled = (_n: number): void => {}
  let settled = (): void => {}
  const telemetry: Telemetry = { ...silent, settled: () => settled() }
  const handlers = BenchJob.toLayer((payload) => {
    started = performance.now()
    handled(payload.n)
    return Effect.void
  })
  const log = yield* openLog(order, order.directories[0]!, 0)
  yield* Layer.build(
    JobScheduler.layerWith({ concurrency: order.workers }).pipe(
      Layer.provide(handlers),
      Layer.provide(Layer.succeed(JobLog, log)),
      Layer.provide(Layer.succeed(SchedulerTelemetry, telemetry))
    )
  )
  const run = Effect.runPromiseWith(contextOf(log))
  const bench = new Bench({
    iterations: order.jobs,
    time: 0,
    warmupIterations: order.warmup,
    warmupTime: 0,
    retainSamples: true
  })
  bench.add(
    "enqueue to handler",
    async () => {
      const n = sequence++
      const whenHandled = new Promise<number>((resolve) => {
        handled = resolve
      })
      const whenSettled = new Promise<void>((resolve) => {
        settled = resolve
      })
      const start = performance.now()
      await run(BenchJob.enqueue(makePayload(n)))
      expectEqual("handled job", await whenHandled, n)
      await whenSettled
      return { overriddenDuration: started - start }
    },
    { async: true, beforeEach: idlePause }
  )
  return yield* Effect.promise(() => idleSample(bench))
}, Effect.scoped)
