import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { EnqueueItem, SettleRequest, Settlement } from "../../src/log/JobLog.ts"
import { Full } from "../../src/log/LogError.ts"
import * as FaultyLog from "../support/FaultyLog.ts"
import { complete, id, item, quiet, rig, type Rig } from "./rig.ts"

const batches = (it: Rig): ReadonlyArray<number> =>
  it.faulty.callsOf("settle").map((call) => (call.request as SettleRequest).items.length)

const many = (count: number, from = 0): ReadonlyArray<EnqueueItem> =>
  Array.from({ length: count }, (_, n) => item(from + n))

it.effect("groups settlements, one call in flight", () =>
  Effect.gen(function* () {
    const it = yield* rig(() => Effect.as(Effect.yieldNow, complete), { dispatch: false, concurrency: 1_000 })
    it.faulty.always("settle", FaultyLog.late(50))
    yield* it.enqueue(...many(900))
    yield* it.take(300)
    yield* TestClock.adjust(10)
    yield* it.take(300)
    yield* TestClock.adjust(10)
    yield* it.take(300)
    yield* TestClock.adjust(500)
    assert.strictEqual((yield* it.counts).completed, 900)
    assert.strictEqual(it.faulty.mostInFlight("settle"), 1)
    assert.isAtMost(batches(it).length, 3)
    assert.strictEqual(it.telemetry.count("settled"), 900)
  })
)

it.effect("cuts what is more than one call may carry", () =>
  Effect.gen(function* () {
    const result = "x".repeat(700_000)
    const it = yield* rig(({ grant }) =>
      Effect.succeed(Number(grant.payload) < 40 ? { ...complete, result } : complete)
    )
    yield* it.enqueue(...many(1_000))
    yield* it.enqueue(...many(1_000, 1_000))
    yield* it.enqueue(...many(1_000, 2_000))
    yield* TestClock.adjust("1 minute")
    assert.strictEqual((yield* it.counts).completed, 3_000)
    assert.isAtMost(Math.max(...batches(it)), 1_000)
    assert.isAtMost(batches(it).length, 60, "no batch was refused and sent one by one")
    assert.strictEqual((yield* it.view(39)).result?.length, 700_000)
    assert.strictEqual(it.telemetry.count("refused"), 0)
  })
)

it.effect("a settlement over a limit becomes a dead letter, and takes no other with it", () =>
  quiet(
    Effect.gen(function* () {
      const it = yield* rig(
        ({ grant }) =>
          Effect.succeed(Number(grant.payload) === 3 ? { ...complete, result: "x".repeat(1_100_000) } : complete),
        { concurrency: 20 }
      )
      yield* it.enqueue(...many(10))
      yield* TestClock.adjust(1_000)
      const counts = yield* it.counts
      assert.deepStrictEqual([counts.completed, counts.deadLettered, counts.leased], [9, 1, 0])
      const view = yield* it.view(3)
      assert.strictEqual(view.cause?.kind, "defect")
      assert.match(view.cause?.message ?? "", /result/)
      assert.strictEqual(it.faulty.callsOf("open").length, 1)
    })
  )
)

it.effect("an invalid follow-up makes its job a dead letter, and nothing of it is enqueued", () =>
  quiet(
    Effect.gen(function* () {
      const bad: Settlement = { _tag: "Complete", enqueue: [item(50), { ...item(51), name: "not a name!" }] }
      const it = yield* rig(({ grant }) => Effect.succeed(Number(grant.payload) === 1 ? bad : complete))
      yield* it.enqueue(item(1), item(2))
      yield* TestClock.adjust(1_000)
      assert.strictEqual((yield* it.view(1)).state, "DeadLettered")
      assert.match((yield* it.view(1)).cause?.message ?? "", /name/)
      const counts = yield* it.counts
      assert.deepStrictEqual([counts.completed, counts.deadLettered, counts.ready + counts.scheduled], [1, 1, 0])
    })
  )
)

