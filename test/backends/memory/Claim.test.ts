import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { ClaimResult } from "../../../src/log/JobLog.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import { bench, cause, id, item } from "./harness.ts"
import type { Bench } from "./harness.ts"

const ids = (result: { readonly grants: ReadonlyArray<{ readonly id: string }> }): ReadonlyArray<number> =>
  result.grants.map((grant) => Number(grant.id.slice(-12)))

describe("claim", () => {
  it.effect("grants by priority, then in enqueue order, with rising tokens", () =>
    Effect.gen(function* () {
      const { enqueue, worker } = yield* bench()
      yield* enqueue(item(1), item(2, { priority: -1 }), item(3, { priority: 5 }), item(4), item(5, { priority: -1 }))
      const w = yield* worker()
      const result = yield* w.claim()
      assert.deepStrictEqual(ids(result), [2, 5, 1, 4, 3])
      assert.deepStrictEqual(
        result.grants.map((grant) => grant.token),
        [1n, 2n, 3n, 4n, 5n]
      )
      assert.deepStrictEqual(ids(yield* w.claim()), [])
    })
  )

  it.effect("hands over what was enqueued", () =>
    Effect.gen(function* () {
      const { enqueue, worker } = yield* bench()
      yield* TestClock.adjust(1000)
      const trace = { traceId: "0".repeat(31) + "1", spanId: "0".repeat(15) + "1", sampled: true }
      yield* enqueue(
        item(1, {
          version: 3,
          priority: 7,
          delay: 500,
          maxAttempts: 4,
          leaseDuration: 60_000,
          timeout: 5000,
          deadline: 90_000,
          group: "g",
          metadata: { tenant: "t1" },
          trace
        })
      )
      yield* TestClock.adjust(700)
      const grant = yield* (yield* worker()).take()
      assert.deepStrictEqual(grant, {
        id: id(1),
        queue: "q",
        name: "job",
        version: 3,
        payload: "payload 1",
        priority: 7,
        attempt: 1,
        delivery: 1,
        maxAttempts: 4,
        generation: 1,
        enqueuedAt: 1000,
        readySince: 1500,
        leaseDuration: 60_000,
        timeout: 5000,
        deadline: 90_000,
        group: "g",
        metadata: { tenant: "t1" },
        trace,
        token: 1n,
        receipt: "1"
      })
    })
  )

  it.effect("never before visibleAt, and says when to come back", () =>
    Effect.gen(function* () {
      const { enqueue, worker } = yield* bench()
      const w = yield* worker()
      yield* enqueue(item(1, { delay: 1000 }), item(2, { at: 400 }))
      const early = yield* w.claim()
      assert.deepStrictEqual([ids(early), early.nextAt], [[], 400])
      yield* TestClock.adjust(399)
      assert.deepStrictEqual(ids(yield* w.claim()), [])
      yield* TestClock.adjust(1)
      const next = yield* w.claim()
      assert.deepStrictEqual([ids(next), next.nextAt], [[2], 1000])
      yield* TestClock.adjust(600)
      assert.deepStrictEqual(ids(yield* w.claim()), [1])
    })
  )

  it.effect("takes only the names asked for, whatever stands before them", () =>
    Effect.gen(function* () {
      const { enqueue, worker } = yield* bench()
      yield* enqueue(item(1, { name: "a" }), item(2, { name: "b" }), item(3, { name: "c" }), item(4, { name: "b" }))
      const w = yield* worker()
      assert.deepStrictEqual(ids(yield* w.claim(10, { names: ["b", "d"] })), [2, 4])
      assert.deepStrictEqual(ids(yield* w.claim(10, { names: ["c", "a"] })), [1, 3])
    })
  )

  it.effect("keeps queues apart", () =>
    Effect.gen(function* () {
      const { enqueue, worker } = yield* bench()
      yield* enqueue(item(1, { queue: "a" }), item(2, { queue: "b" }))
      const w = yield* worker()
      assert.deepStrictEqual(ids(yield* w.claim(10, { queue: "b" })), [2])
    })
  )

  it.effect("answers a repeated call as the first time, and a call of another operation not at all", () =>
    Effect.gen(function* () {
      const { enqueue, log, worker } = yield* bench()
      yield* enqueue(item(1), item(2))
      const w = yield* worker()
      const request = { session: w.session.id, call: w.nextCall(), queue: "q", limit: 1 }
      const first = yield* log.claim(request)
      assert.deepStrictEqual(yield* log.claim(request), first)
      const other = yield* Effect.flip(log.settle({ session: w.session.id, call: request.call, items: [] }))
      assert.strictEqual(other.reason._tag, "InvalidRequest")
      assert.strictEqual(other.outcome, "refused")
      assert.deepStrictEqual(ids(yield* w.claim()), [2])
    })
  )

  it.effect("keeps the answers of the latest 64 calls, also when calls overtake each other", () =>
    Effect.gen(function* () {
      const { enqueue, log, worker } = yield* bench()
      yield* enqueue(item(1))
      const { session } = yield* worker()
      const claim = (call: number) => log.claim({ session: session.id, call, queue: "q", limit: 1 })
      assert.deepStrictEqual(ids(yield* claim(2)), [1])
      assert.deepStrictEqual(ids(yield* claim(1)), [])
      for (let call = 3; call <= 65; call++) yield* claim(call)
      assert.deepStrictEqual(ids(yield* claim(2)), [1])
      yield* claim(66)
      const gone = yield* Effect.flip(claim(2))
      assert.deepStrictEqual([gone.outcome, gone.reason._tag], ["unknown", "InvalidRequest"])
    })
  )

  it.effect("a dead or unknown session is refused", () =>
    Effect.gen(function* () {
      const { enqueue, log, worker } = yield* bench()
      yield* enqueue(item(1))
      const w = yield* worker(1000)
      yield* TestClock.adjust(1000)
      for (const session of [w.session.id, "nobody"]) {
        const error = yield* Effect.flip(log.claim({ session, call: 9, queue: "q", limit: 1 }))
        assert.deepStrictEqual([error.outcome, error.reason._tag], ["refused", "SessionDead"])
      }
    })
  )

  it.effect("dead-letters a job whose deadline has passed instead of granting it", () =>
    Effect.gen(function* () {
      const { enqueue, view, worker } = yield* bench()
      yield* enqueue(item(1, { deadline: 500 }), item(2))
      const w = yield* worker()
      yield* TestClock.adjust(500)
      assert.deepStrictEqual(ids(yield* w.claim()), [2])
      const job = yield* view(1)
      assert.deepStrictEqual([job?.state, job?.cause?.kind, job?.attempts], ["DeadLettered", "deadline", 0])
    })
  )

  it.effect("an empty claim first takes back what an expired session holds", () =>
    Effect.gen(function* () {
      const { enqueue, worker } = yield* bench()
      yield* enqueue(item(1))
      const lost = yield* worker(1000)
      yield* lost.take()
      const w = yield* worker()
      const empty = yield* w.claim()
      assert.deepStrictEqual([ids(empty), empty.nextAt], [[], 1000])
      yield* TestClock.adjust(1000)
      const grant = yield* w.take()
      assert.deepStrictEqual([grant.token, grant.attempt, grant.delivery], [2n, 1, 2])
      assert.strictEqual((yield* Effect.flip(lost.renew())).reason._tag, "SessionDead")
    })
  )
})

