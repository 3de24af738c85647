/**
 * One run of a handler: decode the payload, run, and turn the outcome into a settlement.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { FailureReport, Handler, RunContext } from "../actors/Protocol.ts"
import type { EnqueueItem, Grant, SettleItem, Settlement } from "../log/JobLog.ts"
import { Limits } from "../model/Limits.ts"
import type { Definition } from "./Definition.ts"
import type { Any, EnqueueOptions, JobContext } from "./JobDefinition.ts"
import { Refused } from "./PayloadCodec.ts"
import { defaultRetry, retryDelay, type RetrySchedule } from "./RetryPolicy.ts"
import * as Tracing from "./Tracing.ts"

const cut = (message: string): string =>
  message.length * 3 <= Limits.causeBytes ? message : `${message.slice(0, Limits.causeBytes / 3 - 3).toWellFormed()}…`

const noMetadata: Readonly<Record<string, string>> = {}

/** Made for each run, so everything that a handler may not ask for is made when it does. */
class LiveJobContext implements JobContext {
  private readonly run: RunContext
  private readonly encode: (success: unknown) => string | undefined | Refused

  constructor(run: RunContext, encode: (success: unknown) => string | undefined | Refused) {
    this.run = run
    this.encode = encode
  }
  get id() {
    return this.run.grant.id
  }
  get queue() {
    return this.run.grant.queue
  }
  get attempt() {
    return this.run.grant.attempt
  }
  get maxAttempts() {
    return this.run.grant.maxAttempts
  }
  get delivery() {
    return this.run.grant.delivery
  }
  get token() {
    return this.run.grant.token
  }
  get enqueuedAt() {
    return this.run.grant.enqueuedAt
  }
  get group() {
    return this.run.grant.group
  }
  get metadata() {
    return this.run.grant.metadata ?? noMetadata
  }
  get remainingLease() {
    return Effect.sync(() => Duration.millis(this.run.remainingLease()))
  }
  get progress() {
    return (value: string) => Effect.sync(() => this.run.progress(value))
  }
  get followUp() {
    return <J extends Any>(job: J, payload: J["payloadSchema"]["Type"], options?: EnqueueOptions) =>
      Effect.map(job.item(payload, options), (item) => this.run.followUp(item))
  }
  get completion() {
    return (success: unknown) =>
      Effect.suspend((): Effect.Effect<SettleItem> => {
        const result = this.encode(success)
        if (result instanceof Refused) return Effect.die(new Error(doesNotFit(result)))
        const { id, receipt, token } = this.run.grant
        return Effect.succeed({
          id,
          receipt,
          token,
          settlement: { _tag: "Complete", result, enqueue: this.run.followUps }
        })
      })
  }
}

const doesNotFit = ({ issue }: Refused): string => `the handler's result does not fit its schema: ${issue}`

/** Travels the error channel from `start` to `conclude`, and nowhere else. */
class Undecodable {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

interface Described {
  readonly tag: string | undefined
  readonly message: string
}

const describe = (error: unknown): Described => {
  const tag =
    typeof error === "object" && error !== null && "_tag" in error && typeof error._tag === "string"
      ? error._tag
      : undefined
  if (error instanceof Error && error.message !== "") return { tag, message: cut(error.message) }
  try {
    return { tag, message: cut(JSON.stringify(error) ?? String(error)) }
  } catch {
    return { tag, message: cut(String(error)) }
  }
}

const retryOr = (
  schedule: "never" | RetrySchedule,
  grant: Grant,
  error: unknown,
  kind: "failure" | "defect" | "timeout",
  described: Described
): Effect.Effect<Settlement> => {
  const cause = {
    kind,
    message: described.message,
    ...(described.tag === undefined ? undefined : { tag: described.tag })
  }
  if (schedule === "never") return Effect.succeed({ _tag: "DeadLetter", cause })
  return Effect.map(retryDelay(schedule, grant, error), (delay): Settlement =>
    delay === undefined
      ? { _tag: "DeadLetter", cause: { ...cause, message: cut(`${cause.message} (the retry schedule has ended)`) } }
      : { _tag: "Retry", delay: Math.round(Math.min(delay, Limits.durationMillis)), cause }
  )
}

/**
 * Makes the handler that a worker pool runs.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const makeHandler = <P, S, E, R>(
  definition: Definition<P, S>,
  handler: (payload: P, context: JobContext) => Effect.Effect<S, E, R>,
  context: Context.Context<Exclude<R, Scope.Scope>>
): Handler => {
  const fork = Effect.runForkWith(context)
  const span = Tracing.consumer(context)
  // encoding checks what it is given
  const encode = definition.success.encode as (success: unknown) => string | undefined | Refused

  const completed = (followUps: ReadonlyArray<EnqueueItem> | undefined, value: S): Settlement => {
    const encoded = definition.success.encode(value)
    if (encoded instanceof Refused) {
      // trying again would run the side effects again for the same answer
      const message = cut(doesNotFit(encoded))
      return { _tag: "DeadLetter", cause: { kind: "defect", message } }
    }
    if (encoded === undefined && followUps === undefined) return completedEmpty
    return { _tag: "Complete", result: encoded, enqueue: followUps }
  }

  // an error's tag may be any text, also "constructor"
  const policyOf = (tag: string | undefined) =>
    tag !== undefined && Object.hasOwn(definition.retry, tag) ? definition.retry[tag] : undefined

  const failed = (grant: Grant, error: unknown): Settlement | Fiber.Fiber<Settlement> => {
    if (error instanceof Undecodable) {
      return { _tag: "DeadLetter", cause: { kind: "undecodable", message: error.message } }
    }
    const described = describe(error)
    const schedule = policyOf(described.tag) ?? defaultRetry
    return fork(retryOr(schedule, grant, error, "failure", described))
  }

  return {
    name: definition.tag,
    version: definition.version,
    queue: definition.queue,
    leaseDuration: definition.leaseDuration,
    timeout: definition.timeout,
    needs: definition.needs,
    start: (run) => {
      const payload = definition.payload.decode(run.grant.payload)
      if (payload instanceof Refused) {
        const message = cut(`the payload does not fit the schema of ${definition.tag}: ${payload.issue}`)
        return Exit.fail(new Undecodable(message))
      }
      let effect: Effect.Effect<S, E, R>
      try {
        effect = handler(payload, new LiveJobContext(run, encode))
      } catch (defect) {
        return Exit.die(defect)
      }
      if (span !== undefined) return fork(span(run.grant, Effect.scoped(effect)))
      // a handler that has its answer at once needs neither a fiber nor a scope
      return Exit.isExit(effect) ? effect : fork(Effect.scoped(effect))
    },
    conclude: (run, exit) => {
      // the exit is that of what `start` made: its success is the handler's
      if (Exit.isSuccess(exit)) return completed(run.followUps, exit.value as S)
      const error = Cause.findErrorOption(exit.cause)
      return error._tag === "Some" ? failed(run.grant, error.value) : undefined
    },
    onFailure: (grant: Grant, report: FailureReport) =>
      fork(retryOr(defaultRetry, grant, report, report.kind, { tag: undefined, message: cut(report.message) }))
  }
}

const completedEmpty: Settlement = { _tag: "Complete" }
