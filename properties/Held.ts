/**
 * A job in the hands of a session, made for a law that speaks about grants.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Grant, Session } from "../src/log/JobLog.ts"
import type { LogError } from "../src/log/LogError.ts"
import { type Bench, claim, enqueue, newItem } from "./Direct.ts"

/**
 * Enqueues a job and claims it.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const held = (
  bench: Bench,
  session: Session,
  options?: Parameters<typeof newItem>[1]
): Effect.Effect<Grant, LogError> =>
  Effect.gen(function* () {
    yield* enqueue(bench, newItem(bench, options))
    const [grant] = yield* claim(bench, session)
    return grant ?? (yield* Effect.die(new Error("a fresh job was not granted")))
  })
