/**
 * The reference model: jobs, sessions and keys as plain objects, and what time does to them.
 *
 * It shares no transition with the logs on purpose, so that an error in theirs is not an error here too. It follows
 * the log: an answer is first judged, then carried out, so that one violation does not hide the next.
 *
 * @since 0.1.0
 */
import type { EnqueueItem, FailureCause } from "../src/log/JobLog.ts"
import type { LawName } from "./LawName.ts"

/**
 * A broken law: several names where the observation speaks against several.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Violation {
  readonly laws: ReadonlyArray<LawName>
  readonly message: string
  /** The log refuses what it claims, so that no law can be judged: it breaks whichever is being checked. */
  readonly fundamental?: boolean | undefined
}

/**
 * The log's time before and after a call; equal when it stands still.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Window {
  readonly before: number
  readonly after: number
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ModelJob {
  readonly id: string
  /** The bytes that the job consists of. */
  item: EnqueueItem
  /** Place in the order of enqueueing. */
  order: number
  /** It was enqueued between these instants. */
  enqueuedFrom: number
  enqueuedBy: number
  status: "Waiting" | "Leased" | "Completed" | "DeadLettered" | "Cancelled"
  priority: number
  /** `visibleAt` lies between these instants. */
  visibleFrom: number
  visibleBy: number
  /** It began to wait, anew or again, by this instant. */
  waitingBy: number
  attempts: number
  maxAttempts: number
  deliveries: number
  maxDeliveries: number
  generation: number
  everGranted: boolean
  replaced: boolean
  /** Token of the latest grant. */
  token: bigint
  /** Holder; a cancelled job keeps it until the holder confirms. */
  session: string | undefined
  started: boolean
  /** Waiting because an attempt failed. */
  backingOff: boolean
  deadline: number | undefined
  finishedFrom: number
  finishedBy: number
  /** For a dead letter: the kinds of cause that it may show. */
  kinds: ReadonlyArray<string>
  /** The cause that its settlement gave, where that is what it shows. */
  cause: FailureCause | undefined
  result: string | undefined
  progress: string | undefined
  /** The progress is of an earlier grant: a log may show it on or drop it. */
  oldProgress: boolean
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ModelSession {
  readonly id: string
  readonly leaseDuration: number
  expiresAt: number
  /** Closed, ended by a crash, or found dead. */
  ended: boolean
  /** Closed after it had expired: what it held may count as expired or as released. */
  closedLate: boolean
  calls: number
}

interface Tombstone {
  readonly id: string
  readonly queue: string
  readonly name: string
  readonly key: string
  /** How the job that held it ended. */
  readonly state: "Completed" | "DeadLettered"
  readonly from: number
  readonly by: number
}

/**
 * What is left of the key of a job whose record goes.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const buried = (
  { finishedBy, finishedFrom, id, item: { name, queue } }: ModelJob,
  state: Tombstone["state"],
  { value, window }: { readonly value: string; readonly window: number }
): Tombstone => ({ id, queue, name, key: value, state, from: finishedFrom + window, by: finishedBy + window })

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Model {
  readonly jobs: Map<string, ModelJob>
  readonly sessions: Map<string, ModelSession>
  readonly paused: Set<string>
  readonly policies: Map<string, { readonly groupConcurrency: number; readonly stepAside: boolean }>
  readonly tombstones: Array<Tombstone>
  /** Greatest token granted so far, by queue. */
  readonly maxTokens: Map<string, bigint>
  nextOrder: number
}

/**
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const empty = (): Model => ({
  jobs: new Map(),
  sessions: new Map(),
  paused: new Set(),
  policies: new Map(),
  tombstones: [],
  maxTokens: new Map(),
  nextOrder: 0
})

/**
 * The session cannot act any more.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const surelyDead = (model: Model, session: string, now: number): boolean => {
  const found = model.sessions.get(session)
  return found === undefined || found.ended || found.expiresAt <= now
}

/**
 * The session was closed or ended: also what it settled late is refused.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const ended = (model: Model, session: string): boolean => model.sessions.get(session)?.ended ?? true

/**
 * What becomes of a job whose grant ends without a result.
 *
 * @since 0.1.0
 * @category transitions
 * @stability unstable
 */
export const endGrant = (
  job: ModelJob,
  window: Window,
  end: {
    readonly counted: boolean
    /** Left out: claimable at once. */
    readonly backOff?: number | undefined
  }
): void => {
  job.session = undefined
  job.started = false
  if (job.status === "Cancelled") return
  job.cause = undefined
  if (end.counted) job.attempts += 1
  if (end.backOff !== undefined) {
    job.visibleFrom = window.before + end.backOff
    job.visibleBy = window.after + end.backOff
  } else {
    job.visibleFrom = Math.min(job.visibleFrom, window.before)
    job.visibleBy = window.after
  }
  job.waitingBy = window.after
  job.backingOff = end.counted && end.backOff !== undefined
  const kinds: Array<string> = []
  if (job.deadline !== undefined && (job.deadline <= window.after || job.deadline < job.visibleBy))
    kinds.push("deadline")
  if (end.counted && job.attempts >= job.maxAttempts) kinds.push("maxAttempts")
  if (job.deliveries >= job.maxDeliveries) kinds.push("maxDeliveries")
  if (kinds.length === 0) job.status = "Waiting"
  else die(job, window, kinds)
}

