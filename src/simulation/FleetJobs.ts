/**
 * The jobs of a simulated fleet: each carries a script that says what its handler does at each delivery.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { EnqueueItem } from "../log/JobLog.ts"
import * as Job from "../scheduler/Job.ts"
import type { JobContext } from "../scheduler/Job.ts"
import type { FleetHistory, RunRecord } from "./FleetHistory.ts"
import type { Generator } from "./kernel/Generator.ts"

/**
 * What a handler can do: end well, end with a follow-up, fail with an error that is tried again or one that is not, die,
 * throw before it has begun, never return, ignore its interruption for a while, or report progress.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export const acts = ["succeed", "follow", "fail", "refuse", "die", "throw", "hang", "stubborn", "progress"] as const

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Act = (typeof acts)[number]

const Step = Schema.Struct({ act: Schema.Literals(acts), millis: Schema.Int })

class Again extends Schema.TaggedError<Again>()("Again", { why: Schema.String }) {}
class Never extends Schema.TaggedError<Never>()("Never", { why: Schema.String }) {}

const shared = {
  payload: { steps: Schema.Array(Step), text: Schema.String },
  success: Schema.String,
  error: Schema.Union([Again, Never]),
  retry: { Again: Schedule.spaced("400 millis"), Never: "never" as const }
}

class Plain extends Job.make("plain", { ...shared, queue: "plain" }) {}

/** Asks for a lease of its own, so that a scheduler has two sessions. */
const groupedWith = (leaseDuration: number | undefined) =>
  Job.make("grouped", { ...shared, queue: "grouped", leaseDuration })

/**
 * Queues of the fleet.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const queues = ["plain", "grouped"] as const

/**
 * How likely a job does what, and how long it takes.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JobMix {
  /** Acts to choose from; each delivery of a job has its own. */
  readonly acts: readonly [Act, ...Array<Act>]
  /** Longest time of a run that ends by itself, milliseconds. */
  readonly longest: number
  /** Of each attempt, milliseconds. */
  readonly timeout: number
  /** Probability that the payload fits no schema. */
  readonly undecodable: number
  readonly grouped: number
  readonly keyed: number
  readonly delayed: number
  readonly deadline: number
  readonly prioritised: number
}

/** Ids are numbered: nothing of a fleet depends on chance that it does not own. */
const idOf = (number: number): string => `00000000-0000-7000-8000-${number.toString(16).padStart(12, "0")}`

const encode = (steps: ReadonlyArray<typeof Step.Type>, text: string): string => JSON.stringify({ steps, text })

/**
 * Whether no handler ever sees the payload.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const isUndecodable = (payload: string): boolean => !payload.startsWith('{"steps":[')

/**
 * Makes jobs. Each of them ends well sooner or later, or is dead after some attempts.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const makeJobs = (generator: Generator, mix: JobMix): { readonly next: (now: number) => EnqueueItem } => {
  let count = 0
  const next = (now: number): EnqueueItem => {
    const number = ++count
    const grouped = generator.chance(mix.grouped)
    const steps = Array.from({ length: generator.between(1, 3) }, () => ({
      act: generator.pick(mix.acts),
      millis: Math.floor(mix.longest * generator.next() ** 3)
    }))
    return {
      id: idOf(number),
      queue: grouped ? "grouped" : "plain",
      name: grouped ? "grouped" : "plain",
      version: 1,
      payload: generator.chance(mix.undecodable) ? `{"steps":${number}}` : encode(steps, `job ${number}`),
      maxAttempts: generator.between(1, 4),
      // a hung run is a matter of its timeout
      timeout: mix.timeout,
      group: grouped ? `g${generator.between(1, 3)}` : undefined,
      key: generator.chance(mix.keyed)
        ? { value: `k${generator.between(1, 5)}`, window: 5_000, onConflict: generator.pick(["keep", "replace"]) }
        : undefined,
      delay: generator.chance(mix.delayed) ? generator.between(1, 20_000) : undefined,
      deadline: generator.chance(mix.deadline) ? now + generator.between(1_000, 30_000) : undefined,
      priority: generator.chance(mix.prioritised) ? generator.between(-3, 3) : undefined
    }
  }
  return { next }
}

/**
 * A job that takes this long and succeeds, for questions that are asked after all faults.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const probe = (queue: (typeof queues)[number], number: number, millis: number, delay?: number): EnqueueItem => ({
  id: idOf(0x1_0000_0000 + number),
  queue,
  name: queue,
  version: 1,
  payload: encode([{ act: "succeed", millis }], "probe"),
  delay
})

/** Handlers look at the time this often, milliseconds, so that a run is seen to go on. */
const tick = 50

