/**
 * Compares what a log shows with the model, job by job and field by field.
 *
 * @since 0.1.0
 */
import type { FailureCause, JobView, QueueCounts } from "../src/log/JobLog.ts"
import { storedCause } from "../src/log/JobLog.ts"
import type { LawName } from "./LawName.ts"
import { readySince, silentFutures } from "./Model.ts"
import type { Model, ModelJob, Violation, Window } from "./Model.ts"

/**
 * All that a log shows at an instant.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Snapshot {
  /** Log time when the looking began. */
  readonly since: number
  /** Log time when it ended. */
  readonly now: number
  readonly jobs: ReadonlyArray<JobView>
  readonly counts: ReadonlyArray<QueueCounts>
}

/** The law that speaks about the loss of a job in this state. */
const statusLaws: Record<ModelJob["status"], LawName> = {
  Waiting: "atLeastOnce",
  Leased: "singleClaimer",
  Completed: "completedStaysCompleted",
  DeadLettered: "deadLettersConserved",
  Cancelled: "cancelIsTerminal"
}

type Mismatch = readonly [law: LawName, message: string, also?: LawName]

const statusOf = (view: JobView): ModelJob["status"] =>
  view.state === "Scheduled" || view.state === "Ready" ? "Waiting" : view.state

/** A cause that fits is shown whole; of one that has to be cut the kind at least. */
const keeps = (shown: FailureCause | undefined, given: FailureCause): boolean =>
  shown?.kind === given.kind &&
  (storedCause(given) !== given || (shown.tag === given.tag && shown.message === given.message))

const difference = (job: ModelJob, view: JobView, snapshot: Snapshot): ReadonlyArray<Mismatch> => {
  const found: Array<Mismatch> = []
  const same = (law: LawName, field: string, actual: unknown, expected: unknown): void => {
    if (JSON.stringify(actual) !== JSON.stringify(expected)) {
      found.push([law, `${field} is ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`])
    }
  }
  const item = job.item
  if (statusOf(view) !== job.status) {
    const ended = job.status === "Completed" || job.status === "DeadLettered" || job.status === "Cancelled"
    const message = `is ${view.state}, expected ${job.status}`
    found.push(ended ? [statusLaws[job.status], message, "terminalOnce"] : [statusLaws[job.status], message])
  } else if (job.status === "Waiting") {
    if (view.visibleAt <= snapshot.since) same("readsAgree", "state", view.state, "Ready")
    if (view.visibleAt > snapshot.now) same("readsAgree", "state", view.state, "Scheduled")
    if (view.visibleAt < job.visibleFrom || view.visibleAt > job.visibleBy) {
      const message = `visible at ${view.visibleAt}, expected ${job.visibleFrom} to ${job.visibleBy}`
      found.push(job.everGranted ? ["neverEarly", message, "backoffHonoured"] : ["neverEarly", message])
    }
  }
  same("payloadIntact", "queue", view.queue, item.queue)
  same("payloadIntact", "name", view.name, item.name)
  same("payloadIntact", "version", view.version, item.version)
  same("payloadIntact", "payload", view.payload, item.payload)
  same("payloadIntact", "group", view.group, item.group)
  same("payloadIntact", "key", view.key, item.key?.value)
  same("payloadIntact", "timeout", view.timeout, item.timeout)
  same("payloadIntact", "lease", view.leaseDuration, item.leaseDuration)
  same("payloadIntact", "deadline", view.deadline, job.deadline)
  const within = (law: LawName, field: string, actual: number, from: number, by: number): void => {
    if (actual < from || actual > by) found.push([law, `${field} is ${actual}, expected ${from} to ${by}`])
  }
  within("payloadIntact", "enqueuedAt", view.enqueuedAt, job.enqueuedFrom, job.enqueuedBy)
  const entries = (metadata: JobView["metadata"]) => Object.entries(metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  same("payloadIntact", "metadata", entries(view.metadata), entries(item.metadata))
  same("priorityOrder", "priority", view.priority, job.priority)
  same("attemptsBounded", "maxAttempts", view.maxAttempts, job.maxAttempts)
  same("attemptsBounded", "maxDeliveries", view.maxDeliveries, job.maxDeliveries)
  same("attemptsBounded", "deliveries", view.deliveries, job.deliveries)
  same("tokenMonotone", "generation", view.generation, job.generation)
  // a log may count a run from its start or from its end
  const running = job.session !== undefined && job.started ? 1 : 0
  if (view.attempts < job.attempts || view.attempts > job.attempts + running) {
    same("attemptsBounded", "attempts", view.attempts, job.attempts)
  }
  switch (job.status) {
    case "Leased":
      same("tokenMonotone", "token", String(view.token), String(job.token))
      same("singleClaimer", "session", view.session, job.session)
      if (!job.oldProgress || view.progress !== undefined) {
        same("staleTokenRefused", "progress", view.progress, job.progress)
      }
      break
    case "Completed":
      if (view.result !== undefined || job.result === undefined) {
        same("completedStaysCompleted", "result", view.result, job.result)
      }
      within("readsAgree", "finishedAt", view.finishedAt ?? Number.NaN, job.finishedFrom, job.finishedBy)
      break
    case "DeadLettered":
      if (!job.kinds.includes(view.cause?.kind ?? "none")) {
        same("deadLettersConserved", "cause", view.cause?.kind, job.kinds)
      } else if (job.cause !== undefined && !keeps(view.cause, job.cause)) {
        same("deadLettersConserved", "cause", view.cause, job.cause)
      }
      break
    case "Waiting":
      if (job.cause !== undefined && !keeps(view.cause, job.cause)) {
        same("readsAgree", "cause", view.cause, job.cause)
      }
      break
  }
  return found
}

/** How far two stand apart: another status weighs more than any field. */
const distance = (job: ModelJob, view: JobView, snapshot: Snapshot): number =>
  difference(job, view, snapshot).length + (statusOf(view) === job.status ? 0 : 100)

const countsOf = (jobs: ReadonlyArray<JobView>, queue: string) => {
  const counts = { scheduled: 0, ready: 0, leased: 0, completed: 0, deadLettered: 0, cancelled: 0 }
  const fields = {
    Scheduled: "scheduled",
    Ready: "ready",
    Leased: "leased",
    Completed: "completed",
    DeadLettered: "deadLettered",
    Cancelled: "cancelled"
  } as const
  for (const job of jobs) if (job.queue === queue) counts[fields[job.state]] += 1
  return counts
}

/** Between which instants the first of the jobs shown as ready became so. */
const oldestReady = (model: Model, snapshot: Snapshot, queue: string) => {
  let from = Number.POSITIVE_INFINITY
  let by = Number.POSITIVE_INFINITY
  for (const view of snapshot.jobs) {
    const job = model.jobs.get(view.id)
    if (view.queue !== queue || view.state !== "Ready" || job === undefined) continue
    const since = readySince(job)
    from = Math.min(from, since.from)
    by = Math.min(by, since.by)
  }
  return { from, by }
}

const judgeCounts = (model: Model, snapshot: Snapshot, quiet: boolean): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  const say = (laws: ReadonlyArray<LawName>, message: string): void => void found.push({ laws, message })
  for (const queue of new Set([...snapshot.jobs.map((job) => job.queue), ...model.paused])) {
    const shown = snapshot.counts.find((counts) => counts.queue === queue)
    if (shown === undefined) {
      say(["readsAgree"], `counts: queue ${queue} is missing`)
      continue
    }
    if (shown.paused !== model.paused.has(queue)) {
      say(["pauseHolds"], `counts: queue ${queue} is shown as ${shown.paused ? "paused" : "running"}`)
    }
    if (!quiet) continue
    for (const [field, expected] of Object.entries(countsOf(snapshot.jobs, queue))) {
      const actual: unknown = Reflect.get(shown, field)
      if (actual !== expected)
        say(["readsAgree"], `counts: ${field} of ${queue} is ${String(actual)}, expected ${expected}`)
    }
    if (shown.ready > 0 !== (shown.oldestReadySince !== undefined)) {
      say(["readsAgree"], `counts: ${shown.ready} ready in ${queue}, oldest since ${shown.oldestReadySince}`)
    }
    const { by, from } = oldestReady(model, snapshot, queue)
    if (shown.oldestReadySince !== undefined && (shown.oldestReadySince < from || shown.oldestReadySince > by)) {
      say(["readsAgree"], `counts: ready in ${queue} since ${shown.oldestReadySince}, expected ${from} to ${by}`)
    }
  }
  return found
}

