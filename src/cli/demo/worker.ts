/**
 * The demo's worker process: enqueues the walk, runs the jobs, and may be killed at any moment. The log's own server
 * may be killed as well, while this process goes on.
 *
 * @since 0.1.0
 */
import * as Fs from "node:fs"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as References from "effect/References"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { silent } from "../../actors/Telemetry.ts"
import * as ConfiguredLog from "../../ConfiguredLog.ts"
import type { LogError } from "../../log/LogError.ts"
import { JobQueue } from "../../scheduler/JobQueue.ts"
import { JobScheduler } from "../../scheduler/JobScheduler.ts"
import { SchedulerTelemetry } from "../../scheduler/SchedulerTelemetry.ts"
import * as Fingerprint from "./Fingerprint.ts"
import { type WorkerMessage, WorkerStart } from "./Messages.ts"

const send = (message: WorkerMessage): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (process.send === undefined) throw new Error("the demo's worker is started by `leasehold demo`")
    process.send(message, () => resume(Effect.void))
  })

/** Asks again while the log cannot be reached. */
const patiently = <A, E, R>(effect: Effect.Effect<A, E | LogError, R>): Effect.Effect<A, E | LogError, R> =>
  Effect.retry(effect, {
    schedule: Schedule.spaced("100 millis"),
    times: 600,
    while: (error: E | LogError) => Predicate.hasProperty(error, "isRetryable") && error.isRetryable === true
  })

const run = Effect.fnUntraced(function* (start: WorkerStart) {
  const claims: Array<number> = []
  let endedBefore = 0
  let passed = 0
  let holding = 0

  const beforeAnswer = Effect.suspend(() => {
    // counted here rather than at the settlement, so that runs at the same moment do not all slip past
    if (start.holdAt === undefined || endedBefore + passed < start.holdAt) {
      passed++
      return Effect.void
    }
    holding++
    return Effect.never
  })
  const telemetry = {
    ...silent,
    claimed: (_queue: string, _grants: unknown, millis: number) => {
      claims.push(millis)
    }
  }

  const work = Effect.gen(function* () {
    const queue = yield* JobQueue
    const report = Effect.fnUntraced(function* () {
      const [counts] = yield* patiently(queue.counts("demo"))
      yield* send({
        _tag: "Progress",
        completed: counts?.completed ?? 0,
        deadLettered: counts?.deadLettered ?? 0,
        claims: claims.splice(0)
      })
      return counts === undefined || counts.ready + counts.scheduled + counts.leased === 0
    })
    for (;;) {
      const before = yield* Clock.currentTimeMillis
      if (yield* report()) break
      // a server may count all jobs one by one, which is not to be what it is busy with
      const pause = Math.max(50, 5 * ((yield* Clock.currentTimeMillis) - before))
      if (holding > 0) {
        // let the other slots arrive as well
        yield* Effect.sleep(50)
        yield* send({ _tag: "Holding", running: holding })
        return yield* Effect.never
      }
      yield* Effect.sleep(pause)
    }
    yield* send({ _tag: "Finished" })
  })

  const enqueue = Effect.gen(function* () {
    const queue = yield* JobQueue
    // the records of all jobs are the demo's proof, so they are kept
    yield* queue.configure("demo", { retainCompleted: 24 * 3600 * 1000, retainCompletedCount: 100_000_000 })
    const paths = Fs.readFileSync(start.list, "utf8").split("\n").filter(Boolean)
    let inserted = 0
    for (let at = 0; at < paths.length; at += 1_000) {
      const payloads = paths.slice(at, at + 1_000).map((line) => ({ root: start.root, path: String(JSON.parse(line)) }))
      const answers = yield* patiently(Fingerprint.Fingerprint.enqueueAll(payloads))
      inserted += answers.filter((answer) => answer._tag === "Inserted").length
    }
    yield* send({ _tag: "Enqueued", inserted, duplicates: paths.length - inserted })
    const [counts] = yield* queue.counts("demo")
    endedBefore = (counts?.completed ?? 0) + (counts?.deadLettered ?? 0)
  })

  const scheduler = JobScheduler.layerWith({ concurrency: start.concurrency }).pipe(
    Layer.provide(Fingerprint.layer(beforeAnswer)),
    Layer.provide(Layer.succeed(SchedulerTelemetry, telemetry))
  )
  yield* enqueue.pipe(
    Effect.provide(JobQueue.layer),
    Effect.andThen(work.pipe(Effect.provide(scheduler))),
    Effect.provide(ConfiguredLog.layer)
  )
})

const program = Effect.gen(function* () {
  const start = yield* Schema.decodeUnknownEffect(Schema.fromJsonString(WorkerStart))(process.argv[2])
  yield* run(start)
})

// that the log was away for a moment is what the demo shows, and no news
const exit = await Effect.runPromiseExit(Effect.provideService(program, References.MinimumLogLevel, "None"))
if (!Exit.isSuccess(exit)) {
  const error = Cause.squash(exit.cause)
  await Effect.runPromise(send({ _tag: "Failed", message: error instanceof Error ? error.message : String(error) }))
}
process.exit(Exit.isSuccess(exit) ? 0 : 1)
