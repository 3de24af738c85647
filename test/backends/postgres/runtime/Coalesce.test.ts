import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import { assert, describe, it } from "vitest"
import { coalesce } from "../../../../src/log/Coalesce.ts"
import type { EnqueueItem, EnqueueResult } from "../../../../src/log/JobLog.ts"
import { Full, type LogError, NotWritable, refused, Unavailable, unknown } from "../../../../src/log/LogError.ts"
import { item } from "./support.ts"

type Items = ReadonlyArray<EnqueueItem>

/** An enqueue that notes its calls, each of which waits for the latch. */
const recorder = (answer: (items: Items) => LogError | undefined = () => undefined) => {
  const calls: Array<Items> = []
  const latch = Latch.makeUnsafe(false)
  let most = 0
  let now = 0
  const enqueue = (items: Items): Effect.Effect<ReadonlyArray<EnqueueResult>, LogError> =>
    Effect.gen(function* () {
      calls.push(items)
      most = Math.max(most, ++now)
      yield* latch.await
      now--
      const error = answer(items)
      if (error !== undefined) return yield* Effect.fail(error)
      return items.map(({ id }) => ({ _tag: "Inserted" as const, id }))
    })
  return { calls, latch, most: () => most, grouped: coalesce(enqueue, Context.empty()) }
}

const turns = (count: number) => Effect.repeat(Effect.yieldNow, { times: count })

const idsOf = (exit: Exit.Exit<ReadonlyArray<EnqueueResult>, unknown>) =>
  Exit.isSuccess(exit) ? exit.value.map((result) => result.id) : undefined

const full = refused("enqueue", new Full({ limit: "maxBacklog", detail: "ten" }))

describe("coalescing", () => {
  it("calls of one turn share a statement, what comes meanwhile goes with the next, two at most are under way", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const { calls, grouped, latch, most } = recorder()
        const fibers: Array<Fiber.Fiber<ReadonlyArray<EnqueueResult>, LogError>> = []
        const wanted: Array<Array<string>> = []
        for (const wave of [10, 5, 20, 20]) {
          for (let i = 0; i < wave; i++) {
            const items = Array.from({ length: 1 + (i % 3) }, () => item("q"))
            wanted.push(items.map(({ id }) => id))
            fibers.push(yield* Effect.forkChild(grouped(items), { startImmediately: true }))
          }
          yield* turns(4)
        }
        assert.strictEqual(calls.length, 2)
        latch.openUnsafe()
        const exits = yield* Effect.forEach(fibers, Fiber.await)
        assert.deepStrictEqual(exits.map(idsOf), wanted)
        assert.strictEqual(calls.length, 3)
        assert.strictEqual(most(), 2)
      })
    ))

  it("many that are always answered at the same time are halves that take turns", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const { calls, grouped, latch } = recorder()
        const wave = (count: number) =>
          Effect.tap(
            Effect.forEach(Array.from({ length: count }), () => Effect.forkChild(grouped([item("q")]))),
            turns(4)
          )
        const sizes = () => calls.splice(0).map(({ length }) => length)
        const shared: ReadonlyArray<readonly [number, Array<number>]> = [
          [64, [32, 32]],
          [20, [16, 4]],
          [16, [16]]
        ]
        for (const [callers, wanted] of shared) {
          const fibers = yield* wave(callers)
          assert.deepStrictEqual(sizes(), wanted)
          const later = yield* wave(callers)
          latch.openUnsafe()
          yield* Effect.forEach([...fibers, ...later], Fiber.await)
          latch.closeUnsafe()
          // while another is under way all go with the next
          assert.deepStrictEqual(sizes(), [callers])
        }
      })
    ))

  it("a statement carries a thousand jobs and eight mebibytes at most, and many jobs go by themselves", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const { calls, grouped, latch } = recorder()
        latch.openUnsafe()
        const payload = "x".repeat(1_000_000)
        yield* Effect.all(
          [
            ...Array.from({ length: 30 }, () => grouped(Array.from({ length: 90 }, () => item("q")))),
            ...Array.from({ length: 6 }, () => grouped([item("q", { payload })])),
            grouped(Array.from({ length: 1000 }, () => item("q")))
          ],
          { concurrency: "unbounded" }
        )
        for (const items of calls) {
          assert.isAtMost(items.length, 1000)
          assert.isAtMost(items.filter((of) => of.payload === payload).length, 2)
        }
        assert.strictEqual(calls.flat().length, 30 * 90 + 6 + 1000)
      })
    ))

  it("where one is to blame that all were refused, the others are not", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const bad = item("bounded")
        const { calls, grouped, latch } = recorder((items) => (items.includes(bad) ? full : undefined))
        latch.openUnsafe()
        const exits = yield* Effect.forEach([item("q"), bad, item("q")], (one) => Effect.exit(grouped([one])), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false, true])
        assert.deepStrictEqual(exits[1], Exit.fail(full))
        assert.deepStrictEqual(
          calls.map(({ length }) => length),
          [3, 1, 1, 1]
        )
      })
    ))

  it.each([
    unknown("enqueue", new Unavailable({ detail: "the connection broke" })),
    refused("enqueue", new NotWritable({ path: "the server", cause: "readOnly", detail: "a standby" }))
  ])("what concerns all is told to all, and nothing is sent again: %s", (error) =>
    Effect.runPromise(
      Effect.gen(function* () {
        const { calls, grouped, latch } = recorder(() => error)
        latch.openUnsafe()
        const exits = yield* Effect.forEach([1, 2, 3], () => Effect.exit(grouped([item("q")])), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(exits, [Exit.fail(error), Exit.fail(error), Exit.fail(error)])
        assert.strictEqual(calls.length, 1)
      })
    )
  )

  it("those that wait long for something hold up nobody else", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const { calls, grouped, latch } = recorder()
        const stuck = []
        for (const one of [item("q"), item("q"), item("q")]) {
          stuck.push(yield* Effect.forkChild(grouped([one]), { startImmediately: true }))
          yield* turns(3)
        }
        assert.strictEqual(calls.length, 2)
        while (calls.length < 3) yield* Effect.sleep(10)
        latch.openUnsafe()
        const exits = yield* Effect.forEach(stuck, Fiber.await)
        assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, true, true])
        assert.strictEqual(idsOf(yield* Effect.exit(grouped([item("q")])))?.length, 1)
      })
    ))

  it("who gives up before it is sent sends nothing, and hurts nobody", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const { calls, grouped, latch } = recorder()
        const items = Array.from({ length: 6 }, () => item("q"))
        const fibers = []
        for (const one of items) {
          fibers.push(yield* Effect.forkChild(grouped([one]), { startImmediately: true }))
          yield* turns(3)
        }
        // one under way, one of those that wait
        yield* Fiber.interrupt(fibers[0]!)
        yield* Fiber.interrupt(fibers[4]!)
        latch.openUnsafe()
        const exits = yield* Effect.forEach(fibers, Fiber.await)
        assert.deepStrictEqual(exits.map(Exit.isSuccess), [false, true, true, true, false, true])
        assert.deepStrictEqual(
          calls.map((call) => call.map((one) => items.indexOf(one))),
          [[0], [1], [2, 3, 5]]
        )
      })
    ))
})
