/**
 * What a job definition does: encode, enqueue, await, and become a layer of handlers.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { Handler } from "../actors/Protocol.ts"
import type { EnqueueItem, EnqueueResult } from "../log/JobLog.ts"
import type { LogError } from "../log/LogError.ts"
import { toInteger } from "../model/Priority.ts"
import * as Definition from "./Definition.ts"
import { durationMillis, toMillis } from "./Instant.ts"
import {
  type Enqueued,
  type EnqueueOptions,
  handlerKeyPrefix,
  type Job,
  type JobContext,
  type JobHandler,
  type JobOptions
} from "./JobDefinition.ts"
import { CommandRefused, PayloadInvalid, ResultInvalid } from "./JobError.ts"
import { nextJobId } from "./JobIds.ts"
import { JobQueue } from "./JobQueue.ts"
import * as JobRun from "./JobRun.ts"
import { type JobSchema, Refused } from "./PayloadCodec.ts"
import * as Tracing from "./Tracing.ts"

/**
 * The service under which the handler of a job is found.
 *
 * @since 0.1.0
 * @category services
 * @stability unstable
 */
export const handlerKey = <Tag extends string>(tag: Tag): Context.Service<JobHandler<Tag>, Handler> =>
  Context.Service<JobHandler<Tag>, Handler>(handlerKeyPrefix + tag)

/**
 * Makes the value behind `Job.make`.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = <Tag extends string, P extends JobSchema, S extends JobSchema, E extends JobSchema>(
  tag: Tag,
  payloadSchema: P,
  successSchema: S,
  errorSchema: E,
  options: JobOptions<P, S, E>
): Job<Tag, P, S, E> => {
  const definition = Definition.make(tag, payloadSchema, successSchema, options)

  /** What is the same for all jobs of one call. */
  const shared = (given: EnqueueOptions | undefined, fiber: Fiber.Fiber<unknown, unknown>) => {
    const now = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()
    return {
      given,
      now,
      random: fiber.getRef(Random.Random),
      delay: durationMillis(given?.delay),
      at: given?.at === undefined ? undefined : toMillis(given.at),
      timeout: given?.timeout === undefined ? definition.timeout : durationMillis(given.timeout),
      deadline:
        given?.deadline !== undefined
          ? toMillis(given.deadline)
          : definition.deadline === undefined
            ? undefined
            : now + definition.deadline,
      window: durationMillis(given?.idempotencyWindow) ?? definition.idempotencyWindow,
      trace: Tracing.current(fiber)
    }
  }

  const encode = (
    payload: P["Type"],
    { at, deadline, delay, given, now, random, timeout, trace, window }: ReturnType<typeof shared>,
    index: number
  ): EnqueueItem | PayloadInvalid => {
    const encoded = definition.payload.encode(payload)
    if (encoded instanceof Refused) return new PayloadInvalid({ job: tag, index, issue: encoded.issue })
    const key = given?.idempotencyKey ?? options.idempotencyKey?.(payload)
    const priority =
      given?.priority ?? (typeof options.priority === "function" ? options.priority(payload) : options.priority)
    return {
      id: given?.id ?? nextJobId(now, random),
      queue: definition.queue,
      name: tag,
      version: definition.version,
      payload: encoded ?? "",
      priority: priority === undefined ? undefined : toInteger(priority),
      delay,
      at,
      maxAttempts: given?.maxAttempts ?? options.maxAttempts,
      leaseDuration: definition.leaseDuration,
      timeout,
      deadline,
      group: given?.group ?? options.group?.(payload),
      key: key === undefined ? undefined : { value: key, window, onConflict: given?.onConflict ?? options.onConflict },
      metadata: given?.metadata,
      trace
    }
  }

  const answer = (result: EnqueueResult): Enqueued<S["Type"]> | CommandRefused => {
    switch (result._tag) {
      case "Inserted":
      case "Replaced":
        return result
      case "Refused":
        return new CommandRefused({ command: "Enqueue", target: result.id, reason: result.reason })
      case "Duplicate": {
        const known = result.state === "Completed" && result.resultGone !== true
        const decoded = known ? definition.success.decode(result.result) : new Refused("there is none")
        return {
          _tag: "Duplicate",
          id: result.id,
          state: result.state,
          result: decoded instanceof Refused ? Option.none() : Option.some(decoded)
        }
      }
    }
  }

  const answers = (
    results: ReadonlyArray<EnqueueResult>
  ): Effect.Effect<ReadonlyArray<Enqueued<S["Type"]>>, CommandRefused> => {
    const all: Array<Enqueued<S["Type"]>> = []
    for (const result of results) {
      const one = answer(result)
      if (one instanceof CommandRefused) return Effect.fail(one)
      all.push(one)
    }
    return Effect.succeed(all)
  }

  const send = (
    payloads: ReadonlyArray<P["Type"]>,
    given: EnqueueOptions | undefined
  ): Effect.Effect<ReadonlyArray<EnqueueResult>, PayloadInvalid | LogError, JobQueue> =>
    Tracing.producer(
      tag,
      Effect.withFiber((fiber): Effect.Effect<ReadonlyArray<EnqueueResult>, PayloadInvalid | LogError, JobQueue> => {
        const common = shared(given, fiber)
        const items: Array<EnqueueItem> = []
        for (let index = 0; index < payloads.length; index++) {
          const item = encode(payloads[index], common, index)
          if (item instanceof PayloadInvalid) return Effect.fail(item)
          items.push(item)
        }
        return Effect.flatMap(JobQueue, (queue) => queue.enqueue(items))
      })
    )

  const statics = {
    _tag: tag,
    queue: definition.queue,
    version: definition.version,
    payloadSchema,
    successSchema,
    errorSchema,
    item: (payload: P["Type"], given?: EnqueueOptions) =>
      Effect.withFiber<EnqueueItem, PayloadInvalid>((fiber) => {
        const item = encode(payload, shared(given, fiber), 0)
        return item instanceof PayloadInvalid ? Effect.fail(item) : Effect.succeed(item)
      }),
    enqueue: (payload: P["Type"], given?: EnqueueOptions) =>
      Effect.flatMap(send([payload], given), (results) => {
        const one = answer(results[0]!)
        return one instanceof CommandRefused ? Effect.fail(one) : Effect.succeed(one)
      }),
    enqueueAll: (payloads: ReadonlyArray<P["Type"]>, given?: Omit<EnqueueOptions, "id" | "idempotencyKey">) =>
      Effect.flatMap(send(payloads, given), answers),
    await: (id: string) =>
      Effect.flatMap(
        Effect.flatMap(JobQueue, (queue) => queue.awaitResult(id)),
        (result) => {
          const decoded = definition.success.decode(result)
          return decoded instanceof Refused
            ? Effect.fail(new ResultInvalid({ id, issue: decoded.issue }))
            : Effect.succeed(decoded)
        }
      ),
    toLayer: <R>(
      handler: (payload: P["Type"], context: JobContext) => Effect.Effect<S["Type"], E["Type"], R>
    ): Layer.Layer<JobHandler<Tag>, never, Exclude<R, Scope.Scope>> =>
      Layer.effect(
        handlerKey(tag),
        Effect.map(Effect.context<Exclude<R, Scope.Scope>>(), (context) =>
          JobRun.makeHandler(definition, handler, context)
        )
      )
  }
  // a class of its own for each job, so that `class X extends Job.make(…) {}` names it; it is never constructed
  return Object.assign(class {}, statics) as unknown as Job<Tag, P, S, E>
}
