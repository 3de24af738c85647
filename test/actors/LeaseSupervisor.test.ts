import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as MemoryLog from "../../src/backends/memory/MemoryLog.ts"
import type { ClaimRequest, RenewRequest } from "../../src/log/JobLog.ts"
import { Full, InvalidRequest, NotWritable, Poisoned } from "../../src/log/LogError.ts"
import * as FaultyLog from "../support/FaultyLog.ts"
import { complete, id, item, now, quiet, rig, type Rig } from "./rig.ts"

/** Runs for ever, and says when it is interrupted. */
const endless = (stopped: Array<string>) => () =>
  Effect.onInterrupt(Effect.as(Effect.never, complete), () =>
    Effect.map(now, (at) => {
      stopped.push(`stopped at ${at}`)
    })
  )

const renewals = (it: Rig): ReadonlyArray<RenewRequest> =>
  it.faulty.callsOf("renew").map((call) => call.request as RenewRequest)

it.effect("renews on a beat of a third of the lease, for as long as it runs", () =>
  Effect.gen(function* () {
    const stopped: Array<string> = []
    const it = yield* rig(endless(stopped), { leaseDuration: 3_000 })
    yield* it.enqueue(item(1))
    yield* TestClock.adjust("1 minute")
    assert.strictEqual(renewals(it).length, 60)
    assert.strictEqual((yield* it.view(1)).state, "Leased")
    assert.strictEqual((yield* it.view(1)).deliveries, 1)
    assert.deepStrictEqual(stopped, [])
  })
)

it.effect("reports a run's start once, and its latest progress", () =>
  Effect.gen(function* () {
    const it = yield* rig(
      (context) =>
        Effect.gen(function* () {
          for (let step = 1; step <= 4; step++) {
            context.progress(`step ${step}`)
            yield* Effect.sleep(400)
          }
          return yield* Effect.never
        }),
      { leaseDuration: 3_000 }
    )
    yield* it.enqueue(item(1))
    yield* TestClock.adjust(5_000)
    const token = (yield* it.view(1)).token ?? 0n
    assert.deepStrictEqual(
      renewals(it).map(({ progress, started }) => [[...started], progress.map(({ value }) => value)]),
      [
        [[token], ["step 3"]],
        [[], ["step 4"]],
        [[], []],
        [[], []],
        [[], []]
      ]
    )
    assert.strictEqual((yield* it.view(1)).progress, "step 4")
  })
)

it.effect("a progress value that no log takes is cut, and harms nobody", () =>
  Effect.gen(function* () {
    const it = yield* rig(
      (context) => {
        context.progress(Number(context.grant.payload) === 1 ? "ä\ud800".repeat(10_000) : "fine\ud800")
        return Effect.never
      },
      { leaseDuration: 3_000 }
    )
    yield* it.enqueue(item(1), item(2))
    yield* TestClock.adjust(10_000)
    assert.strictEqual((yield* it.view(1)).deliveries, 1)
    assert.isAtLeast((yield* it.view(1)).progress?.length ?? 0, 1_000)
    assert.strictEqual((yield* it.view(2)).progress, "fine\ufffd")
    assert.strictEqual(it.telemetry.count("lost"), 0)
  })
)

it.effect("marks of a renewal that was refused go with the next", () =>
  quiet(
    Effect.gen(function* () {
      const it = yield* rig(
        (context) => {
          context.progress("begun")
          return Effect.never
        },
        { leaseDuration: 3_000 }
      )
      it.faulty.next("renew", FaultyLog.refuse(new Full({ limit: "disk", detail: "no room" })))
      yield* it.enqueue(item(1))
      yield* TestClock.adjust(2_500)
      const [first, second] = renewals(it)
      assert.deepStrictEqual(
        [second?.started, second?.progress],
        [[(yield* it.view(1)).token], [{ token: (yield* it.view(1)).token, value: "begun" }]]
      )
      assert.notStrictEqual(first?.call, second?.call)
      assert.strictEqual((yield* it.view(1)).progress, "begun")
    })
  )
)