/**
 * @since 0.1.0
 * @category transitions
 * @stability unstable
 */
export const die = (job: ModelJob, window: Window, kinds: ReadonlyArray<string>): void => {
  job.status = "DeadLettered"
  job.session = undefined
  job.started = false
  job.finishedFrom = window.before
  job.finishedBy = window.after
  job.kinds = kinds
  job.cause = undefined
}

/**
 * What may have become of a job by itself until `now`, besides staying as it is: its holder's lease ran out, or its
 * deadline passed.
 *
 * @since 0.1.0
 * @category transitions
 * @stability unstable
 */
export const silentFutures = (model: Model, job: ModelJob, window: Window): ReadonlyArray<ModelJob> => {
  const futures: Array<ModelJob> = []
  if (job.session !== undefined && surelyDead(model, job.session, window.after)) {
    // taken back as expired, which counts a run that is known to have started, or as released by a late close
    const closedLate = model.sessions.get(job.session)?.closedLate === true
    for (const counted of job.started && closedLate ? [true, false] : [job.started]) {
      const future = { ...job }
      endGrant(future, window, { counted })
      futures.push(future)
    }
  }
  if (job.status === "Waiting" && job.deadline !== undefined && job.deadline <= window.after) {
    const future = { ...job }
    die(future, window, ["deadline"])
    futures.push(future)
  }
  return futures
}

/**
 * What a complete reclaim has done, for a log that cannot be looked at: all jobs of dead sessions
 * are taken back, and those past their deadline are dead letters.
 *
 * @since 0.1.0
 * @category transitions
 * @stability unstable
 */
export const reclaimAll = (model: Model, window: Window): void => {
  for (const job of model.jobs.values()) {
    const dead = job.session !== undefined && surelyDead(model, job.session, window.before)
    const overdue = job.status === "Waiting" && job.deadline !== undefined && job.deadline <= window.before
    const [future] = dead || overdue ? silentFutures(model, job, window) : []
    if (future !== undefined) Object.assign(job, future)
  }
}

/**
 * Ends a session by its own wish: what it held is released.
 *
 * @since 0.1.0
 * @category transitions
 * @stability unstable
 */
export const closeSession = (model: Model, id: string, window: Window): void => {
  const session = model.sessions.get(id)
  if (session === undefined || session.ended) return
  session.ended = true
  session.closedLate = session.expiresAt <= window.after
  if (session.closedLate) return
  for (const job of model.jobs.values()) {
    if (job.session === id) endGrant(job, window, { counted: false })
  }
}

/**
 * All sessions ended because the log was opened again.
 *
 * @since 0.1.0
 * @category transitions
 * @stability unstable
 */
export const endAllSessions = (model: Model): void => {
  for (const session of model.sessions.values()) session.ended = true
}

/**
 * The instants between which a waiting job became claimable, or becomes. One that was asked for an instant in the past
 * may count from there, though it came later.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const readySince = (job: ModelJob): { readonly from: number; readonly by: number } => ({
  from: job.visibleFrom,
  by: Math.max(job.visibleBy, job.waitingBy)
})

/**
 * Grants of one group that have not ended, as far as is certain or as is possible.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const inFlight = (model: Model, queue: string, group: string, counts: (job: ModelJob) => boolean): number => {
  let count = 0
  for (const job of model.jobs.values()) {
    if (job.session !== undefined && job.item.queue === queue && job.item.group === group && counts(job)) count += 1
  }
  return count
}

/**
 * Jobs waiting in a group's line, first first.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const waitingInGroup = (model: Model, queue: string, group: string): ReadonlyArray<ModelJob> =>
  [...model.jobs.values()]
    .filter((job) => job.status === "Waiting" && job.item.queue === queue && job.item.group === group)
    .sort((a, b) => a.order - b.order)

/**
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const policyOf = (model: Model, queue: string) =>
  model.policies.get(queue) ?? { groupConcurrency: 1, stepAside: false }

/**
 * Whether a waiting job could have been granted throughout the call, apart from its group.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const surelyVisible = (model: Model, job: ModelJob, window: Window): boolean =>
  job.status === "Waiting" &&
  job.visibleBy <= window.before &&
  !model.paused.has(job.item.queue) &&
  (job.deadline === undefined || job.deadline > window.after)

/**
 * Jobs that could have been granted throughout the call, whatever else happened in it.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const surelyClaimable = (
  model: Model,
  queue: string,
  names: ReadonlyArray<string> | undefined,
  window: Window
): ReadonlyArray<ModelJob> =>
  [...model.jobs.values()].filter((job) => {
    if (job.item.queue !== queue || !surelyVisible(model, job, window)) return false
    if (names !== undefined && !names.includes(job.item.name)) return false
    const group = job.item.group
    if (group === undefined) return true
    const policy = policyOf(model, queue)
    if (inFlight(model, queue, group, () => true) >= policy.groupConcurrency) return false
    const ahead = waitingInGroup(model, queue, group).filter((other) => other.order < job.order)
    // what stands before it must be neither claimable first nor possibly blocking the line by backing off
    return ahead.every((other) => other.visibleFrom > window.after && (policy.stepAside || !other.everGranted))
  })
