import { assert, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as MonotonicClock from "../../src/actors/MonotonicClock.ts"

/** Two clocks that are set by hand, milliseconds. */
const withClocks = Effect.fnUntraced(function* (
  body: (elapsed: MonotonicClock.Elapsed, clocks: { wall: number; monotonic: number }) => void
) {
  const clocks = { wall: 1_700_000_000_000, monotonic: 5_000 }
  const clock = yield* Clock.Clock
  const own: Clock.Clock = Object.create(clock, {
    currentTimeMillisUnsafe: { value: () => Math.floor(clocks.wall) },
    monotonicTimeNanosUnsafe: { value: () => BigInt(Math.round(clocks.monotonic * 1e6)) }
  })
  body(yield* Effect.provideService(MonotonicClock.make, Clock.Clock, own), clocks)
})

it.effect("counts what both clocks count, however often it is asked", () =>
  withClocks((elapsed, clocks) => {
    const { monotonic, wall } = clocks
    for (let step = 1; step <= 100_000; step++) {
      clocks.wall = wall + step / 10
      clocks.monotonic = monotonic + step / 10
      elapsed()
    }
    assert.approximately(elapsed(), 10_000, 2)
  })
)

it.effect("counts a suspension, during which the monotonic clock stands still", () =>
  withClocks((elapsed, clocks) => {
    clocks.wall += 60_000
    assert.strictEqual(elapsed(), 60_000)
    clocks.wall += 1_000
    clocks.monotonic += 1_000
    assert.strictEqual(elapsed(), 61_000)
  })
)

it.effect("goes on when the wall clock is set back", () =>
  withClocks((elapsed, clocks) => {
    clocks.wall += 1_000 - 3_600_000
    clocks.monotonic += 1_000
    assert.strictEqual(elapsed(), 1_000)
    clocks.wall += 1_000
    clocks.monotonic += 1_000
    assert.strictEqual(elapsed(), 2_000)
  })
)

it.effect("goes on when the wall clock leaps ahead and is corrected", () =>
  withClocks((elapsed, clocks) => {
    clocks.wall += 3_600_000
    assert.strictEqual(elapsed(), 3_600_000, "nobody can tell that from a suspension")
    clocks.wall += 1_000 - 3_600_000
    clocks.monotonic += 1_000
    assert.strictEqual(elapsed(), 3_601_000, "and time does not stand still for an hour")
    clocks.wall += 60_000
    assert.strictEqual(elapsed(), 3_661_000, "nor does it miss the suspension after that")
  })
)

it.effect("never decreases, and never falls behind the monotonic clock", () =>
  withClocks((elapsed, clocks) => {
    let random = 7
    let last = 0
    for (let step = 0; step < 20_000; step++) {
      random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0
      clocks.monotonic += (random % 1_000) / 100
      clocks.wall += (random % 7_919) / 100 - 30
      const now = elapsed()
      assert.isTrue(now >= last && now >= clocks.monotonic - 5_000 - 1e-6)
      last = now
    }
  })
)
