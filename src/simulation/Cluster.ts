/**
 * The machines of a simulated fleet: one that has the log, some that run schedulers, the network between them and the
 * disk below. What the schedulers run, and what must hold, is the business of whoever makes the cluster.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as FileLog from "../backends/file/FileLog.ts"
import type { Disk } from "../backends/file/journal/Disk.ts"
import type { JobLog, JobLogOperations } from "../log/JobLog.ts"
import type { LogError } from "../log/LogError.ts"
import { Counters } from "./Counters.ts"
import type { Chances } from "./disk/DiskFault.ts"
import { SimulatedDisk } from "./disk/SimulatedDisk.ts"
import type { Generator } from "./kernel/Generator.ts"
import type { SimulatedNode } from "./kernel/SimulatedNode.ts"
import type { Simulation } from "./kernel/Simulation.ts"
import { LogHost } from "./LogHost.ts"
import { Machine } from "./Machine.ts"
import { Network, type NetworkWeather } from "./Network.ts"
import { Rot } from "./Rot.ts"
import type { Strike } from "./Strike.ts"
import { Worker } from "./Worker.ts"

/**
 * What a cluster is and what happens to it. All times are milliseconds.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ClusterConfig {
  /** Machines that run schedulers. */
  readonly nodes: number
  /** The first scheduler runs in the process that has the log. */
  readonly embedded: boolean
  readonly segmentBytes: number
  /** How long faults strike. */
  readonly duration: number
  /** Mean time between two strikes. */
  readonly strikeEvery: number
  readonly strikes: ReadonlyArray<Strike>
  /** Longest pause of a machine. */
  readonly longestPause: number
  readonly weather: NetworkWeather
  readonly disk: Chances
  /** Greatest difference of a machine's wall clock from the true time, and of its rate from 1. */
  readonly skew: number
  readonly drift: number
}

