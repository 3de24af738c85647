/**
 * A service under simulation: its own handlers, its own clients, and what must hold.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Disk } from "../backends/file/journal/Disk.ts"
import { JobLog, type JobLogOperations } from "../log/JobLog.ts"
import type { LogError } from "../log/LogError.ts"
import * as JobQueue from "../scheduler/JobQueue.ts"
import { Cluster } from "./Cluster.ts"
import { arm, type Fault, faults } from "./Fault.ts"
import * as Generator from "./kernel/Generator.ts"
import { type Result, run, type Simulation } from "./kernel/Simulation.ts"
import { narrated } from "./Narration.ts"
import { Nemesis } from "./Nemesis.ts"
import { assertOptions } from "./Options.ts"

/**
 * What is simulated. `W` is the world outside of the service: databases, banks, mail. It is made once per seed, survives
 * every crash, and handlers and clients act upon it in plain code and with Effect's `sleep`.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Scenario<W> {
  readonly name: string
  readonly world: () => W
  /** What each node runs, usually `JobScheduler.layerWith(...)` over layers of handlers. */
  readonly node: (world: W) => Layer.Layer<never, unknown, JobLog>
  /** What a client does, on a machine of its own that never crashes. If it fails, the seed fails. */
  readonly workload: (world: W) => Effect.Effect<void, unknown, JobLog | JobQueue.JobQueue>
  /** What is wrong with the world in the end, when everything has healed and every job is done. */
  readonly invariant: (world: W) => ReadonlyArray<string>
  /** What is wrong at any moment; looked at ten times a second. */
  readonly always?: ((world: W) => ReadonlyArray<string>) | undefined
  /**
   * Opens the log, each time its process starts; default the file log. What must survive a crash lies on the disk or in
   * the world.
   */
  readonly log?: ((world: W, disk: Disk) => Effect.Effect<JobLogOperations, LogError, Scope.Scope>) | undefined
}

/**
 * How one seed is run.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface RunOptions {
  /** Machines that run what `node` says; default 3. */
  readonly nodes?: number | undefined
  /** What may go wrong; each seed arms about half of it. Default `"all"`. */
  readonly faults?: ReadonlyArray<Fault> | "all" | "none" | undefined
  /** Virtual milliseconds for which faults strike; default 60,000. */
  readonly duration?: number | undefined
  /** Longest pause of a machine, milliseconds; default 60,000. Let it be longer than the leases. */
  readonly longestPause?: number | undefined
  /** Milliseconds after the last fault within which every job must be done; default 3,600,000. */
  readonly settleWithin?: number | undefined
  /** Steps after which a run counts as one that never ends; default 5,000,000. */
  readonly maxSteps?: number | undefined
}

/**
 * What became of one seed.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface SeedResult {
  readonly seed: number
  /** Empty if nothing is wrong. */
  readonly violations: ReadonlyArray<string>
  /** Where something ambient was used, if that is the violation. */
  readonly stack: string | undefined
  /** Faults that the seed armed. */
  readonly armed: ReadonlyArray<Fault>
  /** Equal for runs that took the same steps. */
  readonly hash: string
  readonly counters: Readonly<Record<string, number>>
  /** The end of the trace, as far as it was kept. */
  readonly lines: ReadonlyArray<string>
  /** Virtual milliseconds. */
  readonly elapsed: number
  readonly steps: number
}

/**
 * Every fault that options allow.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const allowed = (options: RunOptions): ReadonlyArray<Fault> =>
  options.faults === undefined || options.faults === "all" ? faults : options.faults === "none" ? [] : options.faults

/** A world that is watched while the cluster lives. */
class Play<W> {
  readonly violations: Array<string> = []
  readonly cluster: Cluster
  readonly #scenario: Scenario<W>
  readonly #world: W
  readonly #options: RunOptions

  constructor(
    simulation: Simulation,
    context: Context.Context<never>,
    scenario: Scenario<W>,
    config: Cluster["config"],
    options: RunOptions
  ) {
    const world = scenario.world()
    this.#world = world
    this.#scenario = scenario
    this.#options = options
    const { log } = scenario
    this.cluster = new Cluster(simulation, context, config, {
      openLog: log === undefined ? undefined : (disk) => log(world, disk),
      opened: (opened) => narrated(opened, (line) => simulation.note(line)),
      openFailed: () => {},
      layer: () => scenario.node(world),
      connected: (connected) => connected,
      processGone: () => {},
      clockStepped: () => {},
      shutDown: () => {},
      states: () => []
    })
  }

