/**
 * A job as the memory log keeps it: the model's job, what was enqueued, and where it stands in its queue.
 *
 * @since 0.1.0
 */
import type { EnqueueItem, Grant, JobView } from "../../log/JobLog.ts"
import type { NewJob } from "../../model/Command.ts"
import { defaultMaxDeliveries, stateAt } from "../../model/Job.ts"
import type { Job } from "../../model/Job.ts"
import type { Node } from "./Heap.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JobRecord {
  readonly id: string
  /** Enqueue order over the whole log. It stays with the job whatever happens to it. */
  readonly sequence: number
  readonly enqueuedAt: number
  /** The request that created the job. */
  readonly first: EnqueueItem
  /** The request that counts: the first, or the latest that replaced it. */
  item: EnqueueItem
  job: Job
  /** Since when the job has been waiting without a break. */
  waitingSince: number
  result: string | undefined
  progress: string | undefined
  /** Its places among the waiting, while it has them. */
  readonly places: {
    line: Node<JobRecord> | undefined
    delayed: Node<JobRecord> | undefined
    group: Node<JobRecord> | undefined
    deadline: Node<JobRecord> | undefined
  }
}

/**
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = (item: EnqueueItem, sequence: number, job: Job, now: number): JobRecord => ({
  id: item.id,
  sequence,
  enqueuedAt: now,
  first: item,
  item,
  job,
  waitingSince: now,
  result: undefined,
  progress: undefined,
  places: { line: undefined, delayed: undefined, group: undefined, deadline: undefined }
})

/**
 * The model's part of a request, with the defaults filled in.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const newJob = (item: EnqueueItem, now: number): NewJob => {
  const maxAttempts = item.maxAttempts ?? 10
  return {
    priority: item.priority ?? 0,
    visibleAt: item.at ?? now + (item.delay ?? 0),
    maxAttempts,
    maxDeliveries: item.maxDeliveries ?? defaultMaxDeliveries(maxAttempts),
    deadline: item.deadline
  }
}

/**
 * A copy that the caller cannot change afterwards.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const snapshot = (item: EnqueueItem): EnqueueItem => ({
  ...item,
  ...(item.key === undefined ? undefined : { key: { ...item.key } }),
  ...(item.metadata === undefined ? undefined : { metadata: { ...item.metadata } }),
  ...(item.trace === undefined ? undefined : { trace: { ...item.trace } })
})

const sameMetadata = (a: EnqueueItem["metadata"], b: EnqueueItem["metadata"]): boolean => {
  if (a === undefined || b === undefined) return a === b
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key])
}

/**
 * Whether two requests ask for the very same job. Trace and deadline do not count: a producer stamps both anew when it
 * sends again.
 *
 * @since 0.1.0
 * @category equality
 * @stability unstable
 */
export const sameRequest = (a: EnqueueItem, b: EnqueueItem): boolean =>
  a.id === b.id &&
  a.queue === b.queue &&
  a.name === b.name &&
  a.version === b.version &&
  a.payload === b.payload &&
  a.priority === b.priority &&
  a.delay === b.delay &&
  a.at === b.at &&
  a.maxAttempts === b.maxAttempts &&
  a.maxDeliveries === b.maxDeliveries &&
  a.leaseDuration === b.leaseDuration &&
  a.timeout === b.timeout &&
  a.group === b.group &&
  a.key?.value === b.key?.value &&
  a.key?.window === b.key?.window &&
  (a.key?.onConflict ?? "keep") === (b.key?.onConflict ?? "keep") &&
  sameMetadata(a.metadata, b.metadata)

/**
 * Since when a waiting job has been claimable, or from when it will be.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const readySince = (record: JobRecord): number => Math.max(record.waitingSince, record.job.visibleAt)

/**
 * The grant of a job that was just leased.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const toGrant = (record: JobRecord): Grant => {
  const { item, job } = record
  return {
    id: record.id,
    queue: item.queue,
    name: item.name,
    version: item.version,
    payload: item.payload,
    priority: job.priority,
    attempt: job.attempts + 1,
    delivery: job.deliveries,
    maxAttempts: job.maxAttempts,
    generation: job.generation,
    enqueuedAt: record.enqueuedAt,
    readySince: readySince(record),
    leaseDuration: item.leaseDuration,
    timeout: item.timeout,
    deadline: job.deadline,
    group: item.group,
    metadata: item.metadata,
    trace: item.trace,
    token: BigInt(job.token),
    receipt: String(job.token)
  }
}

/**
 * A job as people see it. `keyHolder`: the job that holds its key.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const toView = (record: JobRecord, now: number, paused: boolean, keyHolder: string | undefined): JobView => {
  const { item, job } = record
  return {
    id: record.id,
    queue: item.queue,
    name: item.name,
    version: item.version,
    state: stateAt(job, now),
    priority: job.priority,
    payload: item.payload,
    sequence: record.sequence,
    generation: job.generation,
    attempts: job.attempts,
    maxAttempts: job.maxAttempts,
    deliveries: job.deliveries,
    maxDeliveries: job.maxDeliveries,
    enqueuedAt: record.enqueuedAt,
    visibleAt: job.visibleAt,
    finishedAt: job.finishedAt,
    deadline: job.deadline,
    leaseDuration: item.leaseDuration,
    timeout: item.timeout,
    group: item.group,
    key: item.key?.value,
    metadata: item.metadata,
    cause: job.cause,
    result: record.result,
    progress: record.progress,
    token: job.session === undefined ? undefined : BigInt(job.token),
    session: job.session,
    paused,
    keyHeldBy:
      job.status === "DeadLettered" && keyHolder !== undefined && keyHolder !== record.id ? keyHolder : undefined
  }
}
