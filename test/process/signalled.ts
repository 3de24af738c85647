/**
 * A process that works under `NodeRuntime.runMain`, as a service would, with jobs that last.
 * Its argument is JSON: { directory, lease, grace, concurrency, jobs: [millis, …] }; jobs are enqueued when not empty.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as FileLog from "../../src/backends/file/FileLog.ts"
import * as Job from "../../src/scheduler/Job.ts"
import { JobScheduler } from "../../src/scheduler/JobScheduler.ts"
import { SchedulerTelemetry } from "../../src/scheduler/SchedulerTelemetry.ts"
import { telemetry, tell } from "./Workload.ts"

const Start = Schema.fromJsonString(
  Schema.Struct({
    directory: Schema.String,
    lease: Schema.Int,
    grace: Schema.Int,
    concurrency: Schema.Int,
    jobs: Schema.Array(Schema.Int)
  })
)

export class Lasting extends Job.make("lasting", { payload: { millis: Schema.Int }, queue: "lasting" }) {}

const handler = Lasting.toLayer(
  Effect.fnUntraced(function* ({ millis }, { attempt, delivery, id, token }) {
    tell({ _tag: "Run", id, token: Number(token), attempt, delivery })
    yield* Effect.onInterrupt(Effect.sleep(millis), () =>
      Effect.sync(() => tell({ _tag: "Said", text: `interrupted ${millis}` }))
    )
    tell({ _tag: "Said", text: `done ${millis}` })
  })
)

const program = Effect.gen(function* () {
  const start = yield* Schema.decodeUnknownEffect(Start)(process.argv[2])
  const scheduler = JobScheduler.layerWith({
    concurrency: start.concurrency,
    drainGrace: start.grace,
    leaseDuration: start.lease,
    maxPrefetch: 2
  }).pipe(
    Layer.provide(handler),
    Layer.provide(Layer.succeed(SchedulerTelemetry, telemetry)),
    Layer.provide(FileLog.layer({ directory: start.directory }))
  )
  return yield* Effect.gen(function* () {
    if (start.jobs.length > 0) {
      const answers = yield* Lasting.enqueueAll(start.jobs.map((millis) => ({ millis })))
      tell({ _tag: "Enqueued", ids: answers.map(({ id }) => id) })
    }
    return yield* Effect.never
  }).pipe(Effect.provide(scheduler), Effect.ensuring(Effect.sync(() => tell({ _tag: "Drained" }))))
})

NodeRuntime.runMain(program)