  #found(violations: ReadonlyArray<string>): void {
    for (const violation of violations) {
      if (this.violations.includes(violation)) continue
      this.violations.push(violation)
      this.cluster.simulation.note(`VIOLATION ${violation}`)
    }
  }

  #ask(name: string, question: (world: W) => ReadonlyArray<string>): void {
    try {
      this.#found(question(this.#world))
    } catch (thrown) {
      this.#found([`${name} threw ${String(thrown)}`])
    }
  }

  #client(): () => boolean {
    const { cluster } = this
    const machine = cluster.machine("client")
    const log = cluster.network.client(machine.name, machine.boot())
    const services = Context.make(JobLog, log).pipe(Context.add(JobQueue.JobQueue, JobQueue.make(log)))
    let done = false
    const workload = Effect.suspend(() => this.#scenario.workload(this.#world))
    machine.start(Effect.provideContext(workload, services), (exit) => {
      done = true
      if (Exit.isFailure(exit)) this.#found([`the workload failed: ${Cause.pretty(exit.cause)}`])
    })
    return () => done
  }

  get play(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { always, invariant } = this.#scenario
      const { cluster } = this
      yield* cluster.start()
      const isDone = this.#client()
      const nemesis = new Nemesis(cluster)
      const course = Effect.gen({ self: this }, function* () {
        yield* nemesis.rage
        yield* nemesis.heal
        yield* this.#settle(isDone)
      })
      const watching =
        always === undefined
          ? Effect.never
          : Effect.gen({ self: this }, function* () {
              // what is wrong once ends the run, so that the trace ends with it
              while (this.violations.length === 0) {
                yield* Effect.sleep(100)
                this.#ask("always", always)
              }
            })
      yield* Effect.raceFirst(course, watching)
      if (this.violations.length === 0) this.#ask("the invariant", invariant)
    })
  }

  #settle(isDone: () => boolean): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { cluster } = this
      const within = this.#options.settleWithin ?? 3_600_000
      const until = cluster.simulation.now() + within
      const late = (why: string): void => {
        const faulty = [cluster.host.failure, ...cluster.workers.map(({ failure }) => failure)]
        const also = [why, ...faulty.filter((failure) => failure !== undefined)]
        this.#found([`not everything is done ${within} ms after the last fault: ${also.join("; ")}`])
      }
      for (let pause = 100; ; pause = Math.min(5_000, pause * 2)) {
        const counts = isDone() ? yield* cluster.ask((log) => log.read({ _tag: "Counts" })) : undefined
        const left = counts?._tag === "Counts" ? counts.queues.filter((of) => of.scheduled + of.ready + of.leased) : []
        if (counts?._tag === "Counts" && left.length === 0) return
        if (cluster.simulation.now() >= until) {
          const held = left.map((of) => `${of.queue} has ${of.scheduled + of.ready} waiting and ${of.leased} held`)
          return late(!isDone() ? "the workload has no end" : counts === undefined ? "no log answers" : held.join())
        }
        yield* Effect.sleep(pause)
      }
    })
  }
}

const endingOf = (result: Result<void, never>): ReadonlyArray<string> => {
  const { ending } = result
  if (ending._tag !== "Finished") return [ending.message]
  return Exit.isFailure(ending.exit) ? [`the simulation died: ${Cause.pretty(ending.exit.cause)}`] : []
}

/**
 * Runs one seed, synchronously. `keepLines` is how much of the end of the trace to keep.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const runSeed = <W>(
  scenario: Scenario<W>,
  seed: number,
  options: RunOptions = {},
  keepLines: number = 0
): SeedResult => {
  assertOptions({ ...options, seed, keepLines })
  const armed = arm(Generator.make(seed).split("faults"), allowed(options))
  const config = {
    ...armed.config,
    nodes: options.nodes ?? 3,
    duration: options.duration ?? 60_000,
    longestPause: options.longestPause ?? 60_000
  }
  let play: Play<W> | undefined
  const result = run(
    (simulation) =>
      Effect.flatMap(Effect.context<never>(), (context) => {
        play = new Play(simulation, context, scenario, config, options)
        return play.play
      }),
    { seed, preempt: armed.preempt, keepLines, maxSteps: options.maxSteps }
  )
  return {
    seed,
    violations: [...(play?.violations ?? []), ...endingOf(result)],
    stack: result.ending._tag === "Ambient" ? result.ending.stack : undefined,
    armed: armed.faults,
    hash: result.hash,
    counters: play?.cluster.tally() ?? {},
    lines: result.lines,
    elapsed: result.elapsed,
    steps: result.steps
  }
}
