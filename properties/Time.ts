/**
 * The steps of time: it passes, and the wall clock is set.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { say, told } from "./Hands.ts"
import { look, observe, outcome, report, toItem } from "./World.ts"
import type { Outcome, World } from "./World.ts"

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

/** Less than what a log may take for a machine whose clock is broken, milliseconds. */
const setBack = 60_000

/**
 * Sets the wall clock back and opens the log again, by each hand that there is: its time is no earlier than that of its
 * last acknowledged change.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const reopenSetBack = (world: World): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { crash, restart, stepClock: set } = world.test
    if (set === undefined || world.capabilities.durability === "none") return
    // all that it was set back in the history
    yield* set(world.clockDebt)
    const openings = [["crash", crash?.({ seed: 0 })] as const, ["restart", restart] as const]
    for (const [how, opening] of openings) {
      if (opening === undefined) continue
      const item = toItem(world, { queue: 0, name: 0, payload: "{}" })
      const before = yield* outcome(look(world.log), world.patience)
      const kept = yield* outcome(world.log.enqueue([item]), world.patience)
      yield* set(-setBack)
      const opened = yield* outcome(opening, world.patience)
      say(world, `enqueue ${item.id} → ${told(kept)}; the wall clock is set by ${-setBack} ms; ${how}`)
      if (opened._tag !== "Ok") {
        return report(world, ["clockStepSafe"], `not opened after the wall clock was set back: ${told(opened)}`)
      }
      world.log = world.watch(opened.value)
      const after = yield* outcome(look(world.log), world.patience)
      yield* set(setBack)
      if (before._tag !== "Ok" || kept._tag !== "Ok" || after._tag !== "Ok") {
        return report(world, ["clockStepSafe"], `a call failed: ${[before, kept, after].map(ended).join(", ")}`)
      }
      const lost = before.value.now - after.value.now
      if (lost > 0) {
        return report(world, ["clockStepSafe"], `opened again (${how}), its time is ${lost} ms before its last change`)
      }
    }
  })

const ended = (answer: Outcome<unknown>): string => (answer._tag === "Ok" ? "Ok" : told(answer))

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
