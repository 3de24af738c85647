import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as MemoryLog from "../../src/backends/memory/MemoryLog.ts"
import type { ClaimRequest, EnqueueItem } from "../../src/log/JobLog.ts"
import { InvalidRequest } from "../../src/log/LogError.ts"
import * as FaultyLog from "../support/FaultyLog.ts"
import { complete, item, quiet, rig, type Rig } from "./rig.ts"

const many = (count: number, options?: Partial<EnqueueItem>): ReadonlyArray<EnqueueItem> =>
  Array.from({ length: count }, (_, n) => item(n, options))

const limits = (it: Rig): ReadonlyArray<number> =>
  it.faulty.callsOf("claim").map((call) => (call.request as ClaimRequest).limit)

/** While no time passes, nothing is called: a loop that spins would go on. */
const assertRest = Effect.fnUntraced(function* (it: Rig, operation: FaultyLog.Operation) {
  const before = it.faulty.callsOf(operation).length
  for (let turn = 0; turn < 300; turn++) yield* Effect.yieldNow
  assert.isAtMost(it.faulty.callsOf(operation).length, before + 1)
})

it.effect("keeps the slots full, and claims slow jobs no further ahead than it has slots", () =>
  Effect.gen(function* () {
    const it = yield* rig(() => Effect.as(Effect.sleep(1_000), complete), { concurrency: 5 })
    yield* it.enqueue(...many(50))
    let most = 0
    for (let second = 0; second < 9; second++) {
      yield* TestClock.adjust(second === 0 ? 500 : 1_000)
      assert.strictEqual(it.pool.running(), 5)
      most = Math.max(most, (yield* it.counts).leased)
    }
    assert.isAtMost(most, 6)
    yield* TestClock.adjust(2_000)
    assert.strictEqual((yield* it.counts).completed, 50)
  })
)

it.effect("claims fast jobs far ahead, never beyond its bounds, and in order", () =>
  Effect.gen(function* () {
    const order: Array<number> = []
    const it = yield* rig(
      ({ grant }) => {
        order.push(Number(grant.payload))
        return Effect.as(Effect.sleep(1), complete)
      },
      { concurrency: 100, maxPrefetch: 500 }
    )
    for (let from = 0; from < 20_000; from += 1_000) {
      yield* it.enqueue(...Array.from({ length: 1_000 }, (_, n) => item(from + n)))
    }
    let most = 0
    for (let step = 0; step < 400; step++) {
      yield* TestClock.adjust(1)
      most = Math.max(most, it.pool.buffered())
    }
    assert.strictEqual(it.telemetry.count("settled"), 20_000)
    assert.deepStrictEqual(
      order,
      order.toSorted((left, right) => left - right)
    )
    assert.isAtMost(Math.max(...limits(it)), 600)
    assert.isAtMost(most, 500)
    assert.isAtLeast(most, 20)
  })
)

it.effect("asks for no more than 500 jobs at once, however many slots are free", () =>
  Effect.gen(function* () {
    const it = yield* rig(() => Effect.as(Effect.sleep(1), complete), { concurrency: 900, maxPrefetch: 0 })
    yield* it.enqueue(...Array.from({ length: 900 }, (_, n) => item(n)))
    yield* TestClock.adjust(10)
    assert.strictEqual(Math.max(...limits(it)), 500)
  })
)

it.effect("order of priority and enqueue is kept from claim to start", () =>
  Effect.gen(function* () {
    const order: Array<number> = []
    const it = yield* rig(
      ({ grant }) => {
        order.push(Number(grant.payload))
        return Effect.as(Effect.sleep(10), complete)
      },
      { concurrency: 1, maxPrefetch: 0 }
    )
    yield* it.faulty.log.control([{ _tag: "Pause", queue: "q" }])
    yield* it.enqueue(item(5), item(3, { priority: -1 }), item(6), item(1, { priority: -2 }), item(4, { priority: -1 }))
    yield* it.faulty.log.control([{ _tag: "Resume", queue: "q" }])
    yield* TestClock.adjust(1_000)
    assert.deepStrictEqual(order, [1, 3, 4, 5, 6])
  })
)

it.effect("an idle queue costs a few calls, and a new job is started at once", () =>
  Effect.gen(function* () {
    const it = yield* rig(() => Effect.succeed(complete))
    yield* TestClock.adjust("10 minutes")
    assert.isAtMost(it.faulty.callsOf("claim").length, 30)
    // also at the instants at which a parked claim is made anew
    for (let n = 1; n <= 70; n++) {
      yield* it.enqueue(item(n))
      yield* TestClock.adjust(1)
      assert.strictEqual((yield* it.view(n)).state, "Completed")
      yield* TestClock.adjust(499)
    }
  })
)

