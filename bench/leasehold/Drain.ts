/** Drains a backlog through the whole scheduler. */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { silent, type Telemetry } from "../../src/actors/Telemetry.ts"
import { JobLog, type JobLogOperations } from "../../src/log/JobLog.ts"
import { JobScheduler } from "../../src/scheduler/JobScheduler.ts"
import { SchedulerTelemetry } from "../../src/scheduler/SchedulerTelemetry.ts"
import { expectEqual, type Lap, laps, type Measurement, type Order } from "../Measurement.ts"
import { sumBelow } from "../Payload.ts"
import { startProfile } from "../Profile.ts"
import { percentiles } from "../Statistics.ts"
import { BareJob, BenchJob } from "./BenchJob.ts"
import { fill, isVolatile, openLog, unfinished } from "./OpenLog.ts"

/** A drain that takes longer than this is stuck. */
const patienceMillis = 60_000

/** Notes how long each claim that granted something took. */
const timed = (log: JobLogOperations, claims: Array<number>): JobLogOperations => ({
  ...log,
  claim: (request) =>
    Effect.suspend(() => {
      const start = performance.now()
      return Effect.map(log.claim(request), (result) => {
        if (result.grants.length > 0) claims.push(performance.now() - start)
        return result
      })
    })
})

/**
 * From the scheduler's start until the log has durably accepted the settlement of job number `jobs`. The rest of what
 * was claimed ahead is finished or released outside the clock.
 */
const drainLog = Effect.fnUntraced(function* (
  log: JobLogOperations,
  order: Order,
  jobs: number,
  claims: Array<number>
) {
  let handled = 0
  let sum = 0
  let settled = 0
  let refused = 0
  const done = Latch.makeUnsafe(false)
  const until = Math.max(jobs, order.until)
  let lap = laps(jobs, until)
  const telemetry: Telemetry = {
    ...silent,
    settled: (_queue, item) => {
      if (item.settlement._tag !== "Complete") return
      settled++
      lap.reach(settled)
      if (settled === until) done.openUnsafe()
    },
    refused: () => {
      refused++
    }
  }
  const bareHandler = BareJob.toLayer(() => {
    handled++
    return Effect.void
  })
  const handler = BenchJob.toLayer((payload) => {
    handled++
    sum += payload.n
    return Effect.void
  })
  const scheduler = JobScheduler.layerWith({ concurrency: order.workers }).pipe(
    // a scheduler runs the jobs whose handlers it is given
    order.bare ? Layer.provide(bareHandler) : Layer.provide(handler),
    Layer.provide(Layer.succeed(JobLog, timed(log, claims))),
    Layer.provide(Layer.succeed(SchedulerTelemetry, telemetry))
  )
  yield* Effect.scoped(
    Effect.gen(function* () {
      lap = laps(jobs, until)
      yield* Layer.build(scheduler)
      const ended = yield* Effect.timeoutOption(done.await, patienceMillis)
      if (Option.isNone(ended)) {
        throw new Error(
          `stuck: ${handled} of ${until} jobs handled, ${settled} settled, ${refused} settlements refused`
        )
      }
    })
  )
  expectEqual("refused settlements", refused, 0)
  if (handled < jobs) throw new Error(`${handled} of ${jobs} jobs were handled`)
  if (!order.bare && order.log !== "null") expectEqual("sum of handled jobs", sum, sumBelow(handled))
  return { ...lap.read(), handled }
})

/** One backlog in a log of its own; looks afterwards, in a reopened log where there is one, that the work is there. */
const cycle = Effect.fnUntraced(function* (
  order: Order,
  directory: string,
  backlog: number,
  jobs: number,
  claims: Array<number>
) {
  const drained = yield* Effect.scoped(
    Effect.gen(function* () {
      const log = yield* openLog(order, directory, jobs)
      if (isVolatile(order.log)) yield* fill(log, backlog, order.bare)
      const stopProfile = yield* Effect.promise(() =>
        startProfile(directory === order.scratch ? undefined : order.profile)
      )
      const measured = yield* drainLog(log, order, jobs, claims)
      yield* Effect.promise(stopProfile)
      if (isVolatile(order.log)) expectEqual("jobs left", yield* unfinished(log), backlog - measured.handled)
      return measured
    })
  )
  if (order.log === "file") {
    const left = yield* Effect.scoped(Effect.flatMap(openLog(order, directory, jobs), unfinished))
    expectEqual("jobs left after reopening", left, backlog - drained.handled)
  }
  return drained
})

export const drain = Effect.fnUntraced(function* (order: Order) {
  if (order.warmup > 0) {
    if (order.log === "file") {
      yield* Effect.scoped(
        Effect.flatMap(openLog(order, order.scratch, 0), (log) => fill(log, order.warmup, order.bare))
      )
    }
    yield* cycle({ ...order, until: 0 }, order.scratch, order.warmup, order.warmup, [])
  }
  const claims: Array<number> = []
  const each = Math.min(order.jobs, order.backlog)
  let millis = 0
  let cpuMicros = 0
  let steady: Lap | undefined
  for (const directory of order.directories) {
    const drained = yield* cycle(order, directory, order.backlog, each, claims)
    millis += drained.millis
    cpuMicros += drained.cpuMicros
    steady = drained.steady
  }
  const measurement: Measurement = {
    jobs: each * order.directories.length,
    millis,
    cpuMicros,
    latency: percentiles(claims),
    steady
  }
  return measurement
})
