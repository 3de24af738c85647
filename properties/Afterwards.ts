/**
 * Steps that come after every history of a law, for what random steps hardly ever bring about together.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Hand } from "./Harness.ts"
import { perform } from "./Interpreter.ts"
import type { Step } from "./Step.ts"
import type { World } from "./World.ts"

/**
 * A step, or how to choose it by what there is by then.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type LaterStep = Step | ((world: World) => Step | undefined)

/**
 * Carries the steps out, up to the first violation; not at all on a log without the hand that they are about.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const afterwards =
  (steps: ReadonlyArray<LaterStep>, needs?: Hand) =>
  (world: World): Effect.Effect<void> =>
    Effect.gen(function* () {
      if (needs !== undefined && world.test[needs] === undefined) return
      for (const later of steps) {
        if (world.violations.length > 0 || world.blinded) return
        const step = typeof later === "function" ? later(world) : later
        if (step === undefined) continue
        world.lines.push(`   afterwards: ${step._tag}`)
        yield* perform(world, step)
      }
    })
