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
 * A job's first grant, if it was seen: that of a claim which was given up before it was answered is not, and nobody can
 * say when it was made.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const firstGrant = (job: JobRecord): GrantRecord | undefined => {
  const [first] = byToken(job)
  return first?.grant.delivery === 1 && first.grant.generation === 1 ? first : undefined
}

/** Whether the next grant of an id is the first one of another job. */
const beginsAnew = (job: JobRecord, last: GrantRecord, next: GrantRecord): boolean => {
  if (next.grant.enqueuedAt !== last.grant.enqueuedAt) return true
  // a job may end and come again within one millisecond
  const mayHaveCompleted = last.accepted === undefined ? job.completeSent : last.accepted._tag === "Complete"
  const mayBeForgotten = job.maybe > 1 && (mayHaveCompleted || job.cancelSent)
  return mayBeForgotten && next.grant.generation === 1 && next.grant.delivery === 1
}

/**
 * Whether both grants of an id, the later one second, were given to one job: an id that the log has forgotten may come
 * again as another.
 *
 * @since 0.1.0
 * @category guards
 * @stability unstable
 */
export const sameJob = (history: FleetHistory, job: JobRecord, earlier: GrantRecord, later: GrantRecord): boolean => {
  if (!history.forgets) return true
  const grants = byToken(job)
  const between = grants.slice(grants.indexOf(earlier), grants.indexOf(later) + 1)
  return between.slice(1).every((next, i) => !beginsAnew(job, between[i]!, next))
}

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
