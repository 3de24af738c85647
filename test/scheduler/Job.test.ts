import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as TestClock from "effect/testing/TestClock"
import { JobLog } from "../../src/log/JobLog.ts"
import * as Job from "../../src/scheduler/Job.ts"
import { JobQueue, make as makeQueue } from "../../src/scheduler/JobQueue.ts"
import * as FaultyLog from "../support/FaultyLog.ts"
import { pass, produce, view, work } from "./bench.ts"

class Add extends Job.make("add", {
  payload: { left: Schema.Int, right: Schema.Int },
  success: Schema.Int,
  idempotencyKey: ({ left, right }) => `${left}+${right}`,
  idempotencyWindow: "1 hour"
}) {}
const added = Add.toLayer(({ left, right }) => Effect.succeed(left + right))

const explode = (text: string): string => {
  if (text === "throw") throw new Error("a bug of the schema")
  return text
}

class Note extends Job.make("note", { payload: { text: Schema.String } }) {}

describe("Job.make", () => {
  const payload = { n: Schema.Int }
  it("refuses definitions outside of the limits, by name", () => {
    const cases: ReadonlyArray<readonly [string, () => unknown]> = [
      ["name", () => Job.make("", { payload })],
      ["name", () => Job.make("no spaces", { payload })],
      ["name", () => Job.make("x".repeat(129), { payload })],
      ["queue", () => Job.make("a", { payload, queue: "-" })],
      ["version", () => Job.make("a", { payload, version: 0 })],
      ["version", () => Job.make("a", { payload, version: 1.5 })],
      ["leaseDuration", () => Job.make("a", { payload, leaseDuration: "49 millis" })],
      ["leaseDuration", () => Job.make("a", { payload, leaseDuration: "13 hours" })],
      ["timeout", () => Job.make("a", { payload, timeout: 0 })],
      ["timeout", () => Job.make("a", { payload, timeout: Duration.infinity })],
      ["deadline", () => Job.make("a", { payload, deadline: "4000 days" })],
      ["idempotencyWindow", () => Job.make("a", { payload, idempotencyWindow: Duration.infinity })],
      ["maxAttempts", () => Job.make("a", { payload, maxAttempts: 0 })],
      ["maxAttempts", () => Job.make("a", { payload, maxAttempts: 10_001 })]
    ]
    for (const [part, define] of cases) assert.throws(define, new RegExp(`Job.make.*${part}`))
  })

  it("takes fields or a schema, and is a class of its own", () => {
    assert.strictEqual(Add._tag, "add")
    assert.strictEqual(Add.name, "Add")
    assert.strictEqual(Job.make("struct", { payload: Schema.Struct(payload) })._tag, "struct")
    assert.strictEqual(Job.make("plain", { payload: Schema.String }).queue, "default")
  })
})