it.effect("thousands of progress values are cut into renewals that the log takes", () =>
  Effect.gen(function* () {
    const runs = 2_100
    const it = yield* rig(
      (context) => {
        context.progress("x".repeat(4_096))
        return Effect.never
      },
      { leaseDuration: 3_000, concurrency: runs, maxPrefetch: 0 }
    )
    for (let from = 0; from < runs; from += 700) {
      yield* it.enqueue(...Array.from({ length: 700 }, (_, n) => item(from + n)))
    }
    yield* TestClock.adjust(5_000)
    assert.strictEqual(it.telemetry.count("lost"), 0)
    assert.strictEqual((yield* it.view(runs - 1)).progress?.length, 4_096)
    assert.strictEqual((yield* it.view(0)).deliveries, 1)
  })
)

it.effect("an unknown outcome is repeated under the same number", () =>
  Effect.gen(function* () {
    const it = yield* rig(() => Effect.as(Effect.sleep(100), complete), { leaseDuration: 3_000 })
    it.faulty.next("renew", FaultyLog.replyUnknown, FaultyLog.down, FaultyLog.replyUnknown)
    it.faulty.next("claim", FaultyLog.down, FaultyLog.replyUnknown)
    it.faulty.next("settle", FaultyLog.replyUnknown, FaultyLog.replyUnknown)
    yield* it.enqueue(item(1), item(2))
    yield* TestClock.adjust(2_500)
    assert.strictEqual((yield* it.counts).completed, 2)
    const numbers = (operation: FaultyLog.Operation) =>
      it.faulty.callsOf(operation).map((call) => (call.request as ClaimRequest).call)
    const [first] = numbers("renew")
    assert.deepStrictEqual(numbers("renew").slice(0, 4), [first, first, first, first])
    assert.strictEqual(new Set(numbers("claim").slice(0, 2)).size, 1)
    assert.strictEqual(new Set(numbers("settle").slice(0, 3)).size, 1)
    assert.deepStrictEqual([(yield* it.view(1)).deliveries, (yield* it.view(2)).deliveries], [1, 1])
  })
)

it.effect("a reply that never comes is asked for again, and nothing stands still", () =>
  Effect.gen(function* () {
    const it = yield* rig(() => Effect.as(Effect.sleep(100), complete), { leaseDuration: 3_000 })
    it.faulty.next("claim", FaultyLog.replyLost)
    it.faulty.next("settle", FaultyLog.replyLost, FaultyLog.requestLost)
    it.faulty.next("renew", FaultyLog.replyLost)
    yield* it.enqueue(item(1))
    yield* TestClock.adjust(6_000)
    const view = yield* it.view(1)
    assert.deepStrictEqual([view.state, view.deliveries], ["Completed", 1])
    assert.strictEqual(it.telemetry.count("lost"), 0)
    assert.strictEqual(it.faulty.callsOf("open").length, 1)
  })
)

it.effect("fences itself before its lease can run out, and goes on in a new session", () =>
  quiet(
    Effect.gen(function* () {
      const stopped: Array<string> = []
      const it = yield* rig(endless(stopped), { leaseDuration: 3_000 })
      yield* it.enqueue(item(1))
      yield* TestClock.adjust(1_500)
      assert.strictEqual(renewals(it).length, 1)
      // the lease was last renewed at 1,000, so it holds until 4,000
      it.faulty.always("renew", FaultyLog.requestLost)
      it.faulty.always("open", FaultyLog.down)
      it.faulty.always("claim", FaultyLog.down)
      yield* TestClock.adjust(2_400)
      assert.strictEqual(stopped.length, 1)
      const at = Number(stopped[0]?.replace("stopped at ", ""))
      assert.isAtMost(at, 4_000 - 300)
      assert.isAtLeast(at, 3_000)
      assert.strictEqual(it.telemetry.count("lost 1"), 1)
      yield* TestClock.adjust(5_000)
      it.faulty.heal()
      yield* TestClock.adjust(10_000)
      const view = yield* it.view(1)
      assert.deepStrictEqual([view.state, view.deliveries], ["Leased", 2])
      assert.strictEqual(it.telemetry.count("reclaimed") + view.deliveries >= 2, true)
      assert.strictEqual(stopped.length, 1)
    })
  )
)

it.effect("a refused renewal is tried again on the next beat while the lease lasts", () =>
  quiet(
    Effect.gen(function* () {
      const stopped: Array<string> = []
      const it = yield* rig(endless(stopped), { leaseDuration: 3_000 })
      yield* it.enqueue(item(1))
      it.faulty.next("renew", FaultyLog.refuse(new InvalidRequest({ field: "started", detail: "a bug" })))
      yield* TestClock.adjust(10_000)
      assert.deepStrictEqual(stopped, [])
      assert.strictEqual(it.faulty.callsOf("open").length, 1)
    })
  )
)

