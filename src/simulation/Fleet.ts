/**
 * A whole fleet in one thread: the real schedulers on several machines, the real file log with its codec and recovery on
 * a simulated disk, a network between them, and producers that send again what they have no answer to. Faults strike,
 * then everything heals, and then all that was accepted has to be done within a bound.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { run } from "./kernel/Simulation.ts"
import * as Generator from "./kernel/Generator.ts"
import { FleetRun } from "./FleetRun.ts"
import { draw, type FleetConfig } from "./Swarm.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface FleetOptions {
  readonly seed: number
  /** Instead of what the seed draws. */
  readonly config?: Partial<FleetConfig> | undefined
  /** Lines of the trace to keep; default 0. */
  readonly keepLines?: number | undefined
  /** Steps after which the run counts as one that never ends; default 2,000,000. */
  readonly maxSteps?: number | undefined
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface FleetResult {
  readonly seed: number
  readonly config: FleetConfig
  /** Each begins with the name of the law that is broken. */
  readonly violations: ReadonlyArray<string>
  /** Equal for runs that took the same steps. */
  readonly hash: string
  readonly counters: Readonly<Record<string, number>>
  readonly lines: ReadonlyArray<string>
  /** Virtual milliseconds. */
  readonly elapsed: number
  readonly steps: number
  /** Steps that the first process of the log took while faults struck, and those of the schedulers beside it. */
  readonly nodeSteps: ReadonlyArray<number>
}

/**
 * Runs the fleet of a seed to its end, synchronously.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const runFleet = (options: FleetOptions): FleetResult => {
  const config: FleetConfig = { ...draw(Generator.make(options.seed).split("swarm")), ...options.config }
  let fleet: FleetRun | undefined
  const result = run(
    (simulation) =>
      Effect.flatMap(Effect.context<never>(), (context) => {
        fleet = new FleetRun(simulation, context, config)
        return fleet.play
      }),
    {
      seed: options.seed,
      preempt: config.preempt,
      keepLines: options.keepLines,
      maxSteps: options.maxSteps ?? 2_000_000
    }
  )
  const { ending } = result
  const broken =
    ending._tag !== "Finished"
      ? [`${ending._tag === "Ambient" ? "ambient" : "noEnd"}: ${ending.message}`]
      : Exit.isFailure(ending.exit)
        ? [`defect: ${Cause.pretty(ending.exit.cause)}`]
        : []
  // a run that did not come to its judgement shows what was seen until then
  const seen = broken.length === 0 ? fleet?.violations : fleet?.history.violations
  return {
    seed: options.seed,
    config,
    violations: [...(seen ?? []), ...broken],
    hash: result.hash,
    counters: fleet?.cluster.tally() ?? {},
    lines: result.lines,
    elapsed: result.elapsed,
    steps: result.steps,
    nodeSteps: fleet?.steps ?? []
  }
}
