import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { bench, cause, id, item } from "./harness.ts"

const ids = (result: { readonly grants: ReadonlyArray<{ readonly id: string }> }): ReadonlyArray<number> =>
  result.grants.map((grant) => Number(grant.id.slice(-12)))
const g = { group: "g" }

describe("groups", () => {
  it.effect("one at a time, in enqueue order, whatever the priority of single members", () =>
    Effect.gen(function* () {
      const { enqueue, worker } = yield* bench()
      yield* enqueue(item(1, g), item(2, { ...g, priority: -9 }), item(3, g), item(4, { group: "h" }))
      const w = yield* worker()
      const order: Array<ReadonlyArray<number>> = []
      for (let i = 0; i < 3; i++) {
        const result = yield* w.claim()
        order.push(ids(result))
        for (const grant of result.grants) yield* w.settle(grant, { _tag: "Complete" })
      }
      assert.deepStrictEqual(order, [[1, 4], [2], [3]])
    })
  )

  it.effect("a group stands where its head stands", () =>
    Effect.gen(function* () {
      const { enqueue, worker } = yield* bench()
      yield* enqueue(item(1), item(2, { ...g, priority: 5 }), item(3, { ...g, priority: -5 }), item(4, { priority: 9 }))
      const w = yield* worker()
      assert.deepStrictEqual(ids(yield* w.claim()), [1, 2, 4])
    })
  )

  it.effect("runs as many at a time as the policy says", () =>
    Effect.gen(function* () {
      const { control, enqueue, worker } = yield* bench({ groupConcurrency: 2 })
      yield* enqueue(...[1, 2, 3, 4, 5].map((n) => item(n, g)))
      const w = yield* worker()
      const first = yield* w.claim()
      assert.deepStrictEqual(ids(first), [1, 2])
      yield* control({ _tag: "Configure", queue: "q", policy: { groupConcurrency: 3 } })
      assert.deepStrictEqual(ids(yield* w.claim()), [3])
      yield* control({ _tag: "Configure", queue: "q", policy: { groupConcurrency: 1 } })
      for (const grant of first.grants) yield* w.settle(grant, { _tag: "Complete" })
      assert.deepStrictEqual(ids(yield* w.claim()), [])
    })
  )

  it.effect("a head that backs off blocks its group", () =>
    Effect.gen(function* () {
      const { enqueue, worker } = yield* bench()
      yield* enqueue(item(1, g), item(2, g), item(3))
      const w = yield* worker()
      yield* w.settle(yield* w.take(), { _tag: "Retry", delay: 100, cause })
      const result = yield* w.claim()
      assert.deepStrictEqual([ids(result), result.nextAt], [[3], 100])
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(ids(yield* w.claim()), [1])
    })
  )

  it.effect("or steps aside, and comes back to its place", () =>
    Effect.gen(function* () {
      const { enqueue, worker } = yield* bench({ groupOnRetry: "stepAside" })
      yield* enqueue(item(1, g), item(2, g), item(3, g))
      const w = yield* worker()
      yield* w.settle(yield* w.take(), { _tag: "Retry", delay: 100, cause })
      const two = yield* w.take()
      assert.strictEqual(two.id, id(2))
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(ids(yield* w.claim()), [])
      yield* w.settle(two, { _tag: "Complete" })
      assert.deepStrictEqual(ids(yield* w.claim()), [1])
    })
  )

  it.effect("changing the rule lets the waiting members through", () =>
    Effect.gen(function* () {
      const { control, enqueue, worker } = yield* bench()
      yield* enqueue(item(1, g), item(2, g))
      const w = yield* worker()
      yield* w.settle(yield* w.take(), { _tag: "Retry", delay: 100, cause })
      yield* control({ _tag: "Configure", queue: "q", policy: { groupOnRetry: "stepAside" } })
      const two = yield* w.take()
      yield* control({ _tag: "Configure", queue: "q", policy: { groupOnRetry: "block" } })
      yield* w.settle(two, { _tag: "Release" })
      assert.deepStrictEqual(ids(yield* w.claim()), [])
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(ids(yield* w.claim()), [1])
    })
  )

  it.effect("a delayed job joins the line when it becomes visible", () =>
    Effect.gen(function* () {
      const { enqueue, worker } = yield* bench()
      yield* enqueue(item(1, { ...g, delay: 100 }), item(2, g), item(3, g))
      const w = yield* worker()
      const two = yield* w.take()
      assert.strictEqual(two.id, id(2))
      yield* TestClock.adjust(100)
      yield* w.settle(two, { _tag: "Complete" })
      assert.deepStrictEqual(ids(yield* w.claim()), [1])
    })
  )

  it.effect("the permit ends with the grant, however it ends", () =>
    Effect.gen(function* () {
      const { control, enqueue, log, worker } = yield* bench({ groupOnRetry: "stepAside" })
      yield* enqueue(...[1, 2, 3, 4, 5, 6].map((n) => item(n, g)))
      const w = yield* worker()
      yield* w.settle(yield* w.take(), { _tag: "Complete" })
      yield* w.settle(yield* w.take(), { _tag: "DeadLetter", cause })
      yield* w.settle(yield* w.take(), { _tag: "Retry", delay: 1_000_000, cause })
      const dying = yield* worker(1000)
      yield* dying.take()
      yield* TestClock.adjust(1000)
      yield* log.reclaim({ limit: 1 })
      const again = yield* w.take()
      assert.strictEqual(again.id, id(4))
      yield* w.settle(again, { _tag: "Release", delay: 5000 })
      yield* control({ _tag: "Cancel", id: id(5) })
      assert.deepStrictEqual(ids(yield* w.claim()), [6])
    })
  )

  it.effect("a claim by name passes over groups whose head has another", () =>
    Effect.gen(function* () {
      const { enqueue, worker } = yield* bench()
      yield* enqueue(item(1, { ...g, name: "a" }), item(2, { ...g, name: "b" }), item(3, { group: "h", name: "b" }))
      const w = yield* worker()
      assert.deepStrictEqual(ids(yield* w.claim(9, { names: ["b"] })), [3])
    })
  )
})
