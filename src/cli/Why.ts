/**
 * Why a job is not running: everything that stands in its way, in the words of docs/command-line.md.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { JobView, QueueCounts } from "../log/JobLog.ts"
import type { LogError } from "../log/LogError.ts"
import type { JobQueueOperations } from "../scheduler/JobQueue.ts"
import { instant, relative, span } from "./Time.ts"

/**
 * One thing that stands in a job's way, or the end it has come to.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Reason {
  readonly code:
    | "running"
    | "completed"
    | "cancelled"
    | "dead"
    | "paused"
    | "delayed"
    | "backingOff"
    | "noHandler"
    | "groupBusy"
    | "groupBlocked"
    | "pastDeadline"
    | "waiting"
  readonly detail: string
}

const pageItems = 1_000
/** A queue's line may be long; an answer in good time is worth more than one about its far end. */
const maxPages = 20

/** The first other member of the job's group in this state that satisfies `matches`. */
const member = Effect.fnUntraced(function* (
  queue: JobQueueOperations,
  job: JobView,
  state: "Leased" | "Scheduled",
  matches: (other: JobView) => boolean
): Effect.fn.Return<JobView | undefined, LogError> {
  let after: string | undefined
  for (let page = 0; page < maxPages; page++) {
    const found = yield* queue.list({ queue: job.queue, state, after, limit: pageItems })
    const first = found.jobs.find((other) => other.group === job.group && other.id !== job.id && matches(other))
    if (first !== undefined || found.next === undefined) return first
    after = found.next
  }
  return undefined
})

const groupReasons = Effect.fnUntraced(function* (
  queue: JobQueueOperations,
  job: JobView
): Effect.fn.Return<ReadonlyArray<Reason>, LogError> {
  if (job.group === undefined) return []
  const reasons: Array<Reason> = []
  const busy = yield* member(queue, job, "Leased", () => true)
  if (busy !== undefined) {
    reasons.push({ code: "groupBusy", detail: `its group ${job.group} is busy: job ${busy.id} has it` })
  }
  const head = yield* member(queue, job, "Scheduled", (other) => other.sequence < job.sequence && other.deliveries > 0)
  if (head !== undefined) {
    const until = `${head.id} backs off until ${instant(head.visibleAt)}`
    reasons.push({ code: "groupBlocked", detail: `the head of its group ${job.group}, job ${until}` })
  }
  return reasons
})

const scheduled = (job: JobView, now: number): Reason => {
  const until = `until ${relative(job.visibleAt, now)}`
  const { cause } = job
  if (cause?.kind === "noHandler") {
    return { code: "noHandler", detail: `whoever claimed it could not run it: ${cause.message}; tried again ${until}` }
  }
  if (cause !== undefined && job.deliveries > 0) {
    const tag = cause.tag === undefined ? cause.kind : `${cause.kind}, ${cause.tag}`
    return {
      code: "backingOff",
      detail: `attempt ${job.attempts} of ${job.maxAttempts} ended (${tag}): ${cause.message}; it backs off ${until}`
    }
  }
  return { code: "delayed", detail: `it is delayed ${until}` }
}

const ready = (job: JobView, now: number, counts: QueueCounts | undefined): Reason => {
  const line = counts === undefined ? "" : `; its queue has ${counts.ready} ready and ${counts.leased} leased jobs`
  const before = job.cause?.kind === "noHandler" ? ` (the last to claim it could not run it: ${job.cause.message})` : ""
  return {
    code: "waiting",
    detail: `it has been ready for ${span(now - job.visibleAt)} and waits for a free worker${before}${line}`
  }
}

/**
 * Explains a job's state. Reads the queue's counts, and for a member of a group its neighbours, as far as they are
 * among the first 20,000 of the queue in their state.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const explain = Effect.fnUntraced(function* (
  queue: JobQueueOperations,
  job: JobView,
  now: number
): Effect.fn.Return<ReadonlyArray<Reason>, LogError> {
  const finished = job.finishedAt === undefined ? "" : ` at ${relative(job.finishedAt, now)}`
  switch (job.state) {
    case "Completed":
      return [{ code: "completed", detail: `it completed${finished}` }]
    case "Cancelled": {
      const holder = job.session === undefined ? "" : `; session ${job.session} has not confirmed that it stopped`
      return [{ code: "cancelled", detail: `it was cancelled${finished}${holder}` }]
    }
    case "DeadLettered": {
      const cause = job.cause === undefined ? "unknown cause" : `${job.cause.kind}: ${job.cause.message}`
      const next =
        job.keyHeldBy === undefined
          ? "`leasehold dead redrive` would run it again"
          : `it cannot be redriven while job ${job.keyHeldBy} holds its key`
      return [{ code: "dead", detail: `it became a dead letter${finished} (${cause}); ${next}` }]
    }
    case "Leased": {
      const holder = `leased by session ${job.session ?? "unknown"} with token ${job.token ?? "unknown"}`
      return [{ code: "running", detail: `it is ${holder}, delivery ${job.deliveries} of ${job.maxDeliveries}` }]
    }
  }
  const reasons: Array<Reason> = []
  if (job.paused === true) {
    reasons.push({ code: "paused", detail: `queue ${job.queue} is paused; \`leasehold queue resume\` opens it again` })
  }
  if (job.deadline !== undefined && job.deadline <= now) {
    reasons.push({
      code: "pastDeadline",
      detail: `its deadline ${relative(job.deadline, now)} has passed; the next reclaim makes it a dead letter`
    })
  }
  if (job.state === "Scheduled") reasons.push(scheduled(job, now))
  reasons.push(...(yield* groupReasons(queue, job)))
  if (reasons.length === 0) {
    const [counts] = yield* queue.counts(job.queue)
    reasons.push(ready(job, now, counts))
  }
  return reasons
})