/** Where the file log lives. */
const directory = "/log"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ClusterHooks {
  /** Opens the log in a new process; the file log on the cluster's disk where it is left out. */
  readonly openLog?: ((disk: Disk) => Effect.Effect<JobLogOperations, LogError, Scope.Scope>) | undefined
  /** Called with the log of each of its processes; answers what everybody uses. */
  readonly opened: (log: JobLogOperations) => JobLogOperations
  readonly openFailed: (error: LogError | undefined, message: string) => void
  /** What a process of a scheduler runs. */
  readonly layer: (node: SimulatedNode) => Layer.Layer<never, unknown, JobLog>
  /** What a scheduler's process sees as its log. */
  readonly connected: (log: JobLogOperations, node: SimulatedNode) => JobLogOperations
  /** A process is gone without a farewell. */
  readonly processGone: (node: SimulatedNode) => void
  /** A process of a scheduler ended in order, after so many milliseconds. */
  readonly shutDown: (node: SimulatedNode, millis: number) => void
  readonly clockStepped: (node: SimulatedNode) => void
  /** States of jobs that a strike meets now, for the counters. */
  readonly states: () => Iterable<string>
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Cluster {
  readonly config: ClusterConfig
  readonly hooks: ClusterHooks
  readonly simulation: Simulation
  readonly context: Context.Context<never>
  readonly counters = new Counters()
  readonly generator: Generator
  readonly disk = new SimulatedDisk()
  readonly rot: Rot
  readonly host: LogHost
  readonly network: Network
  readonly workers: ReadonlyArray<Worker>

  constructor(simulation: Simulation, context: Context.Context<never>, config: ClusterConfig, hooks: ClusterHooks) {
    this.config = config
    this.hooks = hooks
    this.simulation = simulation
    this.context = context
    this.generator = simulation.generator.split("cluster")
    this.rot = new Rot(this.disk, directory, this.generator.split("rot"), this.counters)
    // it costs copies of pages
    this.disk.keepsHistory = config.strikes.includes("bitRot")
    const openLog = hooks.openLog ?? ((disk: Disk) => this.#openFileLog(disk))
    this.host = new LogHost({
      machine: this.machine("log"),
      open: Effect.suspend(() => {
        this.rot.opening()
        return openLog(this.disk.disk)
      }),
      opened: (log) => this.#opened(log),
      openFailed: (error, message) => {
        this.counters.add("log/openFailed")
        this.rot.refused(error)
        simulation.note(`the log does not open: ${message}`)
        hooks.openFailed(error, message)
      }
    })
    this.network = new Network(simulation, context, this.host, this.counters)
    this.disk.inFlight = () => this.network.inFlight > 0
    this.workers = Array.from({ length: config.nodes }, (_, index) => this.#worker(index))
  }

  #openFileLog(disk: Disk) {
    const { segmentBytes } = this.config
    return FileLog.make({ directory, disk, segmentBytes, diskReserve: 4 * segmentBytes })
  }

  #opened(log: JobLogOperations): JobLogOperations {
    this.counters.add("log/opened")
    this.rot.opened()
    this.simulation.note("the log is open")
    this.workers.find((worker) => this.isEmbedded(worker))?.join(this.host.node)
    return this.hooks.opened(log)
  }

  #worker(index: number): Worker {
    const embedded = this.config.embedded && index === 0
    const machine = embedded ? this.host.machine : this.machine(`node${index}`)
    return new Worker({
      machine,
      connect: (node) => {
        const log = embedded ? this.host.log : this.network.client(machine.name, node)
        return log === undefined ? undefined : this.hooks.connected(log, node)
      },
      layer: (node) => this.hooks.layer(node),
      startFailed: (message) => this.simulation.note(message)
    })
  }

  /** A new machine, with clocks that are wrong as far as the configuration says. */
  machine(name: string): Machine {
    const { drift, skew } = this.config
    const draw = this.generator.split(`clock of ${name}`)
    return new Machine(this.simulation, this.context, name, {
      skew: Math.round((draw.next() * 2 - 1) * skew),
      rate: 1 + (draw.next() * 2 - 1) * drift
    })
  }

  /** Whether this scheduler lives in the process of the log. */
  isEmbedded(worker: Worker): boolean {
    return worker.machine === this.host.machine
  }

  /**
   * Opens the log for the first time and starts the schedulers; the weather begins when they are on their way.
   * `booted` is called with each first process before its first step.
   */
  start(booted: (node: SimulatedNode) => void = () => {}): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      this.host.boot()
      booted(this.host.node)
      for (let tries = 0; this.host.log === undefined && tries < 1_000; tries++) yield* Effect.sleep(1)
      for (const worker of this.workers) {
        if (this.isEmbedded(worker)) continue
        worker.boot()
        booted(worker.machine.node)
      }
      this.network.weather = this.config.weather
      const random = this.generator.split("disk")
      this.disk.behave(random.next, this.config.disk)
    })
  }

  /** Everything that was counted, with what the disk counted by itself. */
  tally(): Readonly<Record<string, number>> {
    const all = new Map(Object.entries(this.counters.toRecord()))
    for (const [kind, { fired, inFlight }] of Object.entries(this.disk.faults)) {
      all.set(`fault/disk/${kind}`, fired)
      all.set(`inFlight/disk/${kind}`, inFlight)
    }
    return Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** Asks the log inside of its own process, past the network. Undefined when that process went away or it failed. */
  ask<A>(question: (log: JobLogOperations) => Effect.Effect<A, LogError>): Effect.Effect<A | undefined> {
    return Effect.gen({ self: this }, function* () {
      const answer: { exit: Exit.Exit<A, LogError> | undefined } = { exit: undefined }
      this.host.ask(question, (exit) => {
        answer.exit = exit
      })
      for (let tries = 0; answer.exit === undefined && tries < 1_000; tries++) yield* Effect.sleep(tries < 10 ? 1 : 50)
      return answer.exit !== undefined && Exit.isSuccess(answer.exit) ? answer.exit.value : undefined
    })
  }

  /** The process of the log ends; without power, what was not synced is lost as chance has it. */
  loseLog(keep: ((disk: SimulatedDisk) => void) | undefined): void {
    const { node } = this.host
    this.host.crash()
    for (const worker of this.workers) if (this.isEmbedded(worker)) worker.crash()
    this.hooks.processGone(node)
    this.network.serverGone(node)
    if (keep === undefined) this.disk.kill()
    else keep(this.disk)
  }

  /** The process of a scheduler ends, if it is not that of the log. */
  loseWorker(worker: Worker): void {
    const { node } = worker.machine
    worker.crash()
    this.hooks.processGone(node)
    this.network.callerGone(node)
  }
}
