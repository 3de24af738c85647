import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { Settlement } from "../../../src/log/JobLog.ts"
import { bench, cause, id, item, settleItem } from "./harness.ts"

const settled = (state: string) => ({ _tag: "Settled", state })
const refused = (reason: string) => ({ _tag: "Refused", reason })

describe("settle", () => {
  it.effect("completes once", () =>
    Effect.gen(function* () {
      const { enqueue, view, worker } = yield* bench()
      yield* enqueue(item(1))
      const w = yield* worker()
      const grant = yield* w.take()
      yield* TestClock.adjust(5)
      assert.deepStrictEqual(yield* w.settle(grant, { _tag: "Complete", result: "r" }), settled("Completed") as never)
      assert.deepStrictEqual(yield* w.settle(grant, { _tag: "Complete" }), refused("completed") as never)
      const job = yield* view(1)
      assert.deepStrictEqual([job?.result, job?.attempts, job?.finishedAt, job?.token], ["r", 1, 5, undefined])
    })
  )

  it.effect("retries after its delay, until the attempts are used up", () =>
    Effect.gen(function* () {
      const { enqueue, view, worker } = yield* bench()
      yield* enqueue(item(1, { maxAttempts: 2 }))
      const w = yield* worker()
      const retry: Settlement = { _tag: "Retry", delay: 100, cause }
      assert.deepStrictEqual(yield* w.settle(yield* w.take(), retry), settled("Scheduled") as never)
      const empty = yield* w.claim()
      assert.deepStrictEqual([empty.grants, empty.nextAt], [[], 100])
      yield* TestClock.adjust(100)
      const grant = yield* w.take()
      assert.deepStrictEqual([grant.attempt, grant.delivery, grant.readySince], [2, 2, 100])
      assert.deepStrictEqual(yield* w.settle(grant, retry), settled("DeadLettered") as never)
      const job = yield* view(1)
      assert.deepStrictEqual(job?.cause, {
        kind: "maxAttempts",
        tag: "Declined",
        message: "attempt 2 of 2 failed: no"
      })
      assert.strictEqual(job?.payload, "payload 1")
    })
  )

  it.effect("a retry beyond the deadline is the end", () =>
    Effect.gen(function* () {
      const { enqueue, view, worker } = yield* bench()
      yield* enqueue(item(1, { deadline: 50 }))
      const w = yield* worker()
      yield* w.settle(yield* w.take(), { _tag: "Retry", delay: 51, cause })
      assert.strictEqual((yield* view(1))?.cause?.kind, "deadline")
    })
  )

  it.effect("releases without using up an attempt, as often as deliveries allow", () =>
    Effect.gen(function* () {
      const { enqueue, view, worker } = yield* bench()
      yield* enqueue(item(1, { maxDeliveries: 3 }))
      const w = yield* worker()
      const states: Array<unknown> = []
      for (let i = 0; i < 3; i++) states.push(yield* w.settle(yield* w.take(), { _tag: "Release" }))
      assert.deepStrictEqual(states, [settled("Ready"), settled("Ready"), settled("DeadLettered")])
      const job = yield* view(1)
      assert.deepStrictEqual([job?.attempts, job?.deliveries, job?.cause?.kind], [0, 3, "maxDeliveries"])
    })
  )

  it.effect("refuses stale grants: another token, another session, an unknown job", () =>
    Effect.gen(function* () {
      const { enqueue, view, worker } = yield* bench()
      yield* enqueue(item(1))
      const [a, b] = [yield* worker(), yield* worker()]
      const first = yield* a.take()
      yield* a.settle(first, { _tag: "Release" })
      const second = yield* b.take()
      for (const settlement of [{ _tag: "Complete" }, { _tag: "DeadLetter", cause }] satisfies Array<Settlement>) {
        assert.deepStrictEqual(yield* a.settle(first, settlement), refused("stale") as never)
        assert.deepStrictEqual(yield* a.settle(second, settlement), refused("stale") as never)
        assert.deepStrictEqual(yield* b.settle(first, settlement), refused("stale") as never)
        assert.deepStrictEqual(yield* b.settle({ ...second, id: id(9) }, settlement), refused("stale") as never)
        assert.deepStrictEqual(yield* b.settle({ ...second, token: 2n ** 80n }, settlement), refused("stale") as never)
      }
      assert.strictEqual((yield* view(1))?.state, "Leased")
    })
  )

  it.effect("enqueues follow-ups with an accepted completion only", () =>
    Effect.gen(function* () {
      const { enqueue, view, worker } = yield* bench()
      yield* enqueue(item(1, { key: { value: "tick", window: 0 } }), item(2))
      const w = yield* worker()
      const [one, two] = (yield* w.claim()).grants
      assert.isDefined(one)
      assert.isDefined(two)
      const bad = yield* w.settle(two, { _tag: "Complete", enqueue: [item(10), item(11, { payload: "\ud800" })] })
      assert.deepStrictEqual(bad._tag === "Refused" && bad.reason, "invalidFollowUp")
      assert.match(String(bad._tag === "Refused" && bad.detail), /^enqueue\[1\]\.payload: /)
      assert.deepStrictEqual([(yield* view(2))?.state, yield* view(10)], ["Leased", undefined])

      // the key of the job that completes is free for its follow-up
      const next = item(12, { key: { value: "tick", window: 0 } })
      const good = yield* w.settle(one, { _tag: "Complete", enqueue: [next, item(2), item(1)] })
      assert.deepStrictEqual(good._tag === "Settled" && good.enqueued, [
        { _tag: "Inserted", id: id(12) },
        { _tag: "Inserted", id: id(2) },
        { _tag: "Refused", id: id(1), reason: "idConflict" }
      ])
      const stale = yield* w.settle(one, { _tag: "Complete", enqueue: [item(13)] })
      assert.deepStrictEqual(stale, refused("completed") as never)
      assert.isUndefined(yield* view(13))
    })
  )

  it.effect("answers a repeated batch as the first time", () =>
    Effect.gen(function* () {
      const { enqueue, log, worker } = yield* bench()
      yield* enqueue(item(1), item(2))
      const w = yield* worker()
      const [one, two] = (yield* w.claim()).grants
      assert.isDefined(one)
      assert.isDefined(two)
      const request = {
        session: w.session.id,
        call: w.nextCall(),
        items: [
          settleItem(one, { _tag: "Complete" }),
          settleItem(one, { _tag: "Complete" }),
          settleItem(two, { _tag: "Release", delay: 5 })
        ]
      }
      const first = yield* log.settle(request)
      assert.deepStrictEqual(first, [settled("Completed"), refused("completed"), settled("Scheduled")] as never)
      assert.deepStrictEqual(yield* log.settle(request), first)
    })
  )

  it.effect("an expired session may still settle until it is reclaimed", () =>
    Effect.gen(function* () {
      const { enqueue, log, worker } = yield* bench()
      yield* enqueue(item(1), item(2))
      const w = yield* worker(1000)
      const [one, two] = (yield* w.claim()).grants
      assert.isDefined(one)
      assert.isDefined(two)
      yield* TestClock.adjust(1000)
      assert.strictEqual((yield* Effect.flip(w.renew())).reason._tag, "SessionDead")
      assert.deepStrictEqual(yield* w.settle(one, { _tag: "Complete" }), settled("Completed") as never)
      yield* log.reclaim({ limit: 10 })
      const error = yield* Effect.flip(w.settle(two, { _tag: "Complete" }))
      assert.deepStrictEqual([error.outcome, error.reason._tag], ["refused", "SessionDead"])
    })
  )
})