interface Payload {
  readonly steps: ReadonlyArray<typeof Step.Type>
  readonly text: string
}

/**
 * What the handlers of one process tell.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Stage {
  readonly history: FleetHistory
  /** Name of the process. */
  readonly node: string
  /** Virtual milliseconds. */
  readonly now: () => number
  readonly started: (run: RunRecord, queue: string) => void
  /** The run did something between two waits, and could have been interrupted. */
  readonly moved: (run: RunRecord) => void
  readonly ended: (run: RunRecord, queue: string) => void
}

const failureOf = (cause: Cause.Cause<Again | Never>): RunRecord["outcome"] => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (error !== undefined) return error._tag === "Again" ? "again" : "never"
  return Cause.hasDies(cause) ? "died" : "interrupted"
}

const perform = (stage: Stage, payload: Payload, context: JobContext): Effect.Effect<string, Again | Never> => {
  const step = payload.steps[Math.min(context.delivery, payload.steps.length) - 1] ?? { act: "succeed", millis: 0 }
  const { history } = stage
  const run: RunRecord = {
    id: context.id,
    token: context.token,
    node: stage.node,
    startedAt: history.at++,
    time: stage.now(),
    ended: false,
    succeeded: false,
    outcome: undefined,
    result: undefined,
    followed: false,
    endedTime: undefined,
    abandoned: false,
    clockSet: false
  }
  stage.started(run, context.queue)
  if (step.act === "throw") {
    run.outcome = "died"
    stage.ended(run, context.queue)
    throw new Error("thrown before it began")
  }
  const work = (millis: number, uninterruptible: boolean): Effect.Effect<void> =>
    Effect.gen(function* () {
      for (let left = millis; left > 0; left -= tick) {
        yield* Effect.sleep(Math.min(left, tick))
        if (!uninterruptible) stage.moved(run)
      }
    })
  const act: Effect.Effect<string, Again | Never> = Effect.gen(function* () {
    switch (step.act) {
      case "hang":
        return yield* Effect.never
      case "stubborn":
        yield* Effect.uninterruptible(work(step.millis, true))
        return "stubborn"
      case "progress":
        yield* context.progress(`${step.millis}`)
        break
      case "follow": {
        const id = `${context.id.slice(0, 8)}-0001-7000-8000-${context.id.slice(24)}`
        const plan = { steps: [{ act: "succeed" as const, millis: 20 }], text: `after ${context.id}` }
        const item = yield* Effect.orDie(Plain.item(plan, { id }))
        history.attempt([item], true)
        yield* Effect.orDie(context.followUp(Plain, plan, { id }))
        run.followed = true
        break
      }
    }
    yield* work(step.millis, false)
    if (step.act === "fail") return yield* new Again({ why: "as its script says" })
    if (step.act === "refuse") return yield* new Never({ why: "as its script says" })
    if (step.act === "die") return yield* Effect.die(new Error("as its script says"))
    return `did ${payload.text}`
  })
  return Effect.onExit(act, (exit) =>
    Effect.sync(() => {
      run.succeeded = Exit.isSuccess(exit)
      run.result = Exit.isSuccess(exit) ? exit.value : undefined
      run.outcome = Exit.isSuccess(exit) ? "succeeded" : failureOf(exit.cause)
      run.endedTime = stage.now()
      stage.ended(run, context.queue)
    })
  )
}

/**
 * The handlers of one process.
 *
 * @since 0.1.0
 * @category layers
 * @stability unstable
 */
export const handlers = (stage: Stage, groupedLease: number | undefined) =>
  Layer.mergeAll(
    Plain.toLayer((payload, context) => perform(stage, payload, context)),
    groupedWith(groupedLease).toLayer((payload, context) => perform(stage, payload, context))
  )