it.effect("a session that the log ended is replaced at once, and its runs are interrupted", () =>
  quiet(
    Effect.gen(function* () {
      const stopped: Array<string> = []
      const it = yield* rig(endless(stopped), { leaseDuration: 3_000 })
      yield* it.enqueue(item(1))
      yield* TestClock.adjust(100)
      const live = yield* it.supervisor.session
      yield* it.faulty.log.close(live.session.id)
      yield* TestClock.adjust(1_000)
      assert.strictEqual(stopped.length, 1)
      const next = yield* it.supervisor.session
      assert.strictEqual(next.epoch, live.epoch + 1)
      yield* TestClock.adjust(1_000)
      const view = yield* it.view(1)
      assert.deepStrictEqual([view.state, view.session, view.attempts], ["Leased", next.session.id, 0])
    })
  )
)

it.effect("a poisoned log is opened anew, by whichever call meets it first", () =>
  quiet(
    Effect.gen(function* () {
      const poisoned = FaultyLog.refuse(new Poisoned({ detail: "fdatasync: EIO" }))
      for (const operation of ["claim", "settle", "renew"] as const) {
        const it = yield* rig(() => Effect.as(Effect.sleep(1_200), complete), { leaseDuration: 3_000 })
        it.faulty.next(operation, poisoned)
        yield* it.enqueue(item(1))
        yield* TestClock.adjust(20_000)
        assert.strictEqual(it.faulty.callsOf("open").length, 2, operation)
        assert.strictEqual((yield* it.view(1)).state, "Completed", operation)
        yield* it.stop
      }
    })
  )
)

it.effect("what a claim may have been granted without saying so comes back with its session", () =>
  quiet(
    Effect.gen(function* () {
      const it = yield* rig(() => Effect.succeed(complete), { leaseDuration: 3_000 })
      const tooOld = new InvalidRequest({ field: "call", detail: "the answer is no longer kept" })
      it.faulty.next("claim", FaultyLog.unclear(tooOld))
      yield* it.enqueue(item(1))
      yield* TestClock.adjust("1 minute")
      const view = yield* it.view(1)
      assert.deepStrictEqual([view.state, view.deliveries], ["Completed", 2])
    })
  )
)

it.effect("grants that arrive after their session was given up do not start", () =>
  quiet(
    Effect.gen(function* () {
      const it = yield* rig(() => Effect.succeed(complete), { leaseDuration: 3_000 })
      yield* TestClock.adjust(10)
      // a claim of the first session waits in the log
      assert.strictEqual(it.faulty.inFlight("claim"), 1)
      it.supervisor.sessionDied((yield* it.supervisor.session).epoch)
      yield* it.enqueue(item(1))
      yield* TestClock.adjust(1_000)
      const view = yield* it.view(1)
      assert.strictEqual(view.state, "Completed")
      assert.strictEqual(it.telemetry.count("started 1"), 1)
      assert.strictEqual(it.telemetry.count("refused"), 0)
      // and by hand, as a late answer would
      yield* it.enqueue(item(2))
      const { grants } = yield* it.faulty.log
        .open({ owner: "other", leaseDuration: 3_000 })
        .pipe(Effect.andThen((session) => it.faulty.log.claim({ session: session.id, call: 1, queue: "q", limit: 1 })))
      it.pool.assign({ epoch: 1, grants })
      assert.strictEqual(it.pool.running(), 0)
    })
  )
)

it.effect("a cancelled run is interrupted at the next renewal, and confirmed", () =>
  Effect.gen(function* () {
    const stopped: Array<string> = []
    const it = yield* rig(endless(stopped), { leaseDuration: 3_000, concurrency: 1 })
    yield* it.enqueue(item(1), item(2))
    yield* TestClock.adjust(1_500)
    yield* it.faulty.log.control([{ _tag: "Cancel", id: id(1) }])
    yield* TestClock.adjust(500)
    assert.strictEqual(stopped.length, 1)
    const view = yield* it.view(1)
    assert.deepStrictEqual([view.state, view.session], ["Cancelled", undefined])
    assert.strictEqual((yield* it.view(2)).state, "Leased", "the slot is free for the next")
  })
)

