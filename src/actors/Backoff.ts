/**
 * How actors go on after a failure of the log.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { LogError } from "../log/LogError.ts"

/**
 * Milliseconds to wait before try number `failures + 1`: full jitter below an exponential from 20 ms to 5 s.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const delay = (failures: number): Effect.Effect<number> =>
  Effect.map(Random.next, (random) => Math.min(5_000, 20 * 2 ** Math.min(failures, 12)) * (0.2 + 0.8 * random))

/**
 * Repeats a numbered call as long as its outcome is unknown and repeating can help. The log answers a repeated number
 * as the first time, so at most one of the calls has an effect.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const whileUnknown = <A>(call: Effect.Effect<A, LogError>, goOn: () => boolean): Effect.Effect<A, LogError> => {
  const attempt = (failures: number): Effect.Effect<A, LogError> =>
    Effect.catch(call, (error) =>
      // a poisoned log forgets the numbers together with the session
      error.reason._tag === "Unavailable" && goOn()
        ? Effect.flatMap(delay(failures), (millis) => Effect.andThen(Effect.sleep(millis), attempt(failures + 1)))
        : Effect.fail(error)
    )
  return attempt(0)
}