/**
 * Compares, adopts what may have happened by itself, and answers what must not have happened. `blame`: the laws that
 * speak about any difference at all after this step, for example because the step was refused.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const compare = (
  model: Model,
  snapshot: Snapshot,
  window: Window,
  blame: ReadonlyArray<LawName>
): ReadonlyArray<Violation> => {
  const violations: Array<Violation> = []
  const say = (law: LawName, message: string, also?: LawName): void =>
    void violations.push({ laws: [...new Set([law, ...(also === undefined ? [] : [also]), ...blame])], message })
  const views = new Map(snapshot.jobs.map((view) => [view.id, view]))
  for (const [id, job] of model.jobs) {
    const view = views.get(id)
    if (view === undefined) {
      say(statusLaws[job.status], `job ${id} (${job.status}) is gone`)
      model.jobs.delete(id)
      continue
    }
    let best = job
    for (const future of silentFutures(model, job, window)) {
      if (distance(future, view, snapshot) < distance(best, view, snapshot)) best = future
    }
    for (const [law, message, also] of difference(best, view, snapshot)) say(law, `job ${id} ${message}`, also)
    if ((view.paused ?? false) !== model.paused.has(view.queue)) {
      say("pauseHolds", `job ${id} is shown as in a ${view.paused === true ? "paused" : "running"} queue`)
    }
    if (best !== job) Object.assign(job, best)
    adopt(job, view)
  }
  for (const view of snapshot.jobs) {
    if (!model.jobs.has(view.id)) say("payloadIntact", `job ${view.id} (${view.state}) was never enqueued`)
  }
  let last = -1
  let lastOrder = -1
  for (const view of snapshot.jobs) {
    const order = model.jobs.get(view.id)?.order ?? lastOrder
    if (view.sequence <= last || order < lastOrder) say("readsAgree", `job ${view.id} is listed out of enqueue order`)
    last = view.sequence
    lastOrder = order
  }
  return [...violations, ...judgeCounts(model, snapshot, window.before === window.after)]
}

/** Sharpens what the model knows only within bounds. */
const adopt = (job: ModelJob, view: JobView): void => {
  if (job.status === "Waiting") {
    job.visibleFrom = view.visibleAt
    job.visibleBy = view.visibleAt
  }
  if (view.finishedAt !== undefined) {
    job.finishedFrom = view.finishedAt
    job.finishedBy = view.finishedAt
  }
}
