/**
 * Turns of the fibers that live as long as a log: whatever goes wrong in one of them, there is a next one.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"

/**
 * Runs one turn and answers whether it went through. What went wrong, a defect included, is logged as a warning; only
 * an interruption ends the fiber.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const turn = <E>(what: string, effect: Effect.Effect<void, E>): Effect.Effect<boolean> =>
  Effect.as(effect, true).pipe(
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.interrupt
        : Effect.as(Effect.logWarning(`${what} failed; trying again later`, cause), false)
    )
  )
