/** Every actor honours one contract: whatever is under way when it is stopped, nothing of it remains. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as LeaseSupervisor from "../../src/actors/LeaseSupervisor.ts"
import * as MonotonicClock from "../../src/actors/MonotonicClock.ts"
import * as Settler from "../../src/actors/Settler.ts"
import { silent } from "../../src/actors/Telemetry.ts"
import * as MemoryLog from "../../src/backends/memory/MemoryLog.ts"
import type { JobLogOperations } from "../../src/log/JobLog.ts"
import * as FaultyLog from "../support/FaultyLog.ts"
import { complete, item, quiet, rig } from "./rig.ts"

const operations = ["open", "renew", "claim", "settle", "reclaim", "changes"] as const

/** No call of a log is under way, and no time that passes makes another. */
const assertSilence = Effect.fnUntraced(function* (faulty: FaultyLog.FaultyLog) {
  for (const operation of operations) assert.strictEqual(faulty.inFlight(operation), 0, operation)
  const calls = faulty.calls.length
  yield* TestClock.adjust("1 minute")
  assert.strictEqual(faulty.calls.length, calls)
})

const leased = (log: JobLogOperations) =>
  Effect.map(log.read({ _tag: "Counts", queue: "q" }), (answer) =>
    answer._tag === "Counts" ? (answer.queues[0]?.leased ?? 0) : 0
  )

for (let round = 0; round < 10; round++) {
  it.effect(`all actors: 50 starts and stops with work in flight, round ${round}`, () =>
    quiet(
      Effect.gen(function* () {
        const faulty = FaultyLog.make(yield* MemoryLog.make())
        let running = 0
        let started = 0
        for (let cycle = 0; cycle < 50; cycle++) {
          // each cycle stops at another point of the work
          const at = (cycle * 7 + round * 13) % 40
          if (cycle % 5 === 4) faulty.next(operations[(cycle + round) % 5] ?? "claim", FaultyLog.replyUnknown)
          const it = yield* rig(
            ({ grant }) =>
              Effect.acquireUseRelease(
                Effect.sync(() => {
                  running++
                  started++
                }),
                () => Effect.as(Effect.sleep(Number(grant.payload) % 30), complete),
                () =>
                  Effect.sync(() => {
                    running--
                  })
              ),
            { over: faulty, leaseDuration: 300, concurrency: 3 }
          ).pipe(Effect.retry({ times: 3 }))
          yield* it.enqueue(...Array.from({ length: 8 }, (_, n) => item(round * 10_000 + cycle * 10 + n)))
          yield* TestClock.adjust(at)
          const stopping = yield* Effect.forkChild(it.stop)
          yield* TestClock.adjust(20_000)
          assert.isDefined(stopping.pollUnsafe(), "it stops")
          assert.strictEqual(running, 0)
          assert.strictEqual(it.pool.running(), 0)
          assert.strictEqual(yield* leased(faulty.log), 0, "no grant remains")
          yield* it.stop
        }
        assert.isAbove(started, 100)
        faulty.heal()
        yield* assertSilence(faulty)
      })
    )
  )
}

it.effect("the supervisor alone: 500 starts and stops leave no session", () =>
  Effect.gen(function* () {
    const faulty = FaultyLog.make(yield* MemoryLog.make())
    const elapsed = yield* MonotonicClock.make
    for (let cycle = 0; cycle < 500; cycle++) {
      const scope = yield* Scope.make()
      const supervisor = yield* LeaseSupervisor.make({
        log: faulty.log,
        owner: "test",
        leaseDuration: 300,
        elapsed,
        telemetry: silent,
        reclaimInterval: 50
      }).pipe(Scope.provide(scope))
      supervisor.after(cycle % 7, () => {})
      supervisor.after(1_000, () => assert.fail("a timer of a stopped supervisor fired"))
      yield* TestClock.adjust(cycle % 11)
      yield* supervisor.close
      yield* supervisor.close
      yield* Scope.close(scope, Exit.void)
    }
    assert.strictEqual(faulty.callsOf("open").length, 500)
    assert.strictEqual(faulty.callsOf("close").length, 500)
    yield* assertSilence(faulty)
  })
)

it.effect("the settler alone: 500 starts and stops, with settlements waiting", () =>
  quiet(
    Effect.gen(function* () {
      const faulty = FaultyLog.make(yield* MemoryLog.make())
      const elapsed = yield* MonotonicClock.make
      const supervisor = yield* LeaseSupervisor.make({
        log: faulty.log,
        owner: "test",
        leaseDuration: 60_000,
        elapsed,
        telemetry: silent,
        reclaimInterval: 50_000
      })
      const { epoch } = yield* supervisor.session
      faulty.always("settle", FaultyLog.late(20))
      for (let cycle = 0; cycle < 500; cycle++) {
        const scope = yield* Scope.make()
        const settler = yield* Settler.make({ log: faulty.log, supervisor, elapsed, telemetry: silent }).pipe(
          Scope.provide(scope)
        )
        for (let n = 0; n < cycle % 4; n++) {
          const stale = { id: item(n).id, token: 1n, receipt: "", settlement: complete }
          settler.offer({ epoch, queue: "q", name: "job", item: stale, startedAt: undefined })
        }
        yield* TestClock.adjust(cycle % 3)
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(faulty.inFlight("settle"), 0)
      }
    })
  )
)