it.effect("a stale settlement is refused, counted, and not repeated", () =>
  quiet(
    Effect.gen(function* () {
      const it = yield* rig(() => Effect.as(Effect.sleep(5_000), complete), { dispatch: false, leaseDuration: 3_000 })
      yield* it.enqueue(item(1))
      yield* it.take(1)
      const live = yield* it.supervisor.session
      // the log gives the job to another without this process knowing
      yield* it.faulty.log.close(live.session.id)
      const other = yield* it.faulty.log.open({ owner: "other", leaseDuration: 60_000 })
      const { grants } = yield* it.faulty.log.claim({ session: other.id, call: 1, queue: "q", limit: 1 })
      const grant = grants[0]
      assert.isDefined(grant)
      const old = { id: id(1), token: 1n, receipt: grant.receipt, settlement: complete }
      it.settler.offer({ epoch: live.epoch, queue: "q", name: "job", item: old, startedAt: 0 })
      yield* TestClock.adjust(10_000)
      const view = yield* it.view(1)
      assert.deepStrictEqual([view.state, view.session, view.token], ["Leased", other.id, grant.token])
      assert.isAtLeast(it.telemetry.count("refused"), 1)
      assert.strictEqual(it.telemetry.count("settled"), 0)
    })
  )
)

it.effect("settlements of an earlier session are dropped, not sent in the next", () =>
  quiet(
    Effect.gen(function* () {
      const it = yield* rig(({ grant }) => Effect.as(Effect.sleep(1_000 + 20 * Number(grant.payload)), complete), {
        leaseDuration: 3_000
      })
      yield* it.enqueue(item(1), item(2))
      it.faulty.always("settle", FaultyLog.requestLost)
      // the first is under way, the second waits behind it
      yield* TestClock.adjust(1_100)
      const { epoch } = yield* it.supervisor.session
      it.faulty.heal()
      it.supervisor.sessionDied(epoch)
      yield* TestClock.adjust(20_000)
      const requests = it.faulty.callsOf("settle").map((call) => call.request as SettleRequest)
      const first = requests[0]?.session
      assert.deepStrictEqual(
        requests.filter(({ session }) => session !== first).flatMap(({ items }) => items.map(({ token }) => token)),
        [3n, 4n]
      )
      for (const n of [1, 2]) {
        const view = yield* it.view(n)
        assert.deepStrictEqual([view.state, view.deliveries], ["Completed", 2])
      }
      assert.strictEqual(it.telemetry.count("refused sessionDead"), 1)
    })
  )
)

it.effect("a log without room for settlements is asked again until it has", () =>
  Effect.gen(function* () {
    const it = yield* rig(() => Effect.succeed(complete))
    it.faulty.always("settle", FaultyLog.refuse(new Full({ limit: "disk", detail: "no room" })))
    yield* it.enqueue(item(1))
    yield* TestClock.adjust(5_000)
    const tries = batches(it).length
    assert.isAtLeast(tries, 3)
    assert.isAtMost(tries, 60)
    it.faulty.heal()
    yield* TestClock.adjust(10_000)
    assert.deepStrictEqual([(yield* it.view(1)).state, (yield* it.view(1)).deliveries], ["Completed", 1])
  })
)

it.effect("flush waits for the outcome of everything offered", () =>
  Effect.gen(function* () {
    const it = yield* rig(() => Effect.succeed(complete), { dispatch: false })
    yield* it.settler.flush
    it.faulty.always("settle", FaultyLog.late(100))
    yield* it.enqueue(...many(3))
    yield* it.take(1)
    yield* TestClock.adjust(50)
    yield* it.take(2)
    const flushing = yield* Effect.forkChild(it.settler.flush)
    yield* TestClock.adjust(60)
    assert.isUndefined(flushing.pollUnsafe())
    yield* TestClock.adjust(100)
    yield* Fiber.join(flushing)
    assert.strictEqual((yield* it.counts).completed, 3)
  })
)

it.effect("claiming stops while the log settles slower than it grants", () =>
  Effect.gen(function* () {
    const it = yield* rig(() => Effect.succeed(complete), { concurrency: 1_000, maxPrefetch: 1_000 })
    it.faulty.always("settle", FaultyLog.late(1_000))
    for (let from = 0; from < 30_000; from += 1_000) yield* it.enqueue(...many(1_000, from))
    let most = 0
    for (let step = 0; step < 40; step++) {
      yield* TestClock.adjust(100)
      most = Math.max(most, (yield* it.counts).leased)
    }
    assert.isAtMost(most, 8_000)
    it.faulty.heal()
    yield* TestClock.adjust(10_000)
    assert.strictEqual((yield* it.counts).completed >= 10_000, true)
    assert.strictEqual((yield* it.counts).ready + (yield* it.counts).leased, 0)
  })
)