it.effect("a log without parked claims is polled and listened to", () =>
  Effect.gen(function* () {
    const sound = yield* MemoryLog.make()
    const over = FaultyLog.make({ ...sound, capabilities: { ...sound.capabilities, parkedClaims: false } })
    const it = yield* rig(() => Effect.succeed(complete), { over })
    yield* TestClock.adjust("1 minute")
    const idle = over.callsOf("claim").length
    assert.isAtMost(idle, 65)
    yield* it.enqueue(item(1))
    yield* TestClock.adjust(1)
    assert.strictEqual((yield* it.view(1)).state, "Completed", "the hint came")
    yield* it.enqueue(item(2, { delay: 150 }))
    yield* TestClock.adjust(149)
    assert.strictEqual((yield* it.view(2)).state, "Scheduled")
    yield* TestClock.adjust(3)
    assert.strictEqual((yield* it.view(2)).state, "Completed", "the next instant was known")
  })
)

it.effect("a log that does not notify either is polled in time", () =>
  Effect.gen(function* () {
    const sound = yield* MemoryLog.make()
    const capabilities = { ...sound.capabilities, parkedClaims: false, notify: false }
    const over = FaultyLog.make({ ...sound, capabilities })
    const it = yield* rig(() => Effect.succeed(complete), { over })
    yield* TestClock.adjust(1_500)
    yield* it.enqueue(item(1))
    yield* TestClock.adjust(1_000)
    assert.strictEqual((yield* it.view(1)).state, "Completed")
    assert.isEmpty(over.callsOf("changes"))
  })
)

it.effect("does not spin when claims fail, and goes on when they succeed again", () =>
  quiet(
    Effect.gen(function* () {
      for (const fault of [
        FaultyLog.refuse(new InvalidRequest({ field: "queue", detail: "a bug" })),
        FaultyLog.down,
        FaultyLog.defect
      ]) {
        const it = yield* rig(() => Effect.succeed(complete))
        it.faulty.always("claim", fault)
        const { session } = yield* it.supervisor.session
        yield* it.faulty.log.close(session.id)
        yield* TestClock.adjust("1 minute")
        assert.isAtMost(it.faulty.callsOf("claim").length, 80, fault._tag)
        yield* assertRest(it, "claim")
        it.faulty.heal()
        yield* it.enqueue(item(1))
        yield* TestClock.adjust(10_000)
        assert.strictEqual((yield* it.view(1)).state, "Completed", fault._tag)
        yield* it.stop
      }
    })
  )
)

it.effect("what a claim was granted that died in the log comes back with the session", () =>
  quiet(
    Effect.gen(function* () {
      const it = yield* rig(() => Effect.succeed(complete))
      yield* TestClock.adjust(1)
      it.faulty.always("claim", FaultyLog.defectAfter)
      yield* it.enqueue(item(1))
      // the claim that was parked before the fault is answered as it should be
      yield* TestClock.adjust(1_000)
      yield* it.enqueue(item(2))
      yield* TestClock.adjust(1_000)
      it.faulty.heal()
      yield* TestClock.adjust(60_000)
      assert.deepStrictEqual([(yield* it.view(1)).state, (yield* it.view(2)).state], ["Completed", "Completed"])
      yield* it.stop
    })
  )
)

it.effect("what an interrupted claim was granted is given back when its session closes", () =>
  Effect.gen(function* () {
    const it = yield* rig(() => Effect.succeed(complete))
    it.faulty.always("claim", FaultyLog.replyLost)
    yield* TestClock.adjust(31_000)
    yield* it.enqueue(item(1))
    yield* TestClock.adjust(5)
    assert.strictEqual((yield* it.view(1)).state, "Leased", "the log granted it, and the answer is lost")
    yield* it.stop
    const view = yield* it.view(1)
    assert.deepStrictEqual([view.state, view.attempts, view.deliveries], ["Ready", 0, 1])
  })
)

it.effect("does not spin when hints fail, or when nothing may be granted", () =>
  Effect.gen(function* () {
    for (const fault of [FaultyLog.down, FaultyLog.defect, FaultyLog.none]) {
      const sound = yield* MemoryLog.make()
      const over = FaultyLog.make({ ...sound, capabilities: { ...sound.capabilities, parkedClaims: false } })
      over.always("changes", fault)
      const it = yield* rig(() => Effect.succeed(complete), { over })
      yield* over.log.control([{ _tag: "Pause", queue: "q" }])
      yield* it.enqueue(item(1), item(2, { delay: 1_000 }), item(3, { group: "g" }), item(4, { deadline: 30_000 }))
      yield* TestClock.adjust("1 minute")
      assert.isAtMost(over.callsOf("claim").length, 70, fault._tag)
      yield* assertRest(it, "claim")
      yield* over.log.control([{ _tag: "Resume", queue: "q" }])
      yield* TestClock.adjust(1_000)
      assert.strictEqual((yield* it.counts).completed, 3)
      yield* it.stop
    }
  })
)
