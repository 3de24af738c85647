import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { Settlement } from "../../src/log/JobLog.ts"
import { complete, handlerOf, id, item, quiet, rig, type Run } from "./rig.ts"

/** Every way a handler can end badly, by the payload's number. */
const misbehave: Run = ({ grant }) => {
  switch (Number(grant.payload) % 8) {
    case 0:
      throw new Error("synchronous")
    case 1:
      return Effect.die(new Error("died"))
    case 2:
      return Effect.interrupt
    case 3:
      return Effect.flatMap(Effect.sleep(10), () => Effect.die("late"))
    case 4:
      return Effect.never
    case 5:
      return Effect.as(Effect.forkDetach(Effect.never), complete)
    case 6:
      return Effect.sync(() => {
        throw new Error("thrown inside")
      })
    default:
      return Effect.succeed({ _tag: "DeadLetter", cause: { kind: "failure", message: "no" } })
  }
}

it.effect("no slot is lost, whatever handlers do", () =>
  quiet(
    Effect.gen(function* () {
      const onFailure = (): Settlement => ({ _tag: "DeadLetter", cause: { kind: "defect", message: "bad" } })
      const it = yield* rig(misbehave, { concurrency: 3, timeout: 1_000, onFailure })
      yield* it.enqueue(...Array.from({ length: 64 }, (_, n) => item(n)))
      yield* TestClock.adjust("2 minutes")
      const counts = yield* it.counts
      assert.deepStrictEqual([counts.ready, counts.leased, counts.completed, counts.deadLettered], [0, 0, 8, 56])
      assert.deepStrictEqual([it.pool.running(), it.pool.free(), it.pool.buffered()], [0, 3, 0])
      assert.strictEqual(it.pool.ended(), 64)
    })
  )
)

it.effect("an attempt that outlives its timeout is interrupted, with its finalizers, and retried", () =>
  Effect.gen(function* () {
    const seen: Array<string> = []
    const it = yield* rig(
      ({ grant }) =>
        grant.attempt === 2
          ? Effect.succeed(complete)
          : Effect.onInterrupt(Effect.as(Effect.never, complete), () => Effect.sync(() => seen.push("finalized"))),
      { timeout: 5_000 }
    )
    yield* it.enqueue(item(1), item(2, { timeout: 1_000 }))
    yield* TestClock.adjust(1_000)
    assert.strictEqual((yield* it.view(2)).cause?.kind, "timeout")
    assert.strictEqual((yield* it.view(2)).state, "Scheduled")
    assert.strictEqual((yield* it.view(1)).state, "Leased")
    yield* TestClock.adjust(10_000)
    assert.strictEqual((yield* it.view(1)).state, "Completed")
    assert.strictEqual((yield* it.view(2)).state, "Completed")
    assert.deepStrictEqual(seen, ["finalized", "finalized"])
  })
)

it.effect("a run that ended leaves no timer wanted", () =>
  Effect.gen(function* () {
    const it = yield* rig(({ grant }) => Effect.as(Effect.sleep(Number(grant.payload)), complete))
    yield* it.enqueue(...[0, 1, 5, 10].map((n) => item(n)))
    yield* TestClock.adjust(100)
    assert.strictEqual((yield* it.counts).completed, 4)
    assert.isAtLeast(it.timers.length, 3)
    assert.isTrue(it.timers.every(({ cancelled }) => cancelled))
  })
)

it.effect("interruption reaches the children of a handler", () =>
  Effect.gen(function* () {
    const stopped: Array<string> = []
    const child = (name: string) => Effect.onInterrupt(Effect.never, () => Effect.sync(() => stopped.push(name)))
    const it = yield* rig(
      () =>
        Effect.gen(function* () {
          yield* Effect.forkChild(child("child"))
          yield* Effect.all([child("left"), child("right")], { concurrency: 2 })
          return complete
        }),
      { timeout: 100 }
    )
    yield* it.enqueue(item(1))
    yield* TestClock.adjust(200)
    assert.deepStrictEqual([...stopped].sort(), ["child", "left", "right"])
    assert.strictEqual((yield* it.view(1)).cause?.kind, "timeout")
  })
)

it.effect("a handler that ignores its interruption loses its slot", () =>
  Effect.gen(function* () {
    let remaining: (() => number) | undefined
    const it = yield* rig(
      (context) => {
        if (Number(context.grant.payload) === 2) return Effect.succeed(complete)
        remaining = () => context.remainingLease()
        return Effect.uninterruptible(Effect.as(Effect.sleep("1 hour"), complete))
      },
      { concurrency: 1, timeout: 1_000, abandonAfter: 3_000 }
    )
    yield* it.enqueue(item(1, { maxAttempts: 1 }), item(2))
    yield* TestClock.adjust(3_900)
    assert.strictEqual((yield* it.view(2)).state, "Ready")
    assert.strictEqual(it.telemetry.count("abandoned"), 0)
    yield* TestClock.adjust(200)
    assert.strictEqual((yield* it.view(2)).state, "Completed")
    assert.strictEqual((yield* it.view(1)).state, "DeadLettered")
    assert.deepStrictEqual(it.telemetry.count("abandoned"), 1)
    assert.strictEqual(remaining?.(), 0, "an abandoned run has no lease to rely on")
    const ended = it.pool.ended()
    yield* TestClock.adjust("2 hours")
    assert.strictEqual(it.pool.ended(), ended, "its late end changes nothing")
    assert.strictEqual((yield* it.view(1)).state, "DeadLettered")
  })
)

