/**
 * Time itself can end a wait: a delay falls due, a lease runs out. One fiber sleeps for all who wait.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { turn } from "./BackgroundTurn.ts"
import type { Host } from "./FileOperations.ts"

/** Longest sleep before looking again, milliseconds: the wall clock may have jumped. */
const longest = 60_000
/** Pause after a defect. */
const retryMillis = 1_000

/**
 * Runs for ever. `changed` is opened when something may be due earlier than the timer is set for.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const timer = (host: Host, changed: Latch.Latch): Effect.Effect<never> =>
  turn("waking those who wait", next(host, changed)).pipe(
    Effect.flatMap((woke) => (woke ? Effect.void : Effect.sleep(Duration.millis(retryMillis)))),
    Effect.forever({ disableYield: true })
  )

const next = (host: Host, changed: Latch.Latch): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { engine } = host
    changed.closeUnsafe()
    if (engine.failure !== undefined || engine.waits.isEmpty) return Latch.await(changed)
    const at = engine.waits.wakeAt(engine)
    engine.waits.arm(at)
    const now = engine.clock.now()
    if (at > now) {
      const sleep = Effect.sleep(Duration.millis(Math.min(at - now, longest)))
      return at === Number.POSITIVE_INFINITY ? Latch.await(changed) : Effect.raceFirst(sleep, Latch.await(changed))
    }
    engine.step(() => engine.waits.tick(engine))
    return Effect.yieldNow
  })
