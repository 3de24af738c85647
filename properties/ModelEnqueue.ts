/**
 * Judges the answers for enqueued jobs, follow-ups included, and carries them out in the model.
 *
 * @since 0.1.0
 */
import type { EnqueueItem, EnqueueResult, JobState } from "../src/log/JobLog.ts"
import type { LawName } from "./LawName.ts"
import { silentFutures } from "./Model.ts"
import type { Model, ModelJob, Violation, Window } from "./Model.ts"

/** A producer stamps its trace and its deadline anew when it sends again. */
const bytesOf = ({ trace: _trace, deadline: _deadline, ...item }: EnqueueItem): string => JSON.stringify(item)

/**
 * Whether two requests under one id are for the same job.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const sameBytes = (a: EnqueueItem, b: EnqueueItem): boolean => bytesOf(a) === bytesOf(b)

/**
 * A new job as its item describes it.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const newJob = (item: EnqueueItem, order: number, window: Window): ModelJob => {
  const maxAttempts = item.maxAttempts ?? 10
  const delay = item.delay ?? 0
  return {
    id: item.id,
    item,
    order,
    enqueuedFrom: window.before,
    enqueuedBy: window.after,
    status: "Waiting",
    priority: item.priority ?? 0,
    visibleFrom: item.at ?? window.before + delay,
    visibleBy: item.at === undefined ? window.after + delay : Math.max(item.at, window.after),
    waitingBy: window.after,
    attempts: 0,
    maxAttempts,
    deliveries: 0,
    maxDeliveries: item.maxDeliveries ?? 2 * maxAttempts + 3,
    generation: 1,
    everGranted: false,
    replaced: false,
    token: 0n,
    session: undefined,
    started: false,
    backingOff: false,
    deadline: item.deadline,
    finishedFrom: 0,
    finishedBy: 0,
    kinds: [],
    cause: undefined,
    result: undefined,
    progress: undefined,
    oldProgress: false
  }
}

interface Holder {
  readonly id: string
  readonly job: ModelJob | undefined
  /** How the job ended whose record is gone. */
  readonly ended?: "Completed" | "DeadLettered" | undefined
  /** The window ends in this very instant: it may be held or free. */
  readonly maybe: boolean
}

/** Who holds the key of an item. */
const keyHolder = (model: Model, item: EnqueueItem, window: Window): Holder | undefined => {
  const key = item.key
  if (key === undefined) return undefined
  const holders: Array<Holder> = []
  for (const job of model.jobs.values()) {
    const held = job.item.key
    if (held?.value !== key.value || job.item.queue !== item.queue || job.item.name !== item.name) continue
    if (job.status === "Cancelled") continue
    if (job.status !== "Completed") holders.push({ id: job.id, job, maybe: false })
    else if (window.before <= job.finishedBy + held.window) {
      holders.push({ id: job.id, job, maybe: window.after >= job.finishedFrom + held.window })
    }
  }
  for (const stone of model.tombstones) {
    if (stone.queue !== item.queue || stone.name !== item.name || stone.key !== key.value) continue
    if (window.before > stone.by) continue
    holders.push({ id: stone.id, job: undefined, ended: stone.state, maybe: window.after >= stone.from })
  }
  return holders.find((holder) => !holder.maybe) ?? holders[0]
}

/** States in which the holder of a key may be said to be. */
const statesOf = (model: Model, { ended = "Completed", job }: Holder, window: Window): ReadonlySet<JobState> => {
  if (job === undefined) return new Set([ended])
  const jobs = [job, ...silentFutures(model, job, window)]
  return new Set(jobs.flatMap(({ status }) => (status === "Waiting" ? (["Scheduled", "Ready"] as const) : [status])))
}

const insert = (model: Model, item: EnqueueItem, window: Window): void => {
  model.jobs.set(item.id, newJob(item, model.nextOrder, window))
  model.nextOrder += 1
}

const judgeOne = (
  model: Model,
  item: EnqueueItem,
  answer: EnqueueResult,
  window: Window,
  report: (law: LawName, message: string) => void
): void => {
  const known = model.jobs.get(item.id)
  if (known !== undefined) {
    if (sameBytes(known.item, item)) {
      if (answer._tag !== "Inserted" || answer.id !== item.id) {
        report(
          "enqueueIdempotent",
          `the same job again was answered ${answer._tag} ${answer.id}, the first time Inserted`
        )
      }
    } else if (answer._tag !== "Refused") {
      report("enqueueIdempotent", `other bytes under a known id were answered ${answer._tag}, not Refused`)
    }
    return
  }
  const holder = keyHolder(model, item, window)
  switch (answer._tag) {
    case "Inserted":
      if (answer.id !== item.id) report("enqueueIdempotent", `job ${item.id} was inserted as ${answer.id}`)
      if (holder !== undefined && !holder.maybe) {
        report("keyDeduplicates", `inserted although ${holder.id} holds the key "${item.key?.value}"`)
      }
      return insert(model, item, window)
    case "Duplicate":
      if (holder === undefined || holder.id !== answer.id) {
        report(
          "keyDeduplicates",
          `answered Duplicate of ${answer.id}, but the key is held by ${holder?.id ?? "nobody"}`
        )
        return
      }
      if (item.key?.onConflict === "replace" && holder.job?.everGranted === false && holder.job.status === "Waiting") {
        report("keyDeduplicates", `answered Duplicate where ${holder.id} was never granted and is to be replaced`)
      }
      if (!statesOf(model, holder, window).has(answer.state)) {
        report(
          "keyDeduplicates",
          `answered that ${answer.id} is ${answer.state}, it is ${holder.job?.status ?? "gone"}`
        )
      }
      if (holder.job?.status === "Completed" && answer.resultGone !== true && answer.result !== holder.job.result) {
        report("keyDeduplicates", `answered with result ${answer.result}, the job has ${holder.job.result}`)
      }
      return
    case "Replaced": {
      const job = holder?.job
      if (job === undefined || job.id !== answer.id || item.key?.onConflict !== "replace") {
        report("keyDeduplicates", `answered Replaced ${answer.id}, but the key is held by ${holder?.id ?? "nobody"}`)
        return
      }
      if (job.deliveries > 0 || job.status !== "Waiting") {
        report("keyDeduplicates", `replaced ${job.id}, which is ${job.status} after ${job.deliveries} grants`)
      }
      const next = newJob(item, job.order, window)
      const { id, everGranted, enqueuedFrom } = job
      Object.assign(job, { ...next, id, generation: job.generation + 1, everGranted, enqueuedFrom })
      job.item = { ...item, id: job.id }
      job.replaced = true
      return
    }
    case "Refused":
      report("enqueueIdempotent", `a new job was refused: ${answer.reason}`)
  }
}

/**
 * Judges a batch's answers and carries them out.
 *
 * @since 0.1.0
 * @category transitions
 * @stability unstable
 */
export const enqueued = (
  model: Model,
  items: ReadonlyArray<EnqueueItem>,
  answers: ReadonlyArray<EnqueueResult>,
  window: Window
): ReadonlyArray<Violation> => {
  const violations: Array<Violation> = []
  if (answers.length !== items.length) {
    return [{ laws: ["atLeastOnce"], message: `${items.length} jobs were answered by ${answers.length} results` }]
  }
  items.forEach((item, i) => {
    const answer = answers[i]
    if (answer === undefined) return
    judgeOne(model, item, answer, window, (law, message) =>
      violations.push({ laws: [law], message: `enqueue of ${item.id}: ${message}` })
    )
  })
  return violations
}
