/**
 * What must hold in a fleet whatever went wrong: laws over its history, judged when it is over.
 *
 * @since 0.1.0
 */
import type { JobView } from "../log/JobLog.ts"
import { defaultMaxDeliveries } from "../model/Job.ts"
import type { FleetHistory, GrantRecord, JobRecord } from "./FleetHistory.ts"

/**
 * What a law says of a history; `view` is each job as the log shows it in the end.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface FleetLaw {
  readonly name: string
  readonly statement: string
  /** What is wrong with one job. */
  readonly ofJob: (history: FleetHistory, job: JobRecord, view: JobView | undefined) => string | undefined
}

/** The sessions of one opening of the file log share the first part of their ids. */
const openingOf = (session: string): string => session.slice(0, session.indexOf("-"))

const byToken = (job: JobRecord): Array<GrantRecord> =>
  job.grants.toSorted((a, b) => (a.grant.token < b.grant.token ? -1 : 1))

const pairs = (job: JobRecord): Array<readonly [GrantRecord, GrantRecord]> => {
  const sorted = byToken(job)
  return sorted.slice(1).map((later, i) => [sorted[i]!, later])
}

/** Whether the earlier grant may have ended when the later was made. */
const mayHaveEnded = (history: FleetHistory, earlier: GrantRecord, later: GrantRecord): boolean => {
  if (openingOf(earlier.session) !== openingOf(later.session)) return true
  if (earlier.settleSentAt !== undefined && earlier.settleSentAt < later.answeredAt) return true
  const session = history.sessions.get(earlier.session)
  if (session === undefined) return true
  if (session.closeSentAt !== undefined && session.closeSentAt < later.answeredAt) return true
  const extended = session.extended.filter(({ now }) => now < later.now).map(({ expiresAt }) => expiresAt)
  return extended.length === 0 || later.now >= Math.max(...extended)
}

const completing = (job: JobRecord): Array<GrantRecord> =>
  job.grants.filter(({ accepted }) => accepted?._tag === "Complete")