describe("enqueue", () => {
  it.effect("answers with an id that sorts by time, and runs the job", () =>
    produce(
      Effect.gen(function* () {
        const first = yield* Note.enqueue({ text: "a" })
        yield* TestClock.adjust(5)
        const second = yield* Note.enqueue({ text: "b" })
        assert.deepStrictEqual([first._tag, second._tag], ["Inserted", "Inserted"])
        assert.isBelow(first.id.localeCompare(second.id), 0)
        const texts: Array<string> = []
        yield* work(Note.toLayer(({ text }) => Effect.sync(() => void texts.push(text))))
        yield* TestClock.adjust(10)
        assert.deepStrictEqual(texts, ["a", "b"])
        assert.strictEqual((yield* view(first.id)).state, "Completed")
      })
    )
  )

  it.effect("a payload outside of its schema fails, with its place, and writes nothing", () =>
    produce(
      Effect.gen(function* () {
        const error = yield* Effect.flip(
          Add.enqueueAll([
            { left: 1, right: 2 },
            { left: 1.5, right: 2 }
          ])
        )
        assert.strictEqual(error._tag, "PayloadInvalid")
        assert.match(error.message, /add \(item 1\)/)
        assert.deepStrictEqual(yield* (yield* JobQueue).counts(), [])
      })
    )
  )

  it.effect("a limit of the log is its typed error", () =>
    produce(
      Effect.gen(function* () {
        const error = yield* Effect.flip(Note.enqueue({ text: "x".repeat(2 * 1024 * 1024) }))
        assert.strictEqual(error._tag, "LogError")
        assert.strictEqual(error._tag === "LogError" ? error.reason._tag : "", "InvalidRequest")
      })
    )
  )

  it.effect("the same id and payload answer as the first time, another payload is refused", () =>
    produce(
      Effect.gen(function* () {
        const id = "00000000-0000-7000-8000-000000000001"
        assert.strictEqual((yield* Note.enqueue({ text: "a" }, { id }))._tag, "Inserted")
        assert.strictEqual((yield* Note.enqueue({ text: "a" }, { id }))._tag, "Inserted")
        const error = yield* Effect.flip(Note.enqueue({ text: "b" }, { id }))
        assert.strictEqual(error._tag, "CommandRefused")
        assert.strictEqual((yield* (yield* JobQueue).counts())[0]?.ready, 1)
      })
    )
  )

  it.effect("a duplicate carries the stored result, inside the window", () =>
    produce(
      Effect.gen(function* () {
        const first = yield* Add.enqueue({ left: 1, right: 2 })
        const waiting = yield* Add.enqueue({ left: 1, right: 2 })
        assert.deepStrictEqual(waiting, {
          _tag: "Duplicate",
          id: first.id,
          state: "Ready",
          result: Option.none()
        })
        yield* work(added)
        yield* TestClock.adjust(10)
        const done = yield* Add.enqueue({ left: 1, right: 2 })
        assert.deepStrictEqual(done, {
          _tag: "Duplicate",
          id: first.id,
          state: "Completed",
          result: Option.some(3)
        })
        yield* TestClock.adjust("61 minutes")
        assert.strictEqual((yield* Add.enqueue({ left: 1, right: 2 }))._tag, "Inserted")
      })
    )
  )

  it.effect("many at once are cut into batches of the log, and answered in order", () =>
    produce(
      Effect.gen(function* () {
        const payloads = Array.from({ length: 2_500 }, (_, n) => ({ text: `${n}` }))
        const answers = yield* Note.enqueueAll(payloads)
        assert.strictEqual(new Set(answers.map(({ id }) => id)).size, 2_500)
        const texts: Array<string> = []
        yield* work(Note.toLayer(({ text }) => Effect.sync(() => void texts.push(text))))
        yield* TestClock.adjust(1_000)
        assert.deepStrictEqual(
          texts,
          payloads.map(({ text }) => text)
        )
        assert.deepStrictEqual(yield* Note.enqueueAll([]), [])
      })
    )
  )

  it.effect("replace keeps the place of a job that was never granted, and no other", () =>
    produce(
      Effect.gen(function* () {
        const options = { idempotencyKey: "k", onConflict: "replace" } as const
        const first = yield* Note.enqueue({ text: "old" }, options)
        yield* Note.enqueue({ text: "behind" })
        assert.deepStrictEqual(yield* Note.enqueue({ text: "new" }, options), { _tag: "Replaced", id: first.id })
        const texts: Array<string> = []
        yield* work(
          Note.toLayer(({ text }) =>
            Effect.andThen(
              Effect.sync(() => void texts.push(text)),
              Effect.sleep(100)
            )
          ),
          { concurrency: 1 }
        )
        yield* TestClock.adjust(50)
        assert.strictEqual((yield* Note.enqueue({ text: "late" }, options))._tag, "Duplicate")
        yield* TestClock.adjust(1_000)
        assert.deepStrictEqual(texts, ["new", "behind"])
      })
    )
  )

  it.effect("delay and at are kept to the millisecond", () =>
    produce(
      Effect.gen(function* () {
        yield* TestClock.setTime(1_000_000)
        const delayed = yield* Note.enqueue({ text: "delay" }, { delay: "2 seconds" })
        const at = yield* Note.enqueue({ text: "at" }, { at: new Date(1_003_000) })
        yield* work(Note.toLayer(() => Effect.void))
        yield* TestClock.adjust(1_999)
        assert.strictEqual((yield* view(delayed.id)).state, "Scheduled")
        yield* TestClock.adjust(1)
        assert.strictEqual((yield* view(delayed.id)).state, "Completed")
        yield* TestClock.adjust(999)
        assert.strictEqual((yield* view(at.id)).state, "Scheduled")
        yield* TestClock.adjust(1)
        assert.strictEqual((yield* view(at.id)).state, "Completed")
      })
    )
  )

  it.effect("priorities first, then the order of enqueue", () =>
    produce(
      Effect.gen(function* () {
        yield* Note.enqueueAll([{ text: "bulk1" }, { text: "bulk2" }], { priority: "bulk" })
        yield* Note.enqueue({ text: "normal" })
        yield* Note.enqueue({ text: "fast" }, { priority: "fast" })
        yield* Note.enqueue({ text: "first" }, { priority: -1_000 })
        const texts: Array<string> = []
        yield* work(Note.toLayer(({ text }) => Effect.sync(() => void texts.push(text))))
        yield* TestClock.adjust(10)
        assert.deepStrictEqual(texts, ["first", "fast", "normal", "bulk1", "bulk2"])
      })
    )
  )

  it.effect("a group runs one after the other, in the order of enqueue, beside other groups", () =>
    produce(
      Effect.gen(function* () {
        class Step extends Job.make("step", {
          payload: { of: Schema.String, n: Schema.Int },
          group: ({ of }) => of
        }) {}
        const running = new Map<string, number>()
        const seen: Record<string, Array<number>> = { a: [], b: [] }
        let together = 0
        yield* Step.enqueueAll(
          [1, 2, 3, 4].flatMap((n) => [
            { of: "a", n },
            { of: "b", n }
          ])
        )
        yield* work(
          Step.toLayer(
            Effect.fnUntraced(function* ({ n, of }) {
              assert.isUndefined(running.get(of), "one of a group at a time")
              running.set(of, n)
              together = Math.max(together, running.size)
              seen[of]?.push(n)
              yield* Effect.sleep(n % 2 === 0 ? 10 : 50)
              running.delete(of)
            })
          )
        )
        yield* TestClock.adjust(1_000)
        assert.deepStrictEqual(seen, { a: [1, 2, 3, 4], b: [1, 2, 3, 4] })
        assert.strictEqual(together, 2)
      })
    )
  )
})

