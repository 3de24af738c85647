/** Spans of a job's enqueue and of its runs, joined through what the log stores. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as FileLog from "../../src/backends/file/FileLog.ts"
import type { JobLog } from "../../src/log/JobLog.ts"
import * as Job from "../../src/scheduler/Job.ts"
import { JobQueue } from "../../src/scheduler/JobQueue.ts"
import { JobScheduler } from "../../src/scheduler/JobScheduler.ts"

class Failing extends Schema.TaggedError<Failing>()("Failing", {}) {}

class Send extends Job.make("send", {
  payload: { fail: Schema.Boolean },
  queue: "mail",
  error: Failing,
  retry: { Failing: Job.fullJitter({ base: "1 millis", cap: "1 millis" }) }
}) {}

/** A tracer that keeps its spans. */
const makeTracer = () => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  return { spans, tracer }
}

const temporary = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "leasehold-tracing-"))),
  (directory) => Effect.sync(() => Fs.rmSync(directory, { recursive: true }))
)

const handlers = Send.toLayer(({ fail }, job) => (fail && job.attempt === 1 ? Effect.fail(new Failing()) : Effect.void))

const scheduler = JobScheduler.layer.pipe(Layer.provide(handlers))

/** One life of a process: it opens the log, and only the log goes from one life to the next. */
const life = <A, E>(directory: string, tracer: Tracer.Tracer | undefined, body: Effect.Effect<A, E, JobLog>) => {
  const opened = Effect.provide(body, FileLog.layer({ directory }), { local: true })
  return tracer === undefined ? opened : Effect.provideService(opened, Tracer.Tracer, tracer)
}

const enqueue = (fail: boolean) => Send.enqueue({ fail }).pipe(Effect.provide(JobQueue.layer))
const run = (id: string) => Send.await(id).pipe(Effect.provide(scheduler))

describe("tracing", () => {
  it.live("links each run to its enqueue in another process, as a root of its own", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const producer = makeTracer()
      const { id } = yield* life(directory, producer.tracer, enqueue(true).pipe(Effect.withSpan("request")))
      const request = producer.spans.find((span) => span.name === "request")
      const sent = producer.spans.find((span) => span.name === "enqueue send")
      assert.isDefined(sent)
      assert.strictEqual(sent.kind, "producer")
      assert.strictEqual(Option.getOrUndefined(sent.parent)?.spanId, request?.spanId)

      const consumer = makeTracer()
      yield* life(directory, consumer.tracer, run(id))
      const runs = consumer.spans.filter((span) => span.name === "run send")
      assert.strictEqual(runs.length, 2)
      for (const [index, span] of runs.entries()) {
        assert.strictEqual(span.kind, "consumer")
        assert.isTrue(Option.isNone(span.parent))
        assert.notStrictEqual(span.traceId, sent.traceId)
        assert.deepStrictEqual(
          span.links.map(({ span: { sampled, spanId, traceId } }) => ({ traceId, spanId, sampled })),
          [{ traceId: sent.traceId, spanId: sent.spanId, sampled: true }]
        )
        assert.strictEqual(span.attributes.get("messaging.destination.name"), "mail")
        assert.strictEqual(span.attributes.get("messaging.message.id"), id)
        assert.strictEqual(span.attributes.get("leasehold.attempt"), index + 1)
        assert.strictEqual(span.status._tag, "Ended")
        assert.strictEqual(span.status._tag === "Ended" && span.status.exit._tag, index === 0 ? "Failure" : "Success")
      }
    })
  )

  it.live("stores where an untraced enqueue stands in a trace from outside", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const outside = Tracer.externalSpan({ traceId: "a".repeat(32), spanId: "b".repeat(16), sampled: false })
      const { id } = yield* life(directory, undefined, Effect.withParentSpan(enqueue(false), outside))
      const consumer = makeTracer()
      yield* life(directory, consumer.tracer, run(id))
      const [link] = consumer.spans.find((span) => span.name === "run send")?.links ?? []
      assert.strictEqual(link?.span.traceId, outside.traceId)
      assert.strictEqual(link?.span.spanId, outside.spanId)
      assert.strictEqual(link?.span.sampled, false)
    })
  )

  it.live("makes no span without a tracer", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      let made = 0
      const context = Context.get(yield* Effect.context<never>(), Tracer.Tracer)
      assert.strictEqual(context, Tracer.nativeTracer)
      const original = context.span
      // the tracer that is there by default: nobody sees its spans, so making them would be waste
      Object.assign(context, {
        span: (...args: Parameters<typeof original>) => {
          made++
          return original.apply(context, args)
        }
      })
      yield* Effect.addFinalizer(() => Effect.sync(() => void Object.assign(context, { span: original })))
      yield* Effect.withSpan(Effect.void, "control")
      assert.strictEqual(made, 1)
      const { id } = yield* life(directory, undefined, enqueue(false))
      yield* life(directory, undefined, run(id))
      assert.strictEqual(made, 1)
    })
  )
})