/**
 * Every law, by name.
 *
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const fleetLaws: ReadonlyArray<FleetLaw> = [
  {
    name: "atLeastOnce",
    statement:
      "A job whose enqueue was acknowledged is there in the end, and it is completed, cancelled or dead with a cause.",
    ofJob: (_history, job, view) => {
      if (!job.acknowledged) return undefined
      if (view === undefined) return "was acknowledged and is lost"
      if (view.state === "DeadLettered" && view.cause === undefined) return "is a dead letter without a cause"
      const terminal = view.state === "Completed" || view.state === "DeadLettered" || view.state === "Cancelled"
      return terminal ? undefined : `was acknowledged and is ${view.state} in the end`
    }
  },
  {
    name: "payloadIntact",
    statement: "What is granted and shown is byte for byte what was enqueued.",
    ofJob: (_history, job, view) => {
      const { item } = job
      for (const { grant } of job.grants) {
        const same =
          grant.payload === item.payload &&
          grant.queue === item.queue &&
          grant.name === item.name &&
          grant.group === item.group
        // a key's holder may have been replaced by another request
        if (!same && item.key === undefined) return `was granted with another payload: ${grant.payload}`
      }
      if (view === undefined || item.key !== undefined || view.payload === item.payload) return undefined
      return `is shown with another payload: ${view.payload}`
    }
  },
  {
    name: "singleClaimer",
    statement: "No job is granted while another live session holds it, in the log's time.",
    ofJob: (history, job) => {
      const broken = pairs(job).find(([earlier, later]) => !mayHaveEnded(history, earlier, later))
      if (broken === undefined) return undefined
      const [earlier, later] = broken
      return `was granted to ${later.session} (token ${later.grant.token}) while ${earlier.session} held it (token ${earlier.grant.token})`
    }
  },
  {
    name: "completedStaysCompleted",
    statement: "A job whose completion was accepted is never granted again, and is shown as completed.",
    ofJob: (_history, job, view) => {
      const [first, second] = completing(job)
      if (first === undefined) return undefined
      if (second !== undefined) return `was completed by the tokens ${first.grant.token} and ${second.grant.token}`
      const later = job.grants.find(({ grant }) => grant.token > first.grant.token)
      if (later !== undefined)
        return `was completed by token ${first.grant.token} and granted again as ${later.grant.token}`
      return view === undefined || view.state === "Completed" ? undefined : `was completed and is ${view.state}`
    }
  },
  {
    name: "attemptsBounded",
    statement: "Attempts and deliveries only grow within a generation and never exceed the job's bounds.",
    ofJob: (_history, job) => {
      const maxAttempts = job.item.maxAttempts ?? 10
      const maxDeliveries = job.item.maxDeliveries ?? defaultMaxDeliveries(maxAttempts)
      for (const { grant } of job.grants) {
        if (job.item.key !== undefined) continue
        if (grant.attempt > maxAttempts) return `is at attempt ${grant.attempt} of ${maxAttempts}`
        if (grant.delivery > maxDeliveries) return `is at delivery ${grant.delivery} of ${maxDeliveries}`
      }
      for (const [{ grant: earlier }, { grant: later }] of pairs(job)) {
        if (later.generation < earlier.generation) return `went back to generation ${later.generation}`
        if (later.generation > earlier.generation) continue
        if (later.delivery <= earlier.delivery) return `has delivery ${later.delivery} after ${earlier.delivery}`
        if (later.attempt < earlier.attempt) return `has attempt ${later.attempt} after ${earlier.attempt}`
      }
      return undefined
    }
  },
  {
    name: "neverEarly",
    statement: "No job is granted before its delay, its instant or its back-off has passed in the log's time.",
    ofJob: (_history, job) => {
      if (job.item.key !== undefined || job.rescheduled) return undefined
      for (const { grant, now } of job.grants) {
        const delay = job.item.delay ?? 0
        if (now < grant.enqueuedAt + delay)
          return `was granted ${grant.enqueuedAt + delay - now} ms before its delay had passed`
      }
      for (const [earlier, later] of pairs(job)) {
        if (earlier.accepted?._tag !== "Retry" || earlier.grant.generation !== later.grant.generation) continue
        if (later.now < earlier.now + earlier.accepted.delay) return "was granted before its back-off had passed"
      }
      return undefined
    }
  },
  {
    name: "cancelIsTerminal",
    statement: "A job whose cancellation was acknowledged is cancelled in the end, unless it is not shown any more.",
    ofJob: (_history, job, view) =>
      job.cancelled && view !== undefined && view.state !== "Cancelled"
        ? `was cancelled and is ${view.state}`
        : undefined
  },
  {
    name: "refusedHasNoEffect",
    statement: "A job all of whose enqueues were refused is nowhere.",
    ofJob: (_history, job, view) => {
      if (job.followUp || job.maybe > 0) return undefined
      return job.grants.length > 0 || view !== undefined ? "was refused each time and is there" : undefined
    }
  },
  {
    name: "followUpsAtomic",
    statement: "A follow-up is there only with an accepted completion that carried it.",
    ofJob: (_history, job, view) =>
      job.followUp && !job.acknowledged && job.maybe === 0 && view?.state === "Completed" && job.grants.length === 0
        ? "was completed without a grant"
        : undefined
  },
  {
    name: "leaseVisible",
    statement: "What a handler sees as its token is the token of a grant of its job, and no token starts two runs.",
    ofJob: () => undefined
  }
]

/** Tokens of a later opening are greater than all of an earlier one. */
const tokenMonotone = (history: FleetHistory): string | undefined => {
  let opening = ""
  let most = 0n
  let before = 0n
  for (const { grant, session } of [...history.grants.values()].toSorted((a, b) => a.answeredAt - b.answeredAt)) {
    if (openingOf(session) !== opening) {
      opening = openingOf(session)
      before = most
    }
    if (grant.token <= before) return `token ${grant.token} was given after ${before}, by a later opening of the log`
    if (grant.token > most) most = grant.token
  }
  return undefined
}

/**
 * What is wrong with a history, by law.
 *
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const judge = (history: FleetHistory, views: ReadonlyMap<string, JobView>): ReadonlyArray<string> => {
  const violations: Array<string> = [...history.violations]
  for (const [id, job] of history.jobs) {
    for (const law of fleetLaws) {
      const broken = law.ofJob(history, job, views.get(id))
      if (broken !== undefined) violations.push(`${law.name}: job ${id} ${broken}`)
    }
  }
  for (const id of views.keys()) {
    if (!history.jobs.has(id)) violations.push(`payloadIntact: job ${id} is there and was never enqueued`)
  }
  const tokens = tokenMonotone(history)
  if (tokens !== undefined) violations.push(`tokenMonotone: ${tokens}`)
  return violations
}