describe("await", () => {
  it.effect("waits in another fiber for the result, decoded", () =>
    produce(
      Effect.gen(function* () {
        const { id } = yield* Add.enqueue({ left: 20, right: 22 })
        const waiting = yield* Effect.forkChild(Add.await(id))
        yield* TestClock.adjust(5_000)
        assert.isUndefined(waiting.pollUnsafe())
        yield* work(added)
        yield* TestClock.adjust(1)
        assert.strictEqual(yield* Fiber.join(waiting), 42)
        assert.strictEqual(yield* Add.await(id), 42)
      })
    )
  )

  it.effect("polls a log whose hints fail, and does not spin", () =>
    produce(
      Effect.gen(function* () {
        const faulty = FaultyLog.make(yield* JobLog)
        faulty.always("changes", FaultyLog.down)
        const { id } = yield* Add.enqueue({ left: 1, right: 1 })
        const waiting = yield* Effect.forkChild(
          Add.await(id).pipe(Effect.provideService(JobQueue, makeQueue(faulty.log)))
        )
        yield* TestClock.adjust("1 minute")
        const reads = faulty.callsOf("read").length
        assert.isAtMost(reads, 62)
        for (let turn = 0; turn < 300; turn++) yield* Effect.yieldNow
        assert.isAtMost(faulty.callsOf("read").length, reads + 1, "while no time passes, nothing is asked")
        yield* work(added)
        yield* TestClock.adjust(1_000)
        assert.strictEqual(yield* Fiber.join(waiting), 2)
      })
    )
  )

  it.effect("fails typed: no such job, a dead letter, a cancelled job, a result of another schema", () =>
    produce(
      Effect.gen(function* () {
        const queue = yield* JobQueue
        const missing = yield* Effect.flip(Add.await("00000000-0000-7000-8000-000000000000"))
        assert.strictEqual(missing._tag, "JobNotFound")
        class Bad extends Job.make("bad", { payload: {}, success: Schema.String, maxAttempts: 1 }) {}
        const dead = yield* Bad.enqueue({})
        const cancelled = yield* Add.enqueue({ left: 0, right: 0 })
        yield* queue.cancel(cancelled.id)
        assert.strictEqual((yield* Effect.flip(Add.await(cancelled.id)))._tag, "JobCancelled")
        yield* work(
          Layer.merge(
            added,
            Bad.toLayer(() => Effect.die(new Error("broken")))
          )
        )
        const sum = yield* Add.enqueue({ left: 1, right: 1 })
        yield* TestClock.adjust(10)
        const error = yield* Effect.flip(Bad.await(dead.id))
        assert.strictEqual(error._tag, "JobDeadLettered")
        assert.match(error.message, /broken/)
        assert.strictEqual((yield* Effect.flip(Bad.await(sum.id)))._tag, "ResultInvalid")
      })
    )
  )
})