it.effect("a job of an unknown name or a newer version is given back with back-off and costs no attempt", () =>
  Effect.gen(function* () {
    const it = yield* rig(() => Effect.succeed(complete))
    yield* it.enqueue(item(1, { name: "other" }), item(2, { version: 2 }), item(3))
    yield* TestClock.adjust(100)
    for (const n of [1, 2]) {
      const view = yield* it.view(n)
      assert.strictEqual(view.state, "Scheduled")
      assert.strictEqual(view.attempts, 0)
      assert.strictEqual(view.deliveries, 1)
      assert.strictEqual(view.cause?.kind, "noHandler")
    }
    assert.strictEqual((yield* it.view(3)).state, "Completed")
    yield* TestClock.adjust("5 seconds")
    const view = yield* it.view(1)
    assert.isAtMost(view.deliveries, 4, "the back-off grows")
  })
)

it.effect("older versions run", () =>
  Effect.gen(function* () {
    const it = yield* rig(() => Effect.succeed(complete), { version: 3 })
    yield* it.enqueue(item(1, { version: 1 }), item(2, { version: 3 }))
    yield* TestClock.adjust(100)
    assert.strictEqual((yield* it.counts).completed, 2)
  })
)

it.effect("pausing releases what has not started within a beat, and lets the rest finish", () =>
  Effect.gen(function* () {
    const it = yield* rig(() => Effect.as(Effect.sleep(60_000), complete), { concurrency: 2, dispatch: false })
    yield* it.enqueue(...Array.from({ length: 10 }, (_, n) => item(n)))
    yield* it.take(10)
    assert.deepStrictEqual([it.pool.running(), it.pool.buffered()], [2, 8])
    yield* it.faulty.log.control([{ _tag: "Pause", queue: "q" }])
    yield* TestClock.adjust(10_000)
    assert.deepStrictEqual([it.pool.running(), it.pool.buffered()], [2, 0])
    const counts = yield* it.counts
    assert.deepStrictEqual([counts.ready, counts.leased], [8, 2])
    assert.strictEqual((yield* it.view(9)).attempts, 0)
    yield* TestClock.adjust(60_000)
    assert.strictEqual((yield* it.counts).completed, 2)
  })
)

it.effect.each([
  ["cancelled with it", [{ _tag: "Cancel", id: id(1) }], 2],
  ["in a paused queue", [{ _tag: "Pause", queue: "q" }], undefined]
] as const)("a cancelled run makes no room for a job that is %s", ([, commands, next]) =>
  Effect.gen(function* () {
    const it = yield* rig(() => Effect.as(Effect.sleep(60_000), complete), { concurrency: 1, dispatch: false })
    yield* it.enqueue(...[0, 1, 2].map((n) => item(n)))
    yield* it.take(3)
    yield* it.faulty.log.control([{ _tag: "Cancel", id: id(0) }, ...commands])
    yield* TestClock.adjust(10_000)
    const started = next === undefined ? ["started 0"] : ["started 0", `started ${next}`]
    assert.deepStrictEqual(
      it.telemetry.events.filter((event) => event.startsWith("started")),
      started
    )
  })
)

it.effect("draining gives waiting grants back at once, waits for runs, then interrupts and gives them back", () =>
  Effect.gen(function* () {
    const finalized: Array<number> = []
    const it = yield* rig(
      ({ grant }) => {
        const n = Number(grant.payload)
        return Effect.onInterrupt(Effect.as(Effect.sleep(n * 1_000), complete), () =>
          Effect.sync(() => finalized.push(n))
        )
      },
      { concurrency: 3, dispatch: false }
    )
    yield* it.enqueue(...[1, 2, 9, 4, 5].map((n) => item(n)))
    yield* it.take(5)
    const draining = yield* Effect.forkChild(it.pool.drain(3_000))
    yield* TestClock.adjust(100)
    assert.strictEqual((yield* it.counts).ready, 2)
    yield* TestClock.adjust(3_000)
    yield* Fiber.join(draining)
    yield* it.settler.flush
    assert.deepStrictEqual(finalized, [9])
    const counts = yield* it.counts
    assert.deepStrictEqual([counts.ready, counts.leased, counts.completed], [3, 0, 2])
    const view = yield* it.view(9)
    assert.deepStrictEqual([view.attempts, view.deliveries, view.cause?.kind], [0, 1, "released"])
  })
)

it.effect("what a handler's code throws before, after or about its run does not take the pool with it", () =>
  quiet(
    Effect.gen(function* () {
      const context = yield* Effect.context<never>()
      const sound = handlerOf(() => Effect.succeed(complete), context)
      const slow = handlerOf(() => Effect.as(Effect.sleep(5), complete), context)
      const explode = () => {
        throw new Error("a bug outside of the fiber")
      }
      const handlers = new Map([
        ["job", sound],
        ["start", { ...sound, start: explode }],
        ["conclude", { ...sound, conclude: explode }],
        ["late", { ...slow, conclude: explode }],
        ["policy", { ...slow, conclude: explode, onFailure: explode }]
      ])
      const it = yield* rig(() => Effect.succeed(complete), { handlers, concurrency: 1 })
      const names = ["start", "conclude", "late", "policy"]
      yield* it.enqueue(...names.map((name, n) => item(n, { name, maxAttempts: 1 })), item(9))
      yield* TestClock.adjust(5_000)
      assert.strictEqual((yield* it.view(9)).state, "Completed")
      for (const n of names.keys()) {
        const view = yield* it.view(n)
        assert.deepStrictEqual([view.state, view.attempts], ["DeadLettered", 1], names[n])
      }
      assert.strictEqual(it.pool.free(), 1)
    })
  )
)
