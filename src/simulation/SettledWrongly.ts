/**
 * Whether a run was settled as its handler ended it.
 *
 * @since 0.1.0
 */
import type { Settlement } from "../log/JobLog.ts"
import type { RunRecord } from "./FleetHistory.ts"

/** What the fleet's jobs say of an error that is to be tried again. */
const backOff = 400

/**
 * What is wrong with a settlement, given the run that it ends, if there was one.
 *
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const settledWrongly = (accepted: Settlement, run: RunRecord | undefined): string | undefined => {
  const { _tag } = accepted
  const kind = _tag === "Retry" || _tag === "DeadLetter" ? accepted.cause.kind : undefined
  if (run === undefined) {
    const fits = _tag === "Release" || (_tag === "DeadLetter" && kind === "undecodable")
    return fits ? undefined : `never started and was settled as ${_tag}`
  }
  if (run.abandoned) return undefined
  if (_tag === "Complete" && run.succeeded) {
    if (accepted.result !== JSON.stringify(run.result)) return `has the result ${accepted.result}, not ${run.result}`
    if ((accepted.enqueue?.length ?? 0) !== (run.followed ? 1 : 0)) return "lost its follow-up, or has another's"
  }
  if (run.outcome === "interrupted" && (kind === "defect" || kind === "failure")) return `was stopped and is a ${kind}`
  if (kind !== "failure") return undefined
  if (run.outcome === "never" && _tag === "Retry") return "is tried again after an error that never is"
  if (run.outcome !== "again") return undefined
  if (_tag === "DeadLetter") return "is dead after an error that is tried again"
  return _tag === "Retry" && accepted.delay !== backOff ? `waits ${accepted.delay} ms, not ${backOff}` : undefined
}