describe("a handler's context", () => {
  it.effect("shows the run: attempt, delivery, token, lease, group, metadata", () =>
    produce(
      Effect.gen(function* () {
        class Look extends Job.make("look", {
          payload: {},
          maxAttempts: 3,
          error: Schema.TaggedStruct("Again", {}),
          retry: { Again: Schedule.spaced("10 millis") }
        }) {}
        const seen: Array<Record<string, unknown>> = []
        const tokens: Array<bigint> = []
        yield* TestClock.setTime(7_000)
        yield* Look.enqueueAll([{}, {}], { group: "g", metadata: { from: "test" } })
        yield* work(
          Look.toLayer(
            Effect.fnUntraced(function* (_, context) {
              tokens.push(context.token)
              const lease = Duration.toMillis(yield* context.remainingLease)
              const { attempt, delivery, enqueuedAt, group, maxAttempts, metadata, queue } = context
              seen.push({ attempt, delivery, enqueuedAt, group, lease, maxAttempts, metadata, queue })
              if (attempt < 3) return yield* Effect.fail({ _tag: "Again" } as const)
            })
          ),
          { leaseDuration: "30 seconds" }
        )
        yield* pass(1_000)
        assert.deepStrictEqual(
          seen.map(({ attempt, delivery }) => [attempt, delivery]),
          [
            [1, 1],
            [2, 2],
            [3, 3],
            [1, 1],
            [2, 2],
            [3, 3]
          ]
        )
        const { lease, ...rest } = seen[0] ?? {}
        assert.deepStrictEqual(rest, {
          attempt: 1,
          delivery: 1,
          enqueuedAt: 7_000,
          group: "g",
          maxAttempts: 3,
          metadata: { from: "test" },
          queue: "default"
        })
        assert.isAbove(Number(lease), 20_000)
        assert.deepStrictEqual(
          tokens,
          tokens.toSorted((left, right) => Number(left - right))
        )
        assert.strictEqual(new Set(tokens).size, tokens.length)
      })
    )
  )

  it.effect("its lease shrinks until the renewal, and its progress is stored with it", () =>
    produce(
      Effect.gen(function* () {
        const leases: Array<number> = []
        const { id } = yield* Note.enqueue({ text: "x" })
        yield* work(
          Note.toLayer(
            Effect.fnUntraced(function* (_, context) {
              yield* context.progress("half way")
              for (let step = 0; step < 4; step++) {
                leases.push(Duration.toMillis(yield* context.remainingLease))
                yield* Effect.sleep(5_000)
              }
            })
          ),
          { leaseDuration: "30 seconds" }
        )
        yield* TestClock.adjust("21 seconds")
        assert.deepStrictEqual(leases, [29_000, 24_000, 29_000, 24_000])
        assert.strictEqual((yield* view(id)).progress, "half way")
      })
    )
  )

  it.effect("follow-ups appear with the completion, and never without", () =>
    produce(
      Effect.gen(function* () {
        class Fan extends Job.make("fan", {
          payload: { fail: Schema.Boolean },
          error: Schema.TaggedStruct("No", {}),
          retry: { No: "never" }
        }) {}
        const texts: Array<string> = []
        yield* Fan.enqueueAll([{ fail: false }, { fail: true }])
        yield* work(
          Layer.merge(
            Fan.toLayer(
              Effect.fnUntraced(function* ({ fail }, context) {
                yield* Effect.orDie(context.followUp(Note, { text: `1 ${fail}` }))
                yield* Effect.orDie(context.followUp(Note, { text: `2 ${fail}` }, { delay: "1 second" }))
                if (fail) return yield* Effect.fail({ _tag: "No" } as const)
              })
            ),
            Note.toLayer(({ text }) => Effect.sync(() => void texts.push(text)))
          )
        )
        yield* pass(500)
        assert.deepStrictEqual(texts, ["1 false"])
        yield* pass(600)
        assert.deepStrictEqual(texts, ["1 false", "2 false"])
      })
    )
  )

  it.effect("a scope of the run's own is closed with the run, and children end with it", () =>
    produce(
      Effect.gen(function* () {
        const events: Array<string> = []
        yield* Note.enqueue({ text: "x" })
        yield* work(
          Note.toLayer(() =>
            Effect.gen(function* () {
              yield* Effect.addFinalizer(() => Effect.sync(() => void events.push("finalized")))
              yield* Effect.forkScoped(
                Effect.onInterrupt(Effect.never, () => Effect.sync(() => void events.push("child stopped")))
              )
              yield* Effect.sleep(10)
              events.push("done")
            })
          )
        )
        yield* TestClock.adjust(20)
        assert.deepStrictEqual(events, ["done", "child stopped", "finalized"])
      })
    )
  )
})

