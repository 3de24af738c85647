/**
 * Queues from the outside: enqueue encoded jobs, look at them, and control them. A process that only produces or
 * operates needs nothing else of this package than this service and a log.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import {
  type ControlCommand,
  type EnqueueItem,
  type EnqueueResult,
  JobLog,
  type JobLogOperations,
  type JobView,
  type QueueCounts,
  type QueuePolicy
} from "../log/JobLog.ts"
import type { LogError } from "../log/LogError.ts"
import { itemsBytes, upperBytes } from "../log/ValidateItem.ts"
import { Limits } from "../model/Limits.ts"
import type { JobState } from "../model/Job.ts"
import { CommandRefused, JobCancelled, JobDeadLettered, JobNotFound } from "./JobError.ts"

/**
 * Which dead letters: named ones, or all that match.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type DeadLetterSelection =
  | { readonly ids: ReadonlyArray<string> }
  | {
      readonly queue?: string | undefined
      readonly name?: string | undefined
      /** The cause's kind or error tag. */
      readonly cause?: string | undefined
      /** At most this many; default all. */
      readonly limit?: number | undefined
    }

/**
 * What an operation on dead letters did, or in a preview would do.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface DeadLetterReport {
  readonly done: ReadonlyArray<string>
  readonly refused: ReadonlyArray<{ readonly id: string; readonly reason: string }>
}

/**
 * A page of jobs in enqueue order.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JobPage {
  readonly jobs: ReadonlyArray<JobView>
  /** Cursor of the next page, when there may be one. */
  readonly next: string | undefined
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ListOptions {
  readonly queue?: string | undefined
  readonly state?: JobState | undefined
  readonly name?: string | undefined
  readonly after?: string | undefined
  /** Default 100, at most 1,000. */
  readonly limit?: number | undefined
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JobQueueOperations {
  /**
   * Enqueues encoded jobs; the answers are in order. More than one batch of the log's limit is split, and each batch
   * is atomic of its own.
   */
  readonly enqueue: (items: ReadonlyArray<EnqueueItem>) => Effect.Effect<ReadonlyArray<EnqueueResult>, LogError>
  /** Counts of all queues, or of one. */
  readonly counts: (queue?: string | undefined) => Effect.Effect<ReadonlyArray<QueueCounts>, LogError>
  readonly list: (options?: ListOptions | undefined) => Effect.Effect<JobPage, LogError>
  readonly show: (id: string) => Effect.Effect<JobView, JobNotFound | LogError>
  /** Waits until the job is terminal and answers its encoded result. */
  readonly awaitResult: (
    id: string
  ) => Effect.Effect<string | undefined, JobNotFound | JobDeadLettered | JobCancelled | LogError>
  /** Stops grants durably; running jobs finish, enqueue stays open. */
  readonly pause: (queue: string) => Effect.Effect<void, LogError>
  readonly resume: (queue: string) => Effect.Effect<void, LogError>
  /** Cancels a job that is not finished; a running one is interrupted at its next renewal. */
  readonly cancel: (id: string) => Effect.Effect<void, CommandRefused | JobNotFound | LogError>
  /** Changes when or how soon a waiting job runs. */
  readonly reschedule: (
    id: string,
    change: {
      readonly at?: number | undefined
      readonly delay?: number | undefined
      readonly priority?: number | undefined
    }
  ) => Effect.Effect<void, CommandRefused | JobNotFound | LogError>
  /** Sets parts of a queue's durable policy. */
  readonly configure: (queue: string, policy: QueuePolicy) => Effect.Effect<void, LogError>
  readonly deadLetters: {
    readonly list: (options?: Omit<ListOptions, "state"> | undefined) => Effect.Effect<JobPage, LogError>
    /** What `redrive` of the same selection would do now. */
    readonly preview: (selection: DeadLetterSelection) => Effect.Effect<DeadLetterReport, LogError>
    /** Moves dead letters back: same id, new generation, attempts from the start. */
    readonly redrive: (selection: DeadLetterSelection) => Effect.Effect<DeadLetterReport, LogError>
    /** Removes dead letters for good. */
    readonly purge: (selection: DeadLetterSelection) => Effect.Effect<DeadLetterReport, LogError>
  }
}

/** A hint may be lost where the log does not notify; this is how long a wait can then take too long. */
const pollMillis = 1_000

const page = Effect.fnUntraced(function* (log: JobLogOperations, options: ListOptions) {
  const answer = yield* log.read({
    _tag: "Jobs",
    queue: options.queue,
    state: options.state,
    name: options.name,
    after: options.after,
    limit: options.limit ?? 100
  })
  if (answer._tag !== "Jobs") return yield* Effect.die(new Error("leasehold: the log answered another query"))
  return { jobs: answer.jobs, next: answer.next }
})

const find = Effect.fnUntraced(function* (log: JobLogOperations, id: string) {
  const answer = yield* log.read({ _tag: "Job", id })
  if (answer._tag !== "Job") return yield* Effect.die(new Error("leasehold: the log answered another query"))
  return answer.job === undefined ? yield* new JobNotFound({ id }) : answer.job
})

/** Why a selected job cannot be acted upon, seen from a read. */
const obstacle = (job: JobView | undefined, command: "Redrive" | "Purge"): string | undefined => {
  if (job === undefined) return "unknownJob"
  if (job.state !== "DeadLettered") return "notDeadLettered"
  return command === "Redrive" && job.keyHeldBy !== undefined ? `keyHeld by ${job.keyHeldBy}` : undefined
}

/** Ids only: the jobs themselves, payloads and all, go with their page. */
const select = Effect.fnUntraced(function* (
  log: JobLogOperations,
  selection: DeadLetterSelection,
  command: "Redrive" | "Purge"
) {
  const eligible: Array<string> = []
  const refused: Array<{ id: string; reason: string }> = []
  const sort = (id: string, job: JobView | undefined): void => {
    const reason = obstacle(job, command)
    if (reason === undefined) eligible.push(id)
    else refused.push({ id, reason })
  }
  if ("ids" in selection) {
    for (const id of selection.ids) {
      sort(id, yield* find(log, id).pipe(Effect.catchTag("JobNotFound", () => Effect.succeed(undefined))))
    }
    return { eligible, refused }
  }
  const left = (): number => (selection.limit ?? Infinity) - eligible.length - refused.length
  let after: string | undefined
  do {
    const found: JobPage = yield* page(log, {
      queue: selection.queue,
      name: selection.name,
      state: "DeadLettered",
      after,
      limit: Limits.pageItems
    })
    for (const job of found.jobs) {
      const matches =
        selection.cause === undefined || job.cause?.kind === selection.cause || job.cause?.tag === selection.cause
      if (matches && left() > 0) sort(job.id, job)
    }
    after = found.next
  } while (after !== undefined && left() > 0)
  return { eligible, refused }
})

const carryOut = Effect.fnUntraced(function* (
  log: JobLogOperations,
  selection: DeadLetterSelection,
  command: "Redrive" | "Purge"
) {
  const { eligible, refused } = yield* select(log, selection, command)
  const done: Array<string> = []
  for (let index = 0; index < eligible.length; index += Limits.batchItems) {
    const ids = eligible.slice(index, index + Limits.batchItems)
    const results = yield* log.control(ids.map((id) => ({ _tag: command, id })))
    for (let at = 0; at < ids.length; at++) {
      const result = results[at]!
      if (result._tag === "Done") done.push(ids[at]!)
      else refused.push({ id: ids[at]!, reason: result.reason })
    }
  }
  return { done, refused }
})

/** Cuts a list of items into batches within the log's limits. */
const batches = (items: ReadonlyArray<EnqueueItem>, maxBatch: number): Array<ReadonlyArray<EnqueueItem>> => {
  const limit = Math.min(maxBatch, Limits.batchItems)
  const cut: Array<ReadonlyArray<EnqueueItem>> = []
  let start = 0
  let bytes = 0
  for (let index = 0; index < items.length; index++) {
    // an upper bound on the bytes, which is what a limit needs
    const size = itemsBytes([items[index]!], upperBytes)
    if (index > start && (index - start >= limit || bytes + size > Limits.batchBytes)) {
      cut.push(items.slice(start, index))
      start = index
      bytes = 0
    }
    bytes += size
  }
  cut.push(start === 0 ? items : items.slice(start))
  return cut
}

/**
 * Operations on the queues of a log.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = (log: JobLogOperations): JobQueueOperations => {
  const command = Effect.fnUntraced(function* (request: Extract<ControlCommand, { readonly id: string }>) {
    const [result] = yield* log.control([request])
    if (result === undefined || result._tag === "Done") return
    if (result.reason === "unknownJob") return yield* new JobNotFound({ id: request.id })
    return yield* new CommandRefused({ command: request._tag, target: request.id, reason: result.reason })
  })

  return {
    enqueue: (items) => {
      if (items.length === 0) return Effect.succeed([])
      const cut = batches(items, log.capabilities.maxBatch)
      if (cut.length === 1) return log.enqueue(items)
      return Effect.map(
        // one process's log keeps the order of calls; across processes only waiting keeps that of the batches
        Effect.forEach(cut, (batch) => log.enqueue(batch), { concurrency: log.capabilities.crossProcess ? 1 : 4 }),
        (answers) => answers.flat()
      )
    },
    counts: Effect.fnUntraced(function* (queue) {
      const answer = yield* log.read({ _tag: "Counts", queue })
      if (answer._tag !== "Counts") return yield* Effect.die(new Error("leasehold: the log answered another query"))
      return answer.queues
    }),
    list: (options) => page(log, options ?? {}),
    show: (id) => find(log, id),
    awaitResult: Effect.fnUntraced(function* (id) {
      for (;;) {
        const job = yield* find(log, id)
        switch (job.state) {
          case "Completed":
            return job.result
          case "Cancelled":
            return yield* new JobCancelled({ id })
          case "DeadLettered":
            return yield* new JobDeadLettered({
              id,
              cause: job.cause ?? { kind: "failure", message: "the cause is not recorded" }
            })
          default:
            yield* Effect.raceFirst(
              // a hint that fails is none: the poll is what remains
              log.capabilities.notify
                ? Effect.catchCause(log.changes({ _tag: "Job", id }), () => Effect.never)
                : Effect.never,
              Effect.sleep(pollMillis)
            )
        }
      }
    }),
    pause: (queue) => Effect.asVoid(log.control([{ _tag: "Pause", queue }])),
    resume: (queue) => Effect.asVoid(log.control([{ _tag: "Resume", queue }])),
    cancel: (id) => command({ _tag: "Cancel", id }),
    reschedule: (id, change) => command({ _tag: "Reschedule", id, ...change }),
    configure: (queue, policy) => Effect.asVoid(log.control([{ _tag: "Configure", queue, policy }])),
    deadLetters: {
      list: (options) => page(log, { ...options, state: "DeadLettered" }),
      preview: (selection) =>
        Effect.map(select(log, selection, "Redrive"), ({ eligible, refused }) => ({ done: eligible, refused })),
      redrive: (selection) => carryOut(log, selection, "Redrive"),
      purge: (selection) => carryOut(log, selection, "Purge")
    }
  }
}

/**
 * The queues of the log in the environment.
 *
 * @since 0.1.0
 * @category services
 * @stability unstable
 */
export class JobQueue extends Context.Service<JobQueue, JobQueueOperations>()("leasehold/scheduler/JobQueue") {
  /** For processes that produce or operate, and run no jobs. */
  static readonly layer: Layer.Layer<JobQueue, never, JobLog> = Layer.effect(
    JobQueue,
    Effect.map(JobLog, (log) => make(log))
  )
}
