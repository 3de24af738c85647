/**
 * What a job definition is: its types, and those of the options, answers and contexts around it.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Option from "effect/Option"

import type * as Scope from "effect/Scope"
import type { EnqueueItem, SettleItem } from "../log/JobLog.ts"
import type { LogError } from "../log/LogError.ts"
import type { JobState } from "../model/Job.ts"
import type { Priority } from "../model/Priority.ts"
import type { Instant } from "./Instant.ts"
import type {
  CommandRefused,
  JobCancelled,
  JobDeadLettered,
  JobNotFound,
  PayloadInvalid,
  ResultInvalid
} from "./JobError.ts"
import type { JobQueue } from "./JobQueue.ts"
import type { JobSchema } from "./PayloadCodec.ts"
import type { RetryTable } from "./RetryPolicy.ts"

/**
 * What one enqueue may say, beyond its job's definition.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface EnqueueOptions {
  /** Makes the call repeatable after an unknown outcome; a UUID in lower case. Made for you when left out. */
  readonly id?: string | undefined
  /** Not before this much later, in the log's clock. Excludes `at`. */
  readonly delay?: Duration.Input | undefined
  readonly at?: Instant | undefined
  readonly priority?: Priority | undefined
  readonly maxAttempts?: number | undefined
  readonly timeout?: Duration.Input | undefined
  /** The whole job's last instant. */
  readonly deadline?: Instant | undefined
  readonly idempotencyKey?: string | undefined
  readonly idempotencyWindow?: Duration.Input | undefined
  readonly onConflict?: "keep" | "replace" | undefined
  readonly group?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/**
 * The answer to an enqueue; never silently nothing.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Enqueued<A> =
  | { readonly _tag: "Inserted"; readonly id: string }
  | { readonly _tag: "Replaced"; readonly id: string }
  | {
      /** The idempotency key is held by an earlier job. */
      readonly _tag: "Duplicate"
      /** The earlier job. */
      readonly id: string
      readonly state: JobState
      /** Its result, when it completed inside the window and the result is still stored. */
      readonly result: Option.Option<A>
    }

/**
 * What a handler knows and can do about its run.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JobContext {
  readonly id: string
  readonly queue: string
  /** 1-based: earlier runs known to have started, plus one. */
  readonly attempt: number
  readonly maxAttempts: number
  /** 1-based count of all grants, also of those that never started. */
  readonly delivery: number
  /** Strictly increasing over all grants: hand it to other systems so that they can refuse a stale writer. */
  readonly token: bigint
  /** Unix milliseconds. */
  readonly enqueuedAt: number
  readonly group: string | undefined
  readonly metadata: Readonly<Record<string, string>>
  /** How long this run may still rely on its lease; it grows with each renewal. */
  readonly remainingLease: Effect.Effect<Duration.Duration>
  /** Stores a progress value with the next renewal. */
  readonly progress: (value: string) => Effect.Effect<void>
  /** Enqueues a job in the same atomic step that completes this one; nothing happens if this run does not complete. */
  readonly followUp: <J extends Any>(
    job: J,
    payload: J["payloadSchema"]["Type"],
    options?: EnqueueOptions | undefined
  ) => Effect.Effect<void, PayloadInvalid>
  /**
   * What completes this run with a result, for a log that can write it in a transaction of the handler's own. It writes
   * nothing by itself. A result that does not fit the job's schema is a defect.
   */
  readonly completion: (success: unknown) => Effect.Effect<SettleItem>
}

/**
 * Identifies the handler of a job in the environment.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JobHandler<Tag extends string> {
  readonly _: "leasehold/JobHandler"
  readonly tag: Tag
}

/**
 * Prefix of the handlers' service keys, by which a scheduler finds them.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export const handlerKeyPrefix = "leasehold/scheduler/Job/Handler/"

/**
 * Any job definition.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Any {
  readonly _tag: string
  readonly queue: string
  readonly version: number
  readonly payloadSchema: JobSchema
  /** Encodes one job without enqueueing it. */
  readonly item: (
    payload: this["payloadSchema"]["Type"],
    options?: EnqueueOptions | undefined
  ) => Effect.Effect<EnqueueItem, PayloadInvalid>
}

/**
 * A job definition. Extend it with a class to give it a name of its own.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Job<Tag extends string, P extends JobSchema, S extends JobSchema, E extends JobSchema> {
  new (_: never): {}
  readonly _tag: Tag
  readonly queue: string
  readonly version: number
  readonly payloadSchema: P
  readonly successSchema: S
  readonly errorSchema: E
  /** Encodes one job without enqueueing it. */
  readonly item: (
    payload: P["Type"],
    options?: EnqueueOptions | undefined
  ) => Effect.Effect<EnqueueItem, PayloadInvalid>
  /** Appends one job durably. A payload that does not fit its schema fails before anything is written. */
  readonly enqueue: (
    payload: P["Type"],
    options?: EnqueueOptions | undefined
  ) => Effect.Effect<Enqueued<S["Type"]>, PayloadInvalid | CommandRefused | LogError, JobQueue>
  /** Appends many jobs; one invalid payload fails them all before anything is written. */
  readonly enqueueAll: (
    payloads: ReadonlyArray<P["Type"]>,
    options?: Omit<EnqueueOptions, "id" | "idempotencyKey"> | undefined
  ) => Effect.Effect<ReadonlyArray<Enqueued<S["Type"]>>, PayloadInvalid | CommandRefused | LogError, JobQueue>
  /** Waits for a job's result, also from another process. */
  readonly await: (
    id: string
  ) => Effect.Effect<S["Type"], JobNotFound | JobDeadLettered | JobCancelled | ResultInvalid | LogError, JobQueue>
  /** The layer that makes a scheduler run these jobs. The handler's `Scope` is the run's own. */
  readonly toLayer: <R>(
    handler: (payload: P["Type"], context: JobContext) => Effect.Effect<S["Type"], E["Type"], R>
  ) => Layer.Layer<JobHandler<Tag>, never, Exclude<R, Scope.Scope>>
}

/**
 * Options of a definition. Durations are `Duration.Input`s.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JobOptions<P extends JobSchema, S extends JobSchema, E extends JobSchema> {
  readonly payload: P
  /** Schema of the handler's result; default `Schema.Void`. */
  readonly success?: S | undefined
  /** Schema of the handler's errors, each with a `_tag`; default none. */
  readonly error?: E | undefined
  /** Default `"default"`. */
  readonly queue?: string | undefined
  /** Version of the payload's schema; default 1. A handler leaves newer versions to newer processes. */
  readonly version?: number | undefined
  readonly priority?: Priority | ((payload: P["Type"]) => Priority) | undefined
  /** The lease its scheduler asks for; default the scheduler's, 30 seconds. */
  readonly leaseDuration?: Duration.Input | undefined
  /** Default 10. */
  readonly maxAttempts?: number | undefined
  /** Per attempt; default the scheduler's, 10 minutes. */
  readonly timeout?: Duration.Input | undefined
  /** From enqueue to the job's last instant; default none. */
  readonly deadline?: Duration.Input | undefined
  readonly idempotencyKey?: ((payload: P["Type"]) => string) | undefined
  /** How long a key outlives its job's completion; default one day. */
  readonly idempotencyWindow?: Duration.Input | undefined
  readonly onConflict?: "keep" | "replace" | undefined
  readonly group?: ((payload: P["Type"]) => string) | undefined
  /** By error tag, exhaustive: `"never"` or a schedule. Default for all: full jitter from 1 s to 10 min. */
  readonly retry?: RetryTable<E["Type"]> | undefined
}
