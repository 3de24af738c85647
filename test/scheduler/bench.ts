/** A memory log and the layers around it, for tests of the public API under the test's clock. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import type { Telemetry } from "../../src/actors/Telemetry.ts"
import { silent } from "../../src/actors/Telemetry.ts"
import * as MemoryLog from "../../src/backends/memory/MemoryLog.ts"
import { JobLog } from "../../src/log/JobLog.ts"
import { JobQueue } from "../../src/scheduler/JobQueue.ts"
import { JobScheduler, type SchedulerOptions } from "../../src/scheduler/JobScheduler.ts"
import { SchedulerTelemetry } from "../../src/scheduler/SchedulerTelemetry.ts"

/** A log of its own for each test, shared by its producers and schedulers. */
export const log = Layer.fresh(MemoryLog.layer())

/** Runs a program that produces and operates. */
export const produce = <A, E, R>(program: Effect.Effect<A, E, R>) =>
  Effect.provide(program, JobQueue.layer.pipe(Layer.provideMerge(log)))

/** A scheduler for these handlers, in the log of the environment. Closing the scope drains it. */
export const work = <R>(
  handlers: Layer.Layer<R, never, never>,
  options: SchedulerOptions = {},
  telemetry: Telemetry = silent
) =>
  Effect.flatMap(JobLog, (own) =>
    Layer.build(
      JobScheduler.layerWith(options).pipe(
        Layer.provide(handlers),
        Layer.provide(Layer.succeed(SchedulerTelemetry, telemetry)),
        Layer.provide(Layer.succeed(JobLog, own)),
        Layer.fresh
      )
    )
  )

export const view = (id: string) => Effect.flatMap(JobQueue, (queue) => queue.show(id))

/**
 * Lets time pass in steps. What actors do in turns of the event loop and not in time, the clock of a test does not wait
 * for; in steps, a chain of such turns and delays takes place as it would.
 */
export const pass = (millis: number, step = 10): Effect.Effect<void> =>
  Effect.forEach(Array.from({ length: Math.ceil(millis / step) }), () => TestClock.adjust(step), { discard: true })
