import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { bench, cause, id, item } from "./harness.ts"

describe("renew", () => {
  it.effect("prolongs the lease, and never that of an expired or closed session", () =>
    Effect.gen(function* () {
      const { log, worker } = yield* bench()
      const w = yield* worker(1000)
      assert.deepStrictEqual([w.session.now, w.session.expiresAt], [0, 1000])
      yield* TestClock.adjust(900)
      assert.strictEqual((yield* w.renew()).expiresAt, 1900)
      yield* TestClock.adjust(1000)
      assert.strictEqual((yield* Effect.flip(w.renew())).reason._tag, "SessionDead")
      const other = yield* worker(1000)
      assert.notStrictEqual(other.session.id, w.session.id)
      yield* other.close
      yield* other.close
      yield* log.close("nobody")
      assert.strictEqual((yield* Effect.flip(other.renew())).reason._tag, "SessionDead")
    })
  )

  it.effect("takes marks and progress of current grants, and lists the others as lost", () =>
    Effect.gen(function* () {
      const { enqueue, view, worker } = yield* bench()
      yield* enqueue(item(1), item(2))
      const w = yield* worker()
      const [one, two] = (yield* w.claim()).grants
      assert.isDefined(one)
      assert.isDefined(two)
      yield* w.settle(two, { _tag: "Complete" })
      const answer = yield* w.renew(
        [one.token, two.token, 99n],
        [
          { token: one.token, value: "half" },
          { token: two.token, value: "late" }
        ]
      )
      assert.deepStrictEqual([answer.lost, answer.cancelled, answer.paused], [[2n, 99n], [], []])
      assert.deepStrictEqual([(yield* view(1))?.progress, (yield* view(2))?.progress], ["half", undefined])
    })
  )

  it.effect("tells of paused queues in which the session holds jobs", () =>
    Effect.gen(function* () {
      const { control, enqueue, worker } = yield* bench()
      yield* enqueue(item(1), item(2, { queue: "other" }))
      const w = yield* worker()
      yield* w.take()
      yield* control({ _tag: "Pause", queue: "q" })
      yield* control({ _tag: "Pause", queue: "other" })
      assert.deepStrictEqual((yield* w.renew()).paused, ["q"])
      yield* control({ _tag: "Resume", queue: "q" })
      assert.deepStrictEqual((yield* w.renew()).paused, [])
    })
  )
})

describe("close", () => {
  it.effect("releases what is held, without using up attempts", () =>
    Effect.gen(function* () {
      const { enqueue, worker } = yield* bench()
      yield* enqueue(item(1), item(2))
      const w = yield* worker()
      const { grants } = yield* w.claim()
      yield* w.renew(grants.map((grant) => grant.token))
      yield* w.close
      const again = yield* (yield* worker()).claim()
      assert.deepStrictEqual(
        again.grants.map((grant) => [grant.id, grant.attempt, grant.delivery]),
        [
          [id(1), 1, 2],
          [id(2), 1, 2]
        ]
      )
    })
  )
})

