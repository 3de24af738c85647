/**
 * A poisoned log is opened again by whoever opens the next session. Where nobody does, as in a process that only
 * enqueues, the producers' own calls have to do it.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { JobLogOperations } from "../../log/JobLog.ts"
import type { LogError } from "../../log/LogError.ts"
import type { Engine } from "./Engine.ts"
import type { Host } from "./FileOperations.ts"

/** Between the failure and the first try, and between tries, milliseconds. */
const pauseMillis = 1_000

/**
 * The same operations, where `enqueue` and `control` on a poisoned log first try to open it again, at most once per
 * second. A call that finds it poisoned all the same is refused as ever, and what a failed call came to stays unknown.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const reviving = (host: Host, clock: Clock.Clock, log: JobLogOperations): JobLogOperations => {
  let failed: Engine | undefined
  /** In monotonic milliseconds: the wall clock may be set. */
  let tryAt = 0
  const isTime = (): boolean => {
    const now = Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
    const { engine } = host
    if (failed !== engine) {
      failed = engine
      // nothing has moved its time since it failed
      tryAt = now + pauseMillis - Math.min(pauseMillis, engine.clock.now() - engine.store.now)
    }
    if (now < tryAt) return false
    tryAt = now + pauseMillis
    return true
  }
  const revive = Effect.catch(host.reopen, (error) => Effect.logWarning("the log could not be opened again", error))
  const reviveFirst = <A>(effect: () => Effect.Effect<A, LogError>): Effect.Effect<A, LogError> =>
    Effect.suspend(() =>
      host.engine.failure === undefined || !isTime() ? effect() : Effect.andThen(revive, Effect.suspend(effect))
    )
  return {
    ...log,
    enqueue: (items) => reviveFirst(() => log.enqueue(items)),
    control: (commands) => reviveFirst(() => log.control(commands))
  }
}
