import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
import * as LogClock from "../../../src/backends/memory/LogClock.ts"

/** A clock whose two times are set by hand, milliseconds. */
const handClock = () => {
  const at = { wall: 5000, monotonic: 70 }
  const nanos = (millis: number): bigint => BigInt(millis) * 1_000_000n
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => at.wall,
    currentTimeMillis: Effect.sync(() => at.wall),
    currentTimeNanosUnsafe: () => nanos(at.wall),
    currentTimeNanos: Effect.sync(() => nanos(at.wall)),
    monotonicTimeNanosUnsafe: () => nanos(at.monotonic),
    monotonicTimeNanos: Effect.sync(() => nanos(at.monotonic)),
    sleep: () => Effect.never
  }
  return { at, clock }
}

it("follows whichever clock has advanced further, and never goes back", () => {
  const { at, clock } = handClock()
  const now = LogClock.make(clock)
  expect(now()).toBe(5000)
  at.monotonic += 100
  expect(now(), "the wall clock stands").toBe(5100)
  at.wall += 1000
  expect(now(), "the monotonic clock stood still, as on a machine that slept").toBe(6000)
  at.wall -= 4000
  expect(now(), "the wall clock was set back").toBe(6000)
  at.monotonic += 1000
  expect(now()).toBe(6100)
})