it.effect("a job that completes while it is cancelled stays cancelled, and is confirmed", () =>
  Effect.gen(function* () {
    const it = yield* rig(() => Effect.as(Effect.sleep(500), complete), { leaseDuration: 3_000 })
    yield* it.enqueue(item(1))
    yield* TestClock.adjust(100)
    yield* it.faulty.log.control([{ _tag: "Cancel", id: id(1) }])
    yield* TestClock.adjust(500)
    const view = yield* it.view(1)
    assert.deepStrictEqual([view.state, view.session], ["Cancelled", undefined])
    assert.strictEqual(it.telemetry.count("refused cancelled"), 1)
  })
)

it.effect("a hung handler never stops the renewals of others", () =>
  Effect.gen(function* () {
    const it = yield* rig(
      ({ grant }) =>
        Number(grant.payload) === 1
          ? Effect.uninterruptible(Effect.never)
          : Effect.as(Effect.sleep("1 minute"), complete),
      { leaseDuration: 3_000, timeout: 120_000 }
    )
    yield* it.enqueue(item(1), item(2))
    yield* TestClock.adjust("61 seconds")
    assert.strictEqual((yield* it.view(2)).state, "Completed")
    assert.strictEqual((yield* it.view(1)).state, "Leased")
    assert.strictEqual(it.faulty.callsOf("open").length, 1)
  })
)

it.effect("notices a blocked event loop, and gives up a lease that ran out meanwhile", () =>
  quiet(
    Effect.gen(function* () {
      const blocked = { millis: 0 }
      const remaining: Array<number> = []
      const it = yield* rig(
        (context) =>
          Effect.gen(function* () {
            yield* Effect.sleep(500)
            if (context.grant.delivery > 1) return complete
            // the loop does not turn for ten seconds
            blocked.millis += 10_000
            remaining.push(context.remainingLease())
            return yield* Effect.never
          }),
        { leaseDuration: 3_000, blocked }
      )
      yield* it.enqueue(item(1))
      yield* TestClock.adjust(10_000)
      assert.deepStrictEqual(remaining, [0])
      assert.isAtLeast(it.telemetry.count("stalled") + it.telemetry.count("lost 1"), 1)
      const view = yield* it.view(1)
      assert.deepStrictEqual([view.state, view.deliveries], ["Completed", 2])
    })
  )
)

it.effect("a stall within the lease is reported, and costs nothing", () =>
  Effect.gen(function* () {
    const blocked = { millis: 0 }
    const it = yield* rig(
      () =>
        Effect.gen(function* () {
          yield* Effect.sleep(500)
          blocked.millis += 1_000
          return complete
        }),
      { leaseDuration: 3_000, blocked }
    )
    yield* it.enqueue(item(1))
    yield* TestClock.adjust(10_000)
    assert.strictEqual(it.telemetry.count("stalled"), 1)
    assert.strictEqual(it.telemetry.count("lost"), 0)
    assert.strictEqual((yield* it.view(1)).deliveries, 1)
  })
)

it.effect("what a dead scheduler held is reclaimed on a bounded beat", () =>
  Effect.gen(function* () {
    const log = FaultyLog.make(yield* MemoryLog.make())
    const other = yield* log.log.open({ owner: "gone", leaseDuration: 3_000 })
    yield* log.log.enqueue([item(1), item(2)])
    yield* log.log.claim({ session: other.id, call: 1, queue: "q", limit: 2 })
    const it = yield* rig(() => Effect.succeed(complete), { over: log })
    yield* TestClock.adjust(2_900)
    assert.strictEqual((yield* it.counts).completed, 0)
    yield* TestClock.adjust(2_200)
    assert.strictEqual((yield* it.counts).completed, 2)
  })
)

it.effect("what it held is reclaimed also when nobody claims from its queue here", () =>
  Effect.gen(function* () {
    const over = FaultyLog.make(yield* MemoryLog.make())
    const other = yield* over.log.open({ owner: "gone", leaseDuration: 3_000 })
    yield* over.log.enqueue([item(1, { queue: "elsewhere" })])
    yield* over.log.claim({ session: other.id, call: 1, queue: "elsewhere", limit: 1 })
    const it = yield* rig(() => Effect.succeed(complete), { over, dispatch: false })
    yield* TestClock.adjust("61 seconds")
    assert.deepStrictEqual(it.telemetry.events, ["reclaimed 1"])
    assert.strictEqual((yield* it.view(1)).state, "Ready")
    assert.strictEqual(over.callsOf("reclaim").length, 13)
  })
)