describe("what does not decode", () => {
  it.effect("an undecodable payload is a dead letter at once; a newer version waits for a newer process", () =>
    produce(
      Effect.gen(function* () {
        const log = yield* JobLog
        const raw = (n: number, version: number, payload: string) => ({
          id: `00000000-0000-7000-8000-00000000000${n}`,
          queue: "default",
          name: "note",
          version,
          payload
        })
        yield* log.enqueue([raw(1, 1, `{"text":5}`), raw(2, 1, "not json"), raw(3, 2, `{"more":5}`)])
        let ran = 0
        yield* work(Note.toLayer(() => Effect.sync(() => void ran++)))
        yield* TestClock.adjust(10)
        for (const n of [1, 2]) {
          const found = yield* view(`00000000-0000-7000-8000-00000000000${n}`)
          assert.deepStrictEqual([found.state, found.cause?.kind], ["DeadLettered", "undecodable"])
        }
        const newer = yield* view("00000000-0000-7000-8000-000000000003")
        assert.deepStrictEqual([newer.state, newer.attempts, newer.cause?.kind], ["Scheduled", 0, "noHandler"])
        assert.strictEqual(ran, 0)
      })
    )
  )

  it.effect("a result outside of its schema is a dead letter: running again would repeat the effects", () =>
    produce(
      Effect.gen(function* () {
        const { id } = yield* Add.enqueue({ left: 1, right: 2 })
        yield* work(Add.toLayer(() => Effect.succeed(0.5)))
        yield* TestClock.adjust(10)
        assert.deepStrictEqual([(yield* view(id)).state, (yield* view(id)).attempts], ["DeadLettered", 1])
      })
    )
  )

  it.effect("schemas and results that throw do not take the scheduler with them", () =>
    produce(
      Effect.gen(function* () {
        const Hostile = Schema.String.pipe(
          Schema.decodeTo(Schema.String, {
            decode: SchemaGetter.transform(explode),
            encode: SchemaGetter.transform(explode)
          })
        )
        class Throws extends Job.make("throws", { payload: Hostile, success: Hostile, maxAttempts: 1 }) {}
        const log = yield* JobLog
        const id = "00000000-0000-7000-8000-000000000001"
        yield* log.enqueue([{ id, queue: "default", name: "throws", version: 1, payload: `"throw"` }])
        yield* log.enqueue([
          { id: id.replace(/1$/, "2"), queue: "default", name: "throws", version: 1, payload: `"fine"` }
        ])
        yield* work(
          Layer.merge(
            Throws.toLayer(() => Effect.succeed("throw")),
            added
          ),
          { concurrency: 1 }
        )
        const sum = yield* Add.enqueue({ left: 1, right: 2 })
        yield* TestClock.adjust(10)
        assert.strictEqual((yield* view(sum.id)).state, "Completed")
        assert.strictEqual((yield* view(id)).state, "DeadLettered")
        assert.strictEqual((yield* view(id.replace(/1$/, "2"))).state, "DeadLettered")
      })
    )
  )
})
