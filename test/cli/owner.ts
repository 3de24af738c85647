/**
 * A process that owns the log of its first argument. Its `hold` jobs run until they are interrupted, its `quick` ones
 * end at once, and it has no handler for anything else.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as FileLog from "../../src/backends/file/FileLog.ts"
import * as Job from "../../src/scheduler/Job.ts"
import { JobQueue } from "../../src/scheduler/JobQueue.ts"
import { JobScheduler } from "../../src/scheduler/JobScheduler.ts"
import { id } from "./harness.ts"

class Hold extends Job.make("hold", { payload: {}, queue: "work", group: () => "g", success: Schema.Void }) {}
class Quick extends Job.make("quick", { payload: {}, queue: "work" }) {}
class Unhandled extends Job.make("unhandled", { payload: {}, queue: "work" }) {}

const say = (message: string) => Effect.sync(() => void process.send?.(message))

const program = Effect.gen(function* () {
  const stop = yield* Deferred.make<void>()
  process.on("message", (message) => {
    if (message === "stop") Deferred.doneUnsafe(stop, Effect.void)
  })
  const held = yield* Deferred.make<void>()
  const handlers = Layer.mergeAll(
    Hold.toLayer((_, job) =>
      Effect.andThen(Deferred.succeed(held, undefined), Effect.never).pipe(
        Effect.onInterrupt(() => say(`interrupted ${job.id}`))
      )
    ),
    Quick.toLayer((_, job) => say(`ran ${job.id}`))
  )
  const live = JobScheduler.layerWith({ leaseDuration: 300, pollInterval: 50, drainGrace: 0 }).pipe(
    Layer.provide(handlers),
    Layer.provide(FileLog.layer({ directory: process.argv[2]! }))
  )
  yield* Effect.gen(function* () {
    const queue = yield* JobQueue
    yield* Hold.enqueue({}, { id: id(101) })
    yield* Deferred.await(held)
    yield* Hold.enqueue({}, { id: id(102) })
    yield* Unhandled.enqueue({}, { id: id(103) })
    while ((yield* queue.show(id(103))).cause?.kind !== "noHandler") yield* Effect.sleep(5)
    yield* say("ready")
    yield* Deferred.await(stop)
  }).pipe(Effect.provide(live))
})

await Effect.runPromise(program)
process.disconnect?.()