it.effect("a log that opens no session fails the start with its error", () =>
  Effect.gen(function* () {
    const log = FaultyLog.make(yield* MemoryLog.make())
    const reason = new NotWritable({ path: "/jobs", cause: "readOnly", detail: "EROFS" })
    log.always("open", FaultyLog.refuse(reason))
    const exit = yield* Effect.exit(rig(() => Effect.succeed(complete), { over: log }))
    assert.isTrue(Exit.isFailure(exit))
    const error = yield* Effect.flip(rig(() => Effect.succeed(complete), { over: log }))
    assert.strictEqual(error.reason, reason)
  })
)

it.effect("ends even when the log answers no more", () =>
  quiet(
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const it = yield* rig(() => Effect.succeed(complete)).pipe(Scope.provide(scope))
      it.faulty.always("close", FaultyLog.requestLost)
      let ended = false
      // detached: a close that waits for ever must fail the test, not hang it
      yield* Effect.forkDetach(
        Effect.andThen(
          Scope.close(scope, Exit.void),
          Effect.sync(() => {
            ended = true
          })
        )
      )
      yield* TestClock.adjust(10_000)
      assert.isTrue(ended)
    })
  )
)

it.effect("a session that was opened too slowly to rely on is renewed before anything is claimed in it", () =>
  Effect.gen(function* () {
    const over = FaultyLog.make(yield* MemoryLog.make())
    over.next("open", FaultyLog.late(1_500))
    const starting = yield* Effect.forkChild(rig(endless([]), { over, leaseDuration: 1_000 }))
    yield* TestClock.adjust(1_500)
    const it = yield* Fiber.join(starting)
    assert.deepStrictEqual(
      over.calls.slice(0, 2).map(({ operation }) => operation),
      ["open", "renew"]
    )
    assert.strictEqual(it.supervisor.trustedUntil(), 1_500 + 900)
  }).pipe(Effect.scoped)
)

it.effect("a session of which its opening left little is given up in time", () =>
  quiet(
    Effect.gen(function* () {
      const stopped: Array<string> = []
      const it = yield* rig(endless(stopped), { leaseDuration: 3_000 })
      yield* TestClock.adjust(100)
      const first = yield* it.supervisor.session
      it.faulty.always("renew", FaultyLog.requestLost)
      // trusted for 2,700 ms from the sending on
      it.faulty.next("open", FaultyLog.late(2_690))
      yield* it.faulty.log.close(first.session.id)
      yield* TestClock.adjust(2_690)
      yield* it.enqueue(item(1))
      yield* TestClock.adjust(1)
      assert.strictEqual(it.supervisor.trustedUntil(), 2_800)
      assert.strictEqual(it.telemetry.count("started 1"), 1)
      yield* TestClock.adjust(500)
      assert.deepStrictEqual(stopped, ["stopped at 2800"])
    })
  )
)

it.effect("a waiting grant does not start after a stall, though the supervisor has not looked yet", () =>
  Effect.gen(function* () {
    const blocked = { millis: 0 }
    const it = yield* rig(
      () =>
        Effect.sync(() => {
          blocked.millis = 1_000
          return complete
        }),
      { leaseDuration: 1_000, concurrency: 1, dispatch: false, blocked }
    )
    yield* it.enqueue(item(1), item(2))
    yield* it.take(2)
    assert.deepStrictEqual(
      it.telemetry.events.filter((event) => /^(started|lost)/.test(event)),
      ["started 1", "lost 1"]
    )
  })
)

it.effect("grants whose answer the log no longer keeps come back with their session", () =>
  Effect.gen(function* () {
    const over = FaultyLog.make(yield* MemoryLog.make())
    yield* over.log.enqueue([item(1)])
    // the claim takes the job, nobody hears of it, and its repeat comes too late
    const tooOld = new InvalidRequest({ field: "call", detail: "its answer is no longer kept" })
    over.next("claim", FaultyLog.replyUnknown, FaultyLog.refuse(tooOld))
    const it = yield* rig(() => Effect.succeed(complete), { over, leaseDuration: 3_000 })
    yield* TestClock.adjust("20 seconds")
    assert.strictEqual((yield* it.view(1)).state, "Completed")
  }).pipe(quiet)
)
