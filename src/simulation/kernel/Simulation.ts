/**
 * Runs Effect programs under a seed: one thread, virtual time, every scheduling decision drawn from a generator. The
 * same seed takes the same steps, on every machine and every version of Node.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import * as References from "effect/References"
import * as Generator from "./Generator.ts"
import { sealed } from "./Sealed.ts"
import { type Order, SeededScheduler } from "./SeededScheduler.ts"
import { type ClockError, SimulatedNode } from "./SimulatedNode.ts"
import { Timeline } from "./Timeline.ts"
import * as Trace from "./Trace.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Options {
  /** A whole number, 0 to 2^53 - 1. */
  readonly seed: number
  /** Probability that a fiber gives way between two operations where it need not; default 0. */
  readonly preempt?: number | undefined
  /** Order of ready tasks; default `random`. */
  readonly order?: Order | undefined
  /** Steps after which the run counts as one that never ends; default 5,000,000. */
  readonly maxSteps?: number | undefined
  /** Lines of the trace to keep; default 0. The hash covers all of them. */
  readonly keepLines?: number | undefined
}

/**
 * How a run ended: `Finished` by itself; `Deadlock` when nothing was ready and nothing waited for time, so that the
 * program waits for what can never come, or for something outside of the simulation; `StepLimit`; or `Ambient` when
 * it used a clock, a timer, chance or a promise from outside.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Ending<A, E> =
  | { readonly _tag: "Finished"; readonly exit: Exit.Exit<A, E> }
  | { readonly _tag: "Deadlock"; readonly message: string }
  | { readonly _tag: "StepLimit"; readonly message: string }
  | { readonly _tag: "Ambient"; readonly message: string; readonly stack: string }

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Result<A, E> {
  readonly ending: Ending<A, E>
  /** Tasks that ran. */
  readonly steps: number
  readonly preemptions: number
  /** Virtual milliseconds from beginning to end. */
  readonly elapsed: number
  /** Equal for runs that took the same steps. */
  readonly hash: string
  readonly lines: ReadonlyArray<string>
}

/**
 * What a program inside of a simulation can ask and do beyond Effect's own services.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Simulation {
  readonly seed: number
  readonly generator: Generator.Generator
  readonly timeline = new Timeline()
  readonly trace: Trace.Trace
  readonly scheduler: SeededScheduler
  /** Where the program itself runs; it never fails. */
  readonly world: SimulatedNode

  constructor(options: Options) {
    this.seed = options.seed
    this.generator = Generator.make(options.seed)
    this.trace = Trace.make(options.keepLines ?? 0)
    this.scheduler = new SeededScheduler({
      generator: this.generator,
      preempt: options.preempt ?? 0,
      order: options.order ?? "random",
      trace: this.trace
    })
    this.world = new SimulatedNode("world", this.scheduler, this.timeline)
  }

  /** A new node, with clocks that may be wrong. */
  node(name: string, error?: ClockError): SimulatedNode {
    return new SimulatedNode(name, this.scheduler, this.timeline, error)
  }

  /** Virtual milliseconds since the beginning. */
  now(): number {
    return this.timeline.now / 1000
  }

  /** Adds a line to the trace. */
  note(line: string): void {
    this.trace.note(this.timeline.now, line)
  }
}

const randomOf = (generator: Generator.Generator): (typeof Random.Random)["Service"] => {
  const stream = generator.split("Random")
  const nextDoubleUnsafe = (): number =>
    (Math.floor(stream.next() * 0x20_0000) * 0x1_0000_0000 + stream.next() * 0x1_0000_0000) / 0x20_0000_0000_0000
  return {
    nextDoubleUnsafe,
    nextIntUnsafe: () => {
      const { MAX_SAFE_INTEGER: max, MIN_SAFE_INTEGER: min } = Number
      return Math.floor(nextDoubleUnsafe() * (max - min + 1)) + min
    }
  }
}

/** All that Effect would otherwise take from outside, or share between runs. */
const contextOf = (simulation: Simulation): Context.Context<never> => {
  const logger = Logger.make(({ cause, logLevel, message }) => {
    const said = Array.isArray(message) ? message.map(String).join(" ") : String(message)
    const why = cause.reasons.length === 0 ? "" : ` (${String(Cause.squash(cause))})`
    simulation.note(`${logLevel}: ${said}${why}`)
  })
  const base: Context.Context<never> = Context.empty().pipe(
    Context.add(Random.Random, randomOf(simulation.generator)),
    Context.add(Metric.MetricRegistry, new Map()),
    Context.add(Logger.CurrentLoggers, new Set([logger])),
    // the ids of spans come from Math.random
    Context.add(References.TracerEnabled, false)
  )
  return simulation.world.context(base)
}

const deadlock =
  "nothing is ready and nothing waits for a time: a deadlock, or a fiber waits for something outside of the simulation"

/**
 * Runs a program to its end, synchronously.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const run = <A, E>(program: (simulation: Simulation) => Effect.Effect<A, E>, options: Options): Result<A, E> => {
  const simulation = new Simulation(options)
  const { scheduler, timeline, trace } = simulation
  const maxSteps = options.maxSteps ?? 5_000_000
  let ambient: { readonly message: string; readonly stack: string } | undefined
  const drive = (): Ending<A, E> => {
    const fiber = Effect.runForkWith(contextOf(simulation))(Effect.suspend(() => program(simulation)))
    while (true) {
      const exit = fiber.pollUnsafe()
      if (ambient !== undefined) return { _tag: "Ambient", ...ambient }
      if (exit !== undefined) return { _tag: "Finished", exit }
      if (scheduler.steps >= maxSteps) return { _tag: "StepLimit", message: `no end after ${maxSteps} steps` }
      if (scheduler.step()) continue
      if (!timeline.advance((task) => scheduler.schedule(task))) return { _tag: "Deadlock", message: deadlock }
      trace.mix(timeline.now)
    }
  }
  const ending = sealed((what, stack) => {
    ambient ??= { message: `${what} was used inside of the simulation`, stack }
  }, drive)
  return {
    ending,
    steps: scheduler.steps,
    preemptions: scheduler.preemptions,
    elapsed: simulation.now(),
    hash: trace.hash(),
    lines: trace.lines()
  }
}
