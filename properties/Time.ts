/**
 * The steps of time: it passes, and the wall clock is set.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { say } from "./Hands.ts"
import { observe, report } from "./World.ts"
import type { World } from "./World.ts"

/**
 * Sets the wall clock. The log's time goes on, at once or when the wall clock has caught up; it never goes back.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const stepClock = (world: World, millis: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (world.test.stepClock === undefined) return
    yield* world.test.stepClock(millis)
    if (millis < 0) world.clockDebt -= millis
    say(world, `the wall clock is set by ${millis} ms`)
    yield* observe(world, () => ["clockStepSafe"])
  })

/**
 * Lets time pass; the log's time has to follow, but for what the wall clock was set back.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const advance = (world: World, millis: number) =>
  Effect.gen(function* () {
    if (millis <= 0) return
    const before = world.now
    yield* world.test.advance(millis)
    say(world, `${millis} ms pass`)
    yield* observe(world, () => [])
    const missing = Math.max(0, millis - (world.now - before))
    if (missing > world.clockDebt) {
      report(world, ["clockStepSafe"], `${millis} ms passed, but the log's time moved by ${world.now - before} ms only`)
    }
    world.clockDebt = Math.max(0, world.clockDebt - missing)
  })
