/**
 * A process that enqueues and works until it is killed, or with `"last": true` until nothing is left to do.
 * Its argument is JSON: { directory, seed, from, repeat, last }.
 */
import { flushCompileCache } from "node:module"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as FileLog from "../../src/backends/file/FileLog.ts"
import { JobQueue } from "../../src/scheduler/JobQueue.ts"
import { JobScheduler } from "../../src/scheduler/JobScheduler.ts"
import { SchedulerTelemetry } from "../../src/scheduler/SchedulerTelemetry.ts"
import { handlers, queue, telemetry, tell, Work } from "./Workload.ts"

const Start = Schema.fromJsonString(
  Schema.Struct({
    directory: Schema.String,
    /** Number of its first job. */
    from: Schema.Int,
    /** Enqueued by an earlier process that learned of no answer. */
    repeat: Schema.Array(Schema.Struct({ id: Schema.String, n: Schema.Int })),
    last: Schema.Boolean,
    /** The most jobs it enqueues. */
    most: Schema.Int
  })
)

const idOf = (n: number): string => `00000000-0000-7000-8000-${n.toString(16).padStart(12, "0")}`

const enqueue = Effect.fnUntraced(function* (jobs: ReadonlyArray<{ readonly id: string; readonly n: number }>) {
  tell({ _tag: "Enqueueing", jobs })
  const log = yield* JobQueue
  const items = yield* Effect.forEach(jobs, ({ id, n }) => Work.item({ n }, { id }))
  yield* log.enqueue(items)
  tell({ _tag: "Enqueued", ids: jobs.map(({ id }) => id) })
})

const program = Effect.gen(function* () {
  const start = yield* Schema.decodeUnknownEffect(Start)(process.argv[2])
  const produce = Effect.gen(function* () {
    const log = yield* JobQueue
    yield* log.configure(queue, { retainCompleted: 24 * 3_600_000, retainCompletedCount: 10_000_000 })
    if (start.repeat.length > 0) yield* enqueue(start.repeat)
    let n = start.from
    while (!start.last && n < start.from + start.most) {
      const size = 1 + ((n * 7) % 23)
      yield* enqueue(Array.from({ length: size }, (_, k) => ({ id: idOf(n + k), n: n + k })))
      n += size
    }
    for (;;) {
      const [counts] = yield* log.counts(queue)
      if (counts === undefined || counts.ready + counts.scheduled + counts.leased === 0) break
      yield* Effect.sleep(20)
    }
    tell({ _tag: "Drained" })
    if (!start.last) return yield* Effect.never
    return undefined
  })
  const scheduler = JobScheduler.layerWith({ concurrency: 8, leaseDuration: "5 seconds" }).pipe(
    Layer.provide(handlers),
    Layer.provide(Layer.succeed(SchedulerTelemetry, telemetry)),
    // small segments, so that many kills fall on their change and on compaction
    Layer.provide(FileLog.layer({ directory: start.directory, segmentBytes: 128 * 1024 }))
  )
  yield* produce.pipe(Effect.provide(scheduler))
})

// most of these processes are killed before they could keep what they compiled
flushCompileCache()
await Effect.runPromise(program)
