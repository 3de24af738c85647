import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as MonotonicClock from "../../src/actors/MonotonicClock.ts"
import { SessionCalls } from "../../src/actors/SessionCalls.ts"
import { type LogError, refused, SessionDead, Unavailable, unknown } from "../../src/log/LogError.ts"

const down = unknown("claim", new Unavailable({ detail: "reset" }))

const make = Effect.map(MonotonicClock.make, (elapsed) => {
  const calls = new SessionCalls("s", elapsed)
  const made = { count: 0, interrupted: 0 }
  const run = <A>(call: Effect.Effect<A, LogError>, goOn = () => true) =>
    calls.run(
      "claim",
      Effect.onInterrupt(
        Effect.suspend(() => {
          made.count++
          return call
        }),
        () => Effect.sync(() => void made.interrupted++)
      ),
      1_000,
      goOn
    )
  return { calls, made, run }
})

it.effect("an answer at once, a late answer and a refusal come through as they are", () =>
  Effect.gen(function* () {
    const { made, run } = yield* make
    assert.strictEqual(yield* run(Effect.succeed(1)), 1)
    const late = yield* Effect.forkChild(run(Effect.as(Effect.sleep(10), 2)))
    yield* TestClock.adjust(10)
    assert.strictEqual(yield* Fiber.join(late), 2)
    const exit = yield* Effect.exit(run(Effect.die("bug")))
    assert.strictEqual(exit._tag, "Failure")
    assert.strictEqual(made.count, 3)
  })
)

it.effect("repeats while the outcome is unknown and it may go on", () =>
  Effect.gen(function* () {
    const { made, run } = yield* make
    let goOn = true
    const failing = yield* Effect.forkChild(Effect.flip(run(Effect.fail(down), () => goOn)))
    yield* TestClock.adjust("1 minute")
    assert.isUndefined(failing.pollUnsafe())
    assert.isAtLeast(made.count, 10)
    assert.isAtMost(made.count, 60)
    goOn = false
    yield* TestClock.adjust("6 seconds")
    assert.strictEqual(yield* Fiber.join(failing), down)
  })
)

it.effect("repeats an overdue call at once, and interrupts the one it gave up", () =>
  Effect.gen(function* () {
    const { calls, made, run } = yield* make
    const waiting = yield* Effect.forkChild(run(Effect.never))
    yield* TestClock.adjust(999)
    calls.giveUpOverdue()
    assert.deepStrictEqual(made, { count: 1, interrupted: 0 })
    yield* TestClock.adjust(1)
    calls.giveUpOverdue()
    assert.deepStrictEqual(made, { count: 2, interrupted: 1 })
    yield* Fiber.interrupt(waiting)
    assert.deepStrictEqual(made, { count: 2, interrupted: 2 })
    yield* TestClock.adjust(5_000)
    calls.giveUpOverdue()
    assert.strictEqual(made.count, 2)
  })
)

it.effect("ends what waits, what backs off, and what comes later", () =>
  Effect.gen(function* () {
    const { calls, made, run } = yield* make
    const waiting = yield* Effect.forkChild(Effect.flip(run(Effect.never)))
    const backingOff = yield* Effect.forkChild(Effect.flip(run(Effect.fail(down))))
    yield* TestClock.adjust(1)
    const before = made.count
    calls.end()
    yield* TestClock.adjust(10_000)
    for (const fiber of [waiting, backingOff]) {
      const error = yield* Fiber.join(fiber)
      assert.deepStrictEqual([error.outcome, error.reason._tag], ["unknown", "SessionDead"])
    }
    const later = yield* Effect.flip(run(Effect.succeed(1)))
    assert.strictEqual(later.reason._tag, "SessionDead")
    assert.strictEqual(made.count, before)
  })
)

it.effect("a dead session's refusal of a repeated call leaves the first try unknown", () =>
  Effect.gen(function* () {
    const { made, run } = yield* make
    const dead = refused("claim", new SessionDead({ session: "s" }))
    const at = yield* Effect.flip(run(Effect.fail(dead)))
    assert.strictEqual(at.outcome, "refused")
    made.count = 0
    const repeated = yield* Effect.forkChild(
      Effect.flip(run(Effect.suspend(() => Effect.fail(made.count === 1 ? down : dead))))
    )
    yield* TestClock.adjust(10_000)
    assert.deepStrictEqual((yield* Fiber.join(repeated)).outcome, "unknown")
    assert.strictEqual(made.count, 2)
  })
)
