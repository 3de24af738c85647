/**
 * Laws of fleets about the order of grants among jobs.
 *
 * @since 0.1.0
 */
import type { JobView } from "../log/JobLog.ts"
import type { FleetHistory, GrantRecord, JobRecord } from "./FleetHistory.ts"
import { firstGrant, mayHaveEnded, openingOf } from "./GrantOrder.ts"

const byGrant = (a: GrantRecord, b: GrantRecord): number => (a.grant.token < b.grant.token ? -1 : 1)

const groupsOf = (history: FleetHistory): ReadonlyMap<string, Array<JobRecord>> => {
  const groups = new Map<string, Array<JobRecord>>()
  for (const job of history.jobs.values()) {
    const { group, key } = job.item
    // the holder of a key may have been given another request, with another group
    if (group !== undefined && key === undefined) groups.set(group, [...(groups.get(group) ?? []), job])
  }
  return groups
}

/**
 * Whether a group had more grants at a time than its policy allows.
 *
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const groupConcurrency = (history: FleetHistory): string | undefined => {
  const most = history.policy?.groupConcurrency ?? 1
  for (const [group, jobs] of groupsOf(history)) {
    const grants = jobs.flatMap((job) => job.grants).toSorted(byGrant)
    for (const [i, later] of grants.slice(1).entries()) {
      const held = grants.slice(0, i + 1).filter((earlier) => !mayHaveEnded(history, earlier, later))
      if (held.length < most) continue
      return `group ${group} has ${[...held, later].map(({ grant }) => grant.id).join()} at once`
    }
  }
  return undefined
}

/**
 * Whether members of a group were first granted in another order than that of their enqueue.
 *
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const groupFifo = (history: FleetHistory, views: ReadonlyMap<string, JobView>): string | undefined => {
  for (const [group, jobs] of groupsOf(history)) {
    const inOrder = jobs
      .filter(({ item, rescheduled }) => item.delay === undefined && !rescheduled)
      .flatMap((job) => {
        const first = firstGrant(job)?.grant
        const view = views.get(job.item.id)
        return first === undefined || view?.enqueuedAt !== first.enqueuedAt ? [] : [{ first, sequence: view.sequence }]
      })
      .toSorted((a, b) => a.sequence - b.sequence)
    for (const [i, { first }] of inOrder.slice(1).entries()) {
      const before = inOrder[i]!.first
      if (first.token > before.token) continue
      return `${first.id} of group ${group} was granted before ${before.id}, which was enqueued before it`
    }
  }
  return undefined
}

/**
 * Whether a claim passed a better job over, and which.
 *
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const priorityKept = (history: FleetHistory): string | undefined => {
  const plain = [...history.jobs.values()].flatMap((job) => {
    const { deadline, delay, group, key, priority = 0, queue } = job.item
    const first = firstGrant(job)?.grant.token
    const free = delay === undefined && deadline === undefined && group === undefined && key === undefined
    const { insertedAt } = job
    if (!free || first === undefined || insertedAt === undefined || job.rescheduled || job.cancelSent) return []
    return [{ first, id: job.item.id, insertedAt, priority, queue }]
  })
  for (const { claimedAt, grant } of history.grants.values()) {
    if (history.jobs.get(grant.id)?.rescheduled !== false) continue
    const passed = plain.find(
      ({ first, insertedAt, priority, queue }) =>
        queue === grant.queue && priority < grant.priority && insertedAt < claimedAt && first > grant.token
    )
    if (passed !== undefined) {
      return `${grant.id} with priority ${grant.priority} was granted before ${passed.id} with ${passed.priority}`
    }
  }
  return undefined
}

/**
 * Whether an opening of the log gave a token that is not above all of the openings before it. In which order the answers
 * came says nothing: one that had to be read from a slow disk may come when the log has long been opened again.
 *
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const tokenMonotone = (history: FleetHistory): string | undefined => {
  const opening = ({ session }: GrantRecord): number => Number(openingOf(session))
  const grants = [...history.grants.values()].toSorted((a, b) => opening(a) - opening(b) || byGrant(a, b))
  for (const [i, { grant }] of grants.slice(1).entries()) {
    const before = grants[i]!.grant.token
    if (grant.token <= before) return `token ${grant.token} was given after ${before}, by a later opening of the log`
  }
  return undefined
}
