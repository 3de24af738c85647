/**
 * How grants follow one another.
 *
 * @since 0.1.0
 */
import type { FleetHistory, GrantRecord, JobRecord } from "./FleetHistory.ts"

/**
 * The sessions of one opening of the file log share the first part of their ids.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const openingOf = (session: string): string => session.slice(0, session.indexOf("-"))

/**
 * A job's grants in the order in which the log made them.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const byToken = (job: JobRecord): Array<GrantRecord> =>
  job.grants.toSorted((a, b) => (a.grant.token < b.grant.token ? -1 : 1))

/**
 * Each grant of a job and the next one.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const pairs = (job: JobRecord): Array<readonly [GrantRecord, GrantRecord]> => {
  const sorted = byToken(job)
  return sorted.slice(1).map((later, i) => [sorted[i]!, later])
}

/**
 * Whether both were given to one job: an id that the log has forgotten may come again as another.
 *
 * @since 0.1.0
 * @category guards
 * @stability unstable
 */
export const sameJob = (history: FleetHistory, a: GrantRecord, b: GrantRecord): boolean =>
  !history.forgets || a.grant.enqueuedAt === b.grant.enqueuedAt

/**
 * Whether the earlier grant may have ended when the later was made.
 *
 * @since 0.1.0
 * @category guards
 * @stability unstable
 */
export const mayHaveEnded = (history: FleetHistory, earlier: GrantRecord, later: GrantRecord): boolean => {
  if (openingOf(earlier.session) !== openingOf(later.session)) return true
  if (earlier.settleSentAt !== undefined && earlier.settleSentAt < later.answeredAt) return true
  const session = history.sessions.get(earlier.session)
  if (session === undefined) return true
  if (session.closeSentAt !== undefined && session.closeSentAt < later.answeredAt) return true
  const extended = session.extended.filter(({ now }) => now < later.now).map(({ expiresAt }) => expiresAt)
  return extended.length === 0 || later.now >= Math.max(...extended)
}