describe("parked claim", () => {
  /** Parks a claim, does something, and expects the claim to come back with these jobs. */
  const parked = (
    expected: ReadonlyArray<number>,
    test: (
      on: Bench
    ) => Effect.Effect<
      { readonly park: Effect.Effect<ClaimResult, LogError>; readonly wake: Effect.Effect<unknown, LogError> },
      LogError
    >
  ) =>
    Effect.gen(function* () {
      const { park, wake } = yield* test(yield* bench())
      const fiber = yield* Effect.forkChild(park)
      yield* TestClock.adjust(0)
      assert.isUndefined(fiber.pollUnsafe(), "the claim is parked")
      yield* wake
      yield* TestClock.adjust(0)
      assert.isDefined(fiber.pollUnsafe(), "the claim was woken")
      assert.deepStrictEqual(ids(yield* Fiber.join(fiber)), expected)
    })
  const park = { park: true }

  it.effect("by enqueue", () =>
    parked([1], ({ enqueue, worker }) =>
      Effect.map(worker(), (w) => ({ park: w.claim(5, park), wake: enqueue(item(1)) }))
    )
  )
  it.effect("by a delay that ends", () =>
    parked([1], ({ enqueue, worker }) =>
      Effect.gen(function* () {
        const w = yield* worker()
        yield* enqueue(item(1, { delay: 1000 }))
        return { park: w.claim(5, park), wake: TestClock.adjust(1000) }
      })
    )
  )
  it.effect("by an earlier delay than the one it knew", () =>
    parked([2], ({ enqueue, worker }) =>
      Effect.gen(function* () {
        const w = yield* worker()
        yield* enqueue(item(1, { delay: 5000 }))
        return {
          park: w.claim(5, park),
          wake: Effect.andThen(enqueue(item(2, { delay: 1000 })), TestClock.adjust(1000))
        }
      })
    )
  )
  it.effect("by a retry that is due", () =>
    parked([1], ({ enqueue, worker }) =>
      Effect.gen(function* () {
        const w = yield* worker()
        yield* enqueue(item(1))
        const grant = yield* w.take()
        return {
          park: w.claim(5, park),
          wake: Effect.andThen(w.settle(grant, { _tag: "Retry", delay: 700, cause }), TestClock.adjust(700))
        }
      })
    )
  )
  it.effect("by a session that expires", () =>
    parked([1], ({ enqueue, worker }) =>
      Effect.gen(function* () {
        yield* enqueue(item(1))
        yield* (yield* worker(1000)).take()
        const w = yield* worker()
        return { park: w.claim(5, park), wake: TestClock.adjust(1000) }
      })
    )
  )
  it.effect("by a session that is closed", () =>
    parked([1], ({ enqueue, worker }) =>
      Effect.gen(function* () {
        yield* enqueue(item(1))
        const other = yield* worker()
        yield* other.take()
        const w = yield* worker()
        return { park: w.claim(5, park), wake: other.close }
      })
    )
  )
  it.effect("by reclaim", () =>
    parked([1], ({ log, worker }) =>
      Effect.gen(function* () {
        const w = yield* worker()
        const other = yield* worker(1000)
        return {
          park: w.claim(5, { ...park, names: ["job"] }),
          wake: Effect.gen(function* () {
            yield* log.enqueue([item(1)])
            yield* other.take()
            yield* TestClock.adjust(1000)
            yield* log.reclaim({ limit: 10 })
          })
        }
      })
    )
  )
  it.effect("by resume", () =>
    parked([1], ({ control, enqueue, worker }) =>
      Effect.gen(function* () {
        const w = yield* worker()
        yield* control({ _tag: "Pause", queue: "q" })
        yield* enqueue(item(1))
        return { park: w.claim(5, park), wake: control({ _tag: "Resume", queue: "q" }) }
      })
    )
  )
  it.effect("by a group's permit", () =>
    parked([2], ({ enqueue, worker }) =>
      Effect.gen(function* () {
        const w = yield* worker()
        yield* enqueue(item(1, { group: "g" }), item(2, { group: "g" }))
        const grant = yield* w.take()
        return { park: w.claim(5, park), wake: w.settle(grant, { _tag: "Complete" }) }
      })
    )
  )
  it.effect("by redrive", () =>
    parked([1], ({ control, enqueue, worker }) =>
      Effect.gen(function* () {
        const w = yield* worker()
        yield* enqueue(item(1))
        yield* w.settle(yield* w.take(), { _tag: "DeadLetter", cause })
        return { park: w.claim(5, park), wake: control({ _tag: "Redrive", id: id(1) }) }
      })
    )
  )
  it.effect("by reschedule", () =>
    parked([1], ({ control, enqueue, worker }) =>
      Effect.gen(function* () {
        const w = yield* worker()
        yield* enqueue(item(1, { delay: 9000 }))
        return { park: w.claim(5, park), wake: control({ _tag: "Reschedule", id: id(1), delay: 0 }) }
      })
    )
  )

  it.effect("fails once its session is closed or has expired", () =>
    Effect.gen(function* () {
      const { worker } = yield* bench()
      const closed = yield* worker()
      const first = yield* Effect.forkChild(Effect.flip(closed.claim(1, park)))
      const expiring = yield* worker(2000)
      const second = yield* Effect.forkChild(Effect.flip(expiring.claim(1, park)))
      yield* TestClock.adjust(0)
      yield* closed.close
      assert.strictEqual((yield* Fiber.join(first)).reason._tag, "SessionDead")
      yield* TestClock.adjust(2000)
      assert.strictEqual((yield* Fiber.join(second)).reason._tag, "SessionDead")
    })
  )

  it.effect("stays parked while its session is renewed", () =>
    Effect.gen(function* () {
      const { enqueue, worker } = yield* bench()
      const w = yield* worker(1000)
      const fiber = yield* Effect.forkChild(w.claim(1, park))
      for (let i = 0; i < 10; i++) {
        yield* TestClock.adjust(900)
        yield* w.renew()
      }
      yield* enqueue(item(1))
      assert.deepStrictEqual(ids(yield* Fiber.join(fiber)), [1])
    })
  )

  it.effect("loses nothing when it is interrupted and repeated", () =>
    Effect.gen(function* () {
      const { enqueue, log, worker } = yield* bench()
      const w = yield* worker()
      const request = { session: w.session.id, call: w.nextCall(), queue: "q", limit: 1, park: true }
      const fiber = yield* Effect.forkChild(log.claim(request))
      yield* TestClock.adjust(0)
      yield* Fiber.interrupt(fiber)
      for (let i = 0; i < 100; i++) yield* w.renew()
      yield* enqueue(item(1))
      const result = yield* log.claim(request)
      assert.deepStrictEqual(ids(result), [1])
      assert.deepStrictEqual(yield* log.claim(request), result)
    })
  )

  it.effect("one job wakes many and goes to one", () =>
    Effect.gen(function* () {
      const { enqueue, worker } = yield* bench()
      const fibers = []
      for (let i = 0; i < 5; i++) fibers.push(yield* Effect.forkChild((yield* worker()).claim(1, park)))
      yield* TestClock.adjust(0)
      yield* enqueue(item(1))
      yield* TestClock.adjust(0)
      assert.strictEqual(fibers.filter((fiber) => fiber.pollUnsafe() !== undefined).length, 1)
      yield* enqueue(item(2), item(3), item(4), item(5))
      const results = yield* Effect.forEach(fibers, Fiber.join)
      assert.deepStrictEqual(results.flatMap(ids).toSorted(), [1, 2, 3, 4, 5])
    })
  )
})
