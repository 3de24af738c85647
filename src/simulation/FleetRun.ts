/**
 * One run of a fleet, from the first opening of the log to the judgement.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as FileLog from "../backends/file/FileLog.ts"
import type { EnqueueItem, JobLogOperations, JobView, ReadAnswer } from "../log/JobLog.ts"
import type { LogError } from "../log/LogError.ts"
import { JobScheduler, SchedulerTelemetry } from "../scheduler/JobScheduler.ts"
import { silent } from "../actors/Telemetry.ts"
import { Counters } from "./Counters.ts"
import { SimulatedDisk } from "./disk/SimulatedDisk.ts"
import { FleetHistory } from "./FleetHistory.ts"
import { handlers, makeJobs, probe, queues } from "./FleetJobs.ts"
import { judge } from "./FleetLaws.ts"
import type { Generator } from "./kernel/Generator.ts"
import type { SimulatedNode } from "./kernel/SimulatedNode.ts"
import type { Simulation } from "./kernel/Simulation.ts"
import { LogHost } from "./LogHost.ts"
import { Machine } from "./Machine.ts"
import { Nemesis } from "./Nemesis.ts"
import { fairWeather, Network } from "./Network.ts"
import { produce } from "./Producer.ts"
import type { FleetConfig } from "./Swarm.ts"
import { Worker } from "./Worker.ts"

/** After the last fault all that was accepted must be done within this, milliseconds. */
const drainBound = 300_000

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class FleetRun {
  readonly config: FleetConfig
  readonly simulation: Simulation
  readonly context: Context.Context<never>
  readonly counters = new Counters()
  readonly history: FleetHistory
  readonly generator: Generator
  readonly host: LogHost
  readonly network: Network
  readonly workers: Array<Worker>
  disk = new SimulatedDisk()
  violations: ReadonlyArray<string> = []

  constructor(simulation: Simulation, context: Context.Context<never>, config: FleetConfig) {
    this.config = config
    this.simulation = simulation
    this.context = context
    this.generator = simulation.generator.split("fleet")
    this.history = new FleetHistory((line) => simulation.note(line))
    this.host = new LogHost({
      machine: this.machine("log"),
      open: Effect.suspend(() =>
        FileLog.make({
          directory: "/log",
          disk: this.disk.disk,
          segmentBytes: config.segmentBytes,
          diskReserve: 4 * config.segmentBytes
        })
      ),
      opened: (log) => this.#opened(log),
      openFailed: (error, message) => this.#openFailed(error, message)
    })
    this.network = new Network(simulation, context, this.host, this.counters)
    this.workers = Array.from({ length: config.nodes }, (_, index) => this.#worker(index))
  }

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

  #opened(log: JobLogOperations): JobLogOperations {
    this.simulation.note("the log is open")
    this.counters.add("opened")
    const watched = this.history.watch(log)
    const embedded = this.workers.find((worker) => this.isEmbedded(worker))
    embedded?.join(this.host.node)
    return watched
  }

  #openFailed(error: LogError | undefined, message: string): void {
    this.counters.add("openFailed")
    this.simulation.note(`the log does not open: ${message}`)
    const tag = error?.reason._tag
    // nothing here damages what was synced
    if (error === undefined || tag === "Corrupt" || tag === "UnsupportedFormat" || tag === "ClockAhead") {
      this.history.violate("recoveryIsLegalPrefix", `the log does not open: ${message}`)
    }
  }

  #worker(index: number): Worker {
    const embedded = this.config.embedded && index === 0
    const machine = embedded ? this.host.machine : this.machine(`node${index}`)
    return new Worker({
      machine,
      context: this.context,
      connect: (node) => (embedded ? this.host.log : this.network.client(machine.name, node)),
      layer: (node) => this.#layer(node),
      startFailed: (message) => this.simulation.note(`${machine.name} does not start: ${message}`)
    })
  }

  #layer(node: SimulatedNode) {
    const { concurrency, leaseDuration, maxPrefetch } = this.config
    const { counters, history } = this
    const telemetry = {
      ...silent,
      leaseLost: (_queue: string, lost: ReadonlyArray<unknown>) => counters.add("leaseLost", lost.length),
      abandoned: () => counters.add("abandoned"),
      stalled: () => counters.add("stalled")
    }
    return JobScheduler.layerWith({
      concurrency,
      leaseDuration,
      maxPrefetch,
      drainGrace: 2_000,
      abandonAfter: 1_000,
      reclaimInterval: 1_000,
      owner: node.name
    }).pipe(
      Layer.provide(
        handlers({
          history,
          node: node.name,
          started: (run) => {
            counters.add("runs")
            if (history.runs.has(run.token)) history.violate("leaseVisible", `token ${run.token} started two runs`)
            if (history.grants.get(run.token)?.grant.id !== run.id) {
              history.violate("leaseVisible", `a run of ${run.id} has token ${run.token}`)
            }
            history.runs.set(run.token, run)
          },
          moved: () => {},
          ended: (run) => {
            run.ended = true
          }
        })
      ),
      Layer.provide(Layer.succeed(SchedulerTelemetry, telemetry))
    )
  }

  /** Asks the log past the network; undefined when its process went away. */
  ask<A>(question: (log: JobLogOperations) => Effect.Effect<A, LogError>): Effect.Effect<A | undefined> {
    return Effect.gen({ self: this }, function* () {
      let found: A | undefined
      let answered = false
      this.host.ask(question, (exit) => {
        answered = true
        if (Exit.isSuccess(exit)) found = exit.value
      })
      for (let tries = 0; !answered && tries < 100; tries++) yield* Effect.sleep(10)
      return found
    })
  }

  /** All jobs as the log shows them. */
  get views(): Effect.Effect<ReadonlyMap<string, JobView> | undefined> {
    return Effect.gen({ self: this }, function* () {
      const views = new Map<string, JobView>()
      let after: string | undefined
      do {
        const answer: ReadAnswer | undefined = yield* this.ask((log) => log.read({ _tag: "Jobs", limit: 200, after }))
        if (answer === undefined || answer._tag !== "Jobs") return undefined
        for (const job of answer.jobs) views.set(job.id, job)
        after = answer.next
      } while (after !== undefined)
      return views
    })
  }

  /** The run. */
  get play(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { config, host, network, simulation } = this
      host.boot()
      for (let tries = 0; host.log === undefined && tries < 1_000; tries++) yield* Effect.sleep(1)
      for (const worker of this.workers) if (!this.isEmbedded(worker)) worker.boot()
      network.weather = config.weather
      const jobs = makeJobs(this.generator.split("jobs"), config.mix)
      const done = Array.from({ length: config.producers }, (_, index) => produce(this, index, jobs))
      const nemesis = new Nemesis(this)
      yield* nemesis.rage
      simulation.note("healing")
      yield* nemesis.heal
      for (let waited = 0; !done.every((each) => each()); waited += 100) {
        if (waited > drainBound) {
          this.history.violate("wakeBound", "a producer has no answer long after the last fault")
          break
        }
        yield* Effect.sleep(100)
      }
      yield* this.#drain("jobs that were accepted are not done")
      yield* this.#probe
      this.violations = judge(this.history, (yield* this.views) ?? new Map())
    })
  }

  #drain(complaint: string): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const until = this.simulation.now() + drainBound
      for (;;) {
        const answer = yield* this.ask((log) => log.read({ _tag: "Counts" }))
        if (
          answer?._tag === "Counts" &&
          answer.queues.every((queue) => queue.scheduled + queue.ready + queue.leased === 0)
        )
          return
        if (this.simulation.now() > until) return this.history.violate("eventuallyClaimed", complaint)
        yield* Effect.sleep(250)
      }
    })
  }

  /** Every scheduler claims again: there is more to do than all but one of them can. */
  get #probe(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { concurrency, leaseDuration } = this.config
      // what was lost before the end of the faults is asked for again
      yield* Effect.sleep(2 * leaseDuration + 10_000)
      const count = 2 * concurrency * this.workers.length
      const items: Array<EnqueueItem> = queues.flatMap((queue, at) =>
        Array.from({ length: count }, (_, index) => probe(queue, at * count + index, 500))
      )
      this.history.attempt(items)
      const before = this.history.at
      const answers = yield* this.ask((log) => log.enqueue(items))
      for (const [index, answer] of (answers ?? []).entries()) {
        const job = this.history.jobs.get(items[index]!.id)
        if (job === undefined) continue
        job.maybe++
        if (answer._tag === "Inserted") job.acknowledged = true
      }
      yield* this.#drain("the probes after the last fault are not done")
      const active = new Set(
        [...this.history.runs.values()].filter(({ startedAt }) => startedAt >= before).map(({ node }) => node)
      )
      for (const worker of this.workers) {
        const { name } = worker.machine.node
        if (!active.has(name)) this.history.violate("noSilentWorker", `${name} claims nothing after the last fault`)
      }
    })
  }

  /** The network is clear again. */
  clear(): void {
    this.network.weather = fairWeather
    this.network.partitions.clear()
  }
}