describe("reclaim", () => {
  it.effect("takes back all that expired sessions hold, in steps, and leaves live ones alone", () =>
    Effect.gen(function* () {
      const { enqueue, log, worker } = yield* bench()
      yield* enqueue(...Array.from({ length: 7 }, (_, n) => item(n)))
      const [a, b, live] = [yield* worker(1000), yield* worker(1000), yield* worker(60_000)]
      yield* a.claim(3)
      yield* b.claim(3)
      yield* live.claim(1)
      const early = yield* log.reclaim({ limit: 100 })
      assert.deepStrictEqual(early, { reclaimed: 0, deadLettered: 0, more: false, nextAt: 1000 })
      yield* TestClock.adjust(1000)
      const steps = []
      for (let i = 0; i < 3; i++) steps.push(yield* log.reclaim({ limit: 2 }))
      assert.deepStrictEqual(
        steps.map((step) => [step.reclaimed, step.more]),
        [
          [2, true],
          [2, true],
          [2, false]
        ]
      )
      assert.strictEqual(steps[2]?.nextAt, 60_000)
      assert.strictEqual((yield* live.claim()).grants.length, 6)
    })
  )

  it.effect("a partly reclaimed session is dead as a whole", () =>
    Effect.gen(function* () {
      const { enqueue, log, worker } = yield* bench()
      yield* enqueue(item(1), item(2))
      const w = yield* worker(1000)
      const { grants } = yield* w.claim()
      yield* TestClock.adjust(1000)
      assert.isTrue((yield* log.reclaim({ limit: 1 })).more)
      assert.isDefined(grants[1])
      assert.strictEqual((yield* Effect.flip(w.settle(grants[1], { _tag: "Complete" }))).reason._tag, "SessionDead")
      yield* w.close
      assert.strictEqual((yield* log.reclaim({ limit: 1 })).reclaimed, 1)
    })
  )

  it.effect("counts an attempt only where it had started", () =>
    Effect.gen(function* () {
      const { enqueue, log, view, worker } = yield* bench()
      yield* enqueue(item(1, { maxAttempts: 1 }), item(2, { maxAttempts: 1 }))
      const w = yield* worker(1000)
      const { grants } = yield* w.claim()
      yield* w.renew(grants.slice(0, 1).map((grant) => grant.token))
      yield* TestClock.adjust(1000)
      const result = yield* log.reclaim({ limit: 10 })
      assert.deepStrictEqual([result.reclaimed, result.deadLettered], [2, 1])
      const [one, two] = [yield* view(1), yield* view(2)]
      assert.deepStrictEqual([one?.state, one?.attempts, one?.cause?.kind], ["DeadLettered", 1, "maxAttempts"])
      assert.deepStrictEqual([two?.state, two?.attempts, two?.cause?.kind], ["Ready", 0, "expired"])
    })
  )

  it.effect("dead-letters waiting jobs past their deadline, within the limit", () =>
    Effect.gen(function* () {
      const { enqueue, log, view } = yield* bench()
      yield* enqueue(item(1, { deadline: 10 }), item(2, { deadline: 20, delay: 500 }), item(3, { deadline: 900 }))
      yield* TestClock.adjust(30)
      assert.deepStrictEqual(yield* log.reclaim({ limit: 1 }), {
        reclaimed: 0,
        deadLettered: 1,
        more: true,
        nextAt: 20
      })
      assert.deepStrictEqual(yield* log.reclaim({ limit: 5 }), {
        reclaimed: 0,
        deadLettered: 1,
        more: false,
        nextAt: 900
      })
      assert.strictEqual((yield* view(2))?.cause?.kind, "deadline")
    })
  )
})

describe("cancel of a running job", () => {
  it.effect("the holder learns of it, keeps the group's permit and frees it by releasing", () =>
    Effect.gen(function* () {
      const { control, enqueue, view, worker } = yield* bench()
      yield* enqueue(item(1, { group: "g" }), item(2, { group: "g" }))
      const w = yield* worker()
      const grant = yield* w.take()
      assert.deepStrictEqual(yield* control({ _tag: "Cancel", id: id(1) }), { _tag: "Done" })
      assert.strictEqual((yield* view(1))?.state, "Cancelled")
      for (let beat = 0; beat < 2; beat++) {
        const { cancelled, lost } = yield* w.renew([grant.token])
        assert.deepStrictEqual([cancelled, lost], [[grant.token], []])
      }
      assert.deepStrictEqual((yield* w.claim()).grants, [])
      assert.deepStrictEqual(yield* w.settle(grant, { _tag: "Complete" }), { _tag: "Refused", reason: "cancelled" })
      assert.deepStrictEqual((yield* w.claim()).grants, [])
      assert.deepStrictEqual(yield* control({ _tag: "Purge", id: id(1) }), { _tag: "Refused", reason: "leased" })
      assert.deepStrictEqual(yield* w.settle(grant, { _tag: "Release" }), { _tag: "Settled", state: "Cancelled" })
      assert.deepStrictEqual((yield* w.renew()).cancelled, [])
      assert.strictEqual((yield* w.take()).id, id(2))
    })
  )

  it.effect("the end of the session frees the permit as well", () =>
    Effect.gen(function* () {
      const { control, enqueue, log, worker } = yield* bench()
      yield* enqueue(item(1, { group: "g" }), item(2, { group: "g" }), item(3, { group: "g" }))
      const [a, b, c] = [yield* worker(1000), yield* worker(), yield* worker()]
      yield* a.take()
      yield* control({ _tag: "Cancel", id: id(1) })
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(yield* log.reclaim({ limit: 9 }), {
        reclaimed: 1,
        deadLettered: 0,
        more: false,
        nextAt: undefined
      })
      yield* b.take()
      yield* control({ _tag: "Cancel", id: id(2) })
      yield* b.close
      assert.strictEqual((yield* c.take()).id, id(3))
    })
  )

  it.effect("against complete, the first wins", () =>
    Effect.gen(function* () {
      const { control, enqueue, worker } = yield* bench()
      yield* enqueue(item(1))
      const w = yield* worker()
      yield* w.settle(yield* w.take(), { _tag: "DeadLetter", cause })
      yield* control({ _tag: "Redrive", id: id(1) })
      yield* w.settle(yield* w.take(), { _tag: "Complete" })
      assert.deepStrictEqual(yield* control({ _tag: "Cancel", id: id(1) }), { _tag: "Refused", reason: "completed" })
    })
  )
})
