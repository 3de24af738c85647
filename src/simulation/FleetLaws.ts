/**
 * What must hold in a fleet whatever went wrong: laws over its history, judged when it is over.
 *
 * @since 0.1.0
 */
import type { JobView } from "../log/JobLog.ts"
import { defaultMaxDeliveries } from "../model/Job.ts"
import type { FleetHistory, GrantRecord, JobRecord } from "./FleetHistory.ts"
import { byToken, mayHaveEnded, pairs, sameJob } from "./GrantOrder.ts"
import { groupConcurrency, groupFifo, priorityKept, tokenMonotone } from "./OrderLaws.ts"
import { settledWrongly } from "./SettledWrongly.ts"

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
  readonly ofJob?: (history: FleetHistory, job: JobRecord, view: JobView | undefined) => string | undefined
  /** What is wrong with the whole. */
  readonly ofAll?: (history: FleetHistory, views: ReadonlyMap<string, JobView>) => string | undefined
}

const completing = (job: JobRecord): Array<GrantRecord> =>
  byToken(job).filter(({ accepted }) => accepted?._tag === "Complete")

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
    ofJob: (history, job, view) => {
      if (!job.acknowledged) return undefined
      const mayHaveEndedAll = job.cancelSent || job.grants.some(({ settleSentAt }) => settleSentAt !== undefined)
      if (view === undefined && history.forgets && mayHaveEndedAll) return undefined
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
    ofJob: (history, job, view) => {
      const [first] = completing(job)
      if (first === undefined) return undefined
      const after = byToken(job).filter(({ grant }) => grant.token > first.grant.token)
      const again = after.filter((other) => sameJob(history, job, first, other))
      const second = again.find(({ accepted }) => accepted?._tag === "Complete")
      if (second !== undefined) return `was completed by the tokens ${first.grant.token} and ${second.grant.token}`
      if (again[0] !== undefined)
        return `was completed by token ${first.grant.token} and granted again as ${again[0].grant.token}`
      // what is shown is another job by now
      if (view === undefined || after.length > 0) return undefined
      if (history.forgets && view.enqueuedAt !== first.grant.enqueuedAt) return undefined
      if (view.state !== "Completed") return `was completed and is ${view.state}`
      const { accepted } = first
      const same = accepted?._tag !== "Complete" || accepted.result === view.result
      return same ? undefined : `was completed with another result than ${view.result}`
    }
  },
  {
    name: "completionIsEarned",
    statement: "A completion is sent only for a run that succeeded, and no success is settled as anything else.",
    ofJob: (history, job) => {
      for (const { accepted, grant } of job.grants) {
        const run = history.runs.get(grant.token)
        if (run === undefined || accepted === undefined) continue
        if (accepted._tag === "Complete" && !run.succeeded)
          return `was completed by token ${grant.token}, whose run failed`
        // a run that was told to stop may have succeeded too late
        if (accepted._tag === "Retry" && run.succeeded && !run.abandoned && accepted.cause.kind === "failure") {
          return `is tried again after token ${grant.token}, whose run succeeded`
        }
      }
      return undefined
    }
  },
  {
    name: "settledAsItEnded",
    statement:
      "A run is settled as it ended: with its result and follow-ups, after its error's back-off or never again, and an interruption is no failure.",
    ofJob: (history, job) => {
      for (const { accepted, grant } of job.grants) {
        const wrong = accepted === undefined ? undefined : settledWrongly(accepted, history.runs.get(grant.token))
        if (wrong !== undefined) return `under token ${grant.token} ${wrong}`
      }
      return undefined
    }
  },
  {
    name: "attemptsBounded",
    statement: "Attempts and deliveries only grow within a generation and never exceed the job's bounds.",
    ofJob: (history, job) => {
      const maxAttempts = job.item.maxAttempts ?? 10
      const maxDeliveries = job.item.maxDeliveries ?? defaultMaxDeliveries(maxAttempts)
      for (const { grant } of job.grants) {
        if (job.item.key !== undefined) continue
        if (grant.attempt > maxAttempts) return `is at attempt ${grant.attempt} of ${maxAttempts}`
        if (grant.delivery > maxDeliveries) return `is at delivery ${grant.delivery} of ${maxDeliveries}`
      }
      for (const [first, second] of pairs(job)) {
        if (!sameJob(history, job, first, second)) continue
        const [earlier, later] = [first.grant, second.grant]
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
    name: "timeoutKept",
    statement:
      "A handler that can be interrupted does nothing any more once its attempt's timeout has passed, and none is settled as timed out before.",
    ofJob: (history, job) => {
      for (const { accepted, grant } of job.grants) {
        const run = history.runs.get(grant.token)
        const timedOut = accepted?._tag === "Retry" || accepted?._tag === "DeadLetter" ? accepted.cause.kind : undefined
        if (timedOut !== "timeout" || run?.endedTime === undefined || run.clockSet || run.abandoned) continue
        const lasted = run.endedTime - run.time
        // clocks drift and are rounded
        if (lasted < 0.95 * (grant.timeout ?? 0)) return `timed out under token ${grant.token} after ${lasted} ms`
      }
      return undefined
    }
  },
  {
    name: "priorityKept",
    statement:
      "No claim passes over a job of a better priority that was enqueued, with an answer, before the claim came to the log; unless a delay, deadline, group, key, cancellation or operator concerns that job.",
    ofAll: priorityKept
  },
  {
    name: "keyHeldOnce",
    statement:
      "From the answer to a job's enqueue until its completion or cancellation is sent, an enqueue under its idempotency key inserts nothing and is answered with its id."
  },
  {
    name: "deadlineKept",
    statement: "No job is granted once its deadline has passed in the log's time.",
    ofJob: (_history, { grants }) => {
      const late = grants.find(({ grant, now }) => grant.deadline !== undefined && now >= grant.deadline)
      return late === undefined ? undefined : `was granted ${late.now - late.grant.deadline!} ms after its deadline`
    }
  },
  {
    name: "cancelIsTerminal",
    statement: "A job whose cancellation was acknowledged is cancelled in the end, unless it is not shown any more.",
    ofJob: (history, job, view) =>
      job.cancelled && view !== undefined && view.state !== "Cancelled" && !history.forgets
        ? `was cancelled and is ${view.state}`
        : undefined
  },
  {
    name: "refusedHasNoEffect",
    statement: "A job all of whose enqueues were refused is nowhere.",
    ofJob: (_history, job, view) => {
      if (job.maybe > 0) return undefined
      return job.grants.length > 0 || view !== undefined ? "was refused each time and is there" : undefined
    }
  },
  {
    name: "followUpsAtomic",
    statement: "A follow-up is there only if a completion that carried it may have been accepted.",
    ofJob: (_history, job, view) =>
      job.followUp && job.maybe === 0 && (view !== undefined || job.grants.length > 0)
        ? "is there, and no completion that carried it was sent"
        : undefined
  },
  {
    name: "groupConcurrency",
    statement:
      "Of the jobs of one group no more than its queue's policy allows are granted at a time, in the log's time.",
    ofAll: groupConcurrency
  },
  {
    name: "groupFifo",
    statement:
      "Jobs of one group that nobody delayed or moved are first granted in the order of their enqueue, as far as their first grants were seen.",
    ofAll: groupFifo
  },
  {
    name: "tokenMonotone",
    statement:
      "No token is given twice, and those of a later opening of the log are greater than all of the openings before it.",
    ofAll: tokenMonotone
  },
  {
    name: "staleTokenRefused",
    statement:
      "No settlement is accepted after its job was granted under a greater token, unless it repeats one that was."
  },
  {
    name: "recoveryIsLegalPrefix",
    statement:
      "The log opens after every crash and after every failure of the disk, sooner or later, and never calls sound files damaged."
  },
  {
    name: "haltOnDamage",
    statement:
      "A log whose files are damaged does not open, for the reason Corrupt with the file and the place, or nothing needs what is damaged."
  },
  {
    name: "leaseVisible",
    statement: "What a handler sees as its token is the token of a grant of its job, and no token starts two runs."
  },
  {
    name: "selfFence",
    statement:
      "A handler that can be interrupted does nothing any more, and none starts, once its node has to give up the lease."
  },
  {
    name: "stopsReach",
    statement: "A run does nothing more once its scheduler was told that its grant is lost or its job is cancelled."
  },
  {
    name: "pauseReaches",
    statement: "A grant that waits for a slot does not start once its scheduler was told that its queue is paused."
  },
  {
    name: "concurrencyBounded",
    statement: "No scheduler runs more jobs of a queue at once than it has slots, apart from runs that it abandoned."
  },
  {
    name: "backpressure",
    statement: "No session holds more jobs of a queue, waiting or running, than its slots and its prefetch allow."
  },
  {
    name: "drainTerminates",
    statement: "A shutdown ends within its bound and leaves no run, and no fiber that waits for a time."
  },
  {
    name: "graceIsGiven",
    statement: "A shutdown stops no run before its grace has passed."
  },
  {
    name: "startsReported",
    statement: "A run that goes on is told to the log with a renewal, so that its loss costs an attempt."
  },
  {
    name: "sessionsKept",
    statement: "No scheduler loses its session after the last fault."
  },
  {
    name: "eventuallyAnswered",
    statement: "After the last fault every client gets an answer."
  },
  {
    name: "eventuallyClaimed",
    statement:
      "After the last fault every job is done within a bound and the time that one slot alone takes for all runs that are left; poison does not hold up the others."
  },
  {
    name: "noSilentWorker",
    statement: "After the last fault every scheduler claims again."
  },
  {
    name: "wakeBound",
    statement:
      "An idle fleet starts a job within a bound of its enqueue, and a delayed one within a bound of its instant, once all leases that nobody renews have run out in the log's time."
  },
  {
    name: "readsAgree",
    statement: "The log lists its jobs in the end, and its counts are those of the list.",
    ofAll: (history, views) => {
      const { counts } = history
      if (counts === undefined) return undefined
      for (const { queue, cancelled, completed, deadLettered } of counts) {
        const of = (state: JobView["state"]): number =>
          [...views.values()].filter((view) => view.queue === queue && view.state === state).length
        if (of("Completed") === completed && of("DeadLettered") === deadLettered && of("Cancelled") === cancelled)
          continue
        return `${queue} counts ${completed} completed, ${deadLettered} dead, ${cancelled} cancelled and lists others`
      }
      return undefined
    }
  }
]

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
      const broken = law.ofJob?.(history, job, views.get(id))
      if (broken !== undefined) violations.push(`${law.name}: job ${id} ${broken}`)
    }
  }
  for (const id of views.keys()) {
    if (!history.jobs.has(id)) violations.push(`payloadIntact: job ${id} is there and was never enqueued`)
  }
  for (const law of fleetLaws) {
    const broken = law.ofAll?.(history, views)
    if (broken !== undefined) violations.push(`${law.name}: ${broken}`)
  }
  return violations
}
