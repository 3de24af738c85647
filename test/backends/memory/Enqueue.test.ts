import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { bench, cause, id, item } from "./harness.ts"

const key = (value: string, window = 0) => ({ key: { value, window } })
const replace = (value: string) => ({ key: { value, window: 0, onConflict: "replace" as const } })

describe("enqueue", () => {
  it.effect("the same id again: the first answer for the same bytes, refused for others", () =>
    Effect.gen(function* () {
      const { enqueue, worker } = yield* bench()
      const metadata = { a: "1", b: "2" }
      yield* enqueue(item(1, { metadata }))
      const again = yield* enqueue(
        item(1, { metadata: { b: "2", a: "1" }, priority: undefined }),
        item(1, { metadata: { a: "1" } }),
        item(1, { payload: "other", metadata })
      )
      assert.deepStrictEqual(again, [
        { _tag: "Inserted", id: id(1) },
        { _tag: "Refused", id: id(1), reason: "idConflict" },
        { _tag: "Refused", id: id(1), reason: "idConflict" }
      ])
      assert.strictEqual((yield* (yield* worker()).claim()).grants.length, 1)
    })
  )

  it.effect("keeps what it was given, whatever the caller does with it afterwards", () =>
    Effect.gen(function* () {
      const { enqueue, worker } = yield* bench()
      const metadata: Record<string, string> = { a: "1" }
      yield* enqueue(item(1, { metadata }))
      metadata["a"] = "2"
      assert.deepStrictEqual((yield* (yield* worker()).take()).metadata, { a: "1" })
    })
  )

  it.effect("one bad item refuses the batch", () =>
    Effect.gen(function* () {
      const { enqueue, log } = yield* bench()
      const error = yield* Effect.flip(enqueue(item(1), item(2, { queue: "" })))
      assert.deepStrictEqual([error.outcome, error.reason._tag], ["refused", "InvalidRequest"])
      const answer = yield* log.read({ _tag: "Jobs", limit: 10 })
      assert.deepStrictEqual(answer._tag === "Jobs" && answer.jobs, [])
    })
  )

  it.effect("a held key answers Duplicate, until the window after completion ends", () =>
    Effect.gen(function* () {
      const { enqueue, worker } = yield* bench()
      const w = yield* worker()
      const again = (n: number) => Effect.map(enqueue(item(n, key("k", 1000))), ([result]) => result)
      yield* again(1)
      assert.deepStrictEqual(yield* again(2), { _tag: "Duplicate", id: id(1), state: "Ready" })
      const grant = yield* w.take()
      assert.deepStrictEqual(yield* again(3), { _tag: "Duplicate", id: id(1), state: "Leased" })
      yield* w.settle(grant, { _tag: "Retry", delay: 500, cause })
      assert.deepStrictEqual(yield* again(4), { _tag: "Duplicate", id: id(1), state: "Scheduled" })
      yield* TestClock.adjust(500)
      yield* w.settle(yield* w.take(), { _tag: "Complete", result: "42" })
      yield* TestClock.adjust(999)
      assert.deepStrictEqual(yield* again(5), { _tag: "Duplicate", id: id(1), state: "Completed", result: "42" })
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* again(6), { _tag: "Inserted", id: id(6) })
    })
  )

  it.effect("keys belong to a queue and a job name", () =>
    Effect.gen(function* () {
      const { enqueue } = yield* bench()
      const results = yield* enqueue(
        item(1, key("k")),
        item(2, { ...key("k"), name: "other" }),
        item(3, { ...key("k"), queue: "other" }),
        item(4, key("k"))
      )
      assert.deepStrictEqual(
        results.map((result) => result._tag),
        ["Inserted", "Inserted", "Inserted", "Duplicate"]
      )
    })
  )

  it.effect("a dead letter keeps its key, a cancelled job does not", () =>
    Effect.gen(function* () {
      const { control, enqueue, worker } = yield* bench()
      const w = yield* worker()
      yield* enqueue(item(1, key("k")))
      yield* w.settle(yield* w.take(), { _tag: "DeadLetter", cause })
      assert.deepStrictEqual(yield* enqueue(item(2, key("k"))), [
        { _tag: "Duplicate", id: id(1), state: "DeadLettered" }
      ])
      yield* control({ _tag: "Cancel", id: id(1) })
      assert.deepStrictEqual(yield* enqueue(item(2, key("k"))), [{ _tag: "Inserted", id: id(2) }])
    })
  )

  it.effect("a key outlives the record: purged, or no longer retained", () =>
    Effect.gen(function* () {
      const { control, enqueue, worker } = yield* bench({ retainCompletedCount: 1 })
      const w = yield* worker()
      yield* enqueue(item(1, key("a", 1000)), item(2, key("b", 1000)))
      for (const grant of (yield* w.claim()).grants) yield* w.settle(grant, { _tag: "Complete", result: "r" })
      yield* control({ _tag: "Purge", id: id(2) })
      const gone = { _tag: "Duplicate", state: "Completed", resultGone: true }
      assert.deepStrictEqual(yield* enqueue(item(3, key("a")), item(4, key("b"))), [
        { ...gone, id: id(1) },
        { ...gone, id: id(2) }
      ] as never)
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(yield* enqueue(item(3, key("a"))), [{ _tag: "Inserted", id: id(3) }])
    })
  )

  it.effect("replaces a job that was never granted, in its place", () =>
    Effect.gen(function* () {
      const { enqueue, view, worker } = yield* bench()
      yield* enqueue(item(1, key("k")), item(2))
      const newer = item(3, { ...replace("k"), payload: "newer", maxAttempts: 2 })
      assert.deepStrictEqual(yield* enqueue(newer), [{ _tag: "Replaced", id: id(1) }])
      assert.deepStrictEqual(yield* enqueue(newer), [{ _tag: "Replaced", id: id(1) }], "the call repeated")
      assert.deepStrictEqual(yield* enqueue(item(1, key("k"))), [{ _tag: "Inserted", id: id(1) }], "the first repeated")
      assert.isUndefined(yield* view(3))
      const w = yield* worker()
      const grant = yield* w.take()
      assert.deepStrictEqual([grant.id, grant.payload, grant.generation, grant.maxAttempts], [id(1), "newer", 2, 2])
      assert.deepStrictEqual(yield* enqueue(newer), [{ _tag: "Replaced", id: id(1) }], "repeated after the grant")
      yield* w.settle(grant, { _tag: "Release" })
      assert.deepStrictEqual(yield* enqueue(item(4, replace("k"))), [{ _tag: "Duplicate", id: id(1), state: "Ready" }])
    })
  )

  it.effect("answers Full beyond the backlog, all or none, and never for duplicates", () =>
    Effect.gen(function* () {
      const { enqueue, worker } = yield* bench({ maxBacklog: 2 })
      yield* enqueue(item(1, { delay: 10, ...key("k") }))
      const full = yield* Effect.flip(enqueue(item(2), item(3)))
      assert.deepStrictEqual([full.outcome, full.reason._tag, full.isRetryable], ["refused", "Full", true])
      yield* enqueue(item(2), item(2), item(4, key("k")))
      yield* Effect.flip(enqueue(item(3)))
      yield* enqueue(item(2), item(1, { delay: 10, ...key("k") }))
      yield* enqueue(item(9, { queue: "other" }))
      const w = yield* worker()
      yield* w.take()
      yield* enqueue(item(3))
    })
  )
})
