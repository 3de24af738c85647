/**
 * How much a fleet has still to do.
 *
 * @since 0.1.0
 */
import type { JobRecord } from "./FleetHistory.ts"

const leftOf = ({ cancelled, grants, item, rescheduled }: JobRecord): number => {
  const most = item.maxAttempts ?? 1
  const last = grants.at(-1)
  // an operator may have begun it anew
  if (last === undefined || rescheduled) return most
  const ended = last.accepted?._tag
  if (cancelled || ended === "Complete" || ended === "DeadLetter") return 0
  return Math.max(0, most - last.grant.attempt + (ended === "Retry" ? 0 : 1))
}

/**
 * The most attempts that jobs can still take until they have ended, as far as that was seen where the log is.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const attemptsLeft = (jobs: Iterable<JobRecord>): number => {
  let left = 0
  for (const job of jobs) left += leftOf(job)
  return left
}
