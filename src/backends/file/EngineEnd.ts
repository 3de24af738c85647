/**
 * What happens to a job without its holder: a deadline passes, a dead session's grant is taken back.
 *
 * @since 0.1.0
 */
import type { Event } from "../../model/Event.ts"
import { decide } from "../../model/Transition.ts"
import type { Engine } from "./Engine.ts"

/**
 * Decides, records and applies a command that needs no holder. Answers the event, if there is one.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const end = (
  engine: Engine,
  row: number,
  command: { readonly _tag: "Expire" | "Reclaim" }
): Event | undefined => {
  const { store } = engine
  const decision = decide(store.job(row), command, {
    now: store.now,
    sessionLive: false,
    paused: false,
    permit: true,
    keyFree: true,
    sameRequest: false
  })
  if (typeof decision === "string") return undefined
  engine.recorder.event(store.sequenceOf(row), decision)
  store.transition(row, decision)
  return decision
}
