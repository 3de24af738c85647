/**
 * One run of a fleet, from the first opening of the log to the judgement.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { silent } from "../actors/Telemetry.ts"
import type { EnqueueItem, JobView, QueuePolicy, ReadAnswer } from "../log/JobLog.ts"
import type { LogError } from "../log/LogError.ts"
import { JobScheduler, SchedulerTelemetry } from "../scheduler/JobScheduler.ts"
import { attemptsLeft } from "./AttemptsLeft.ts"
import { Cluster } from "./Cluster.ts"
import { EnqueueWatch } from "./EnqueueWatch.ts"
import { FleetHistory } from "./FleetHistory.ts"
import { handlers, makeJobs, probe, queues } from "./FleetJobs.ts"
import { judge } from "./FleetLaws.ts"
import type { Generator } from "./kernel/Generator.ts"
import type { SimulatedNode } from "./kernel/SimulatedNode.ts"
import type { Simulation } from "./kernel/Simulation.ts"
import { Nemesis } from "./Nemesis.ts"
import { operate } from "./Operator.ts"
import { produce } from "./Producer.ts"
import { RunWatch } from "./RunWatch.ts"
import type { FleetConfig } from "./Swarm.ts"

/** After the last fault all that was accepted must be done within this, milliseconds, and the time that its runs take. */
const drainBound = 300_000

/** An idle fleet starts a job within this, milliseconds; without hints it would be the poll interval. */
const wakeBound = 500

/** What the probes need: room, and records that stay until they are read. */
const boundless: QueuePolicy = { maxBacklog: "unlimited", retainCompleted: 3_600_000, retainCompletedCount: 10_000 }

const drainGrace = 2_000
const abandonAfter = 1_000

/** A scheduler's shutdown: its grace, its interruptions, one flush, and one call per session that nobody answers. */
const shutdownBound = drainGrace + abandonAfter + 1_000 + 10_000 + 2 * 5_000 + 500

const greatest = (times: ReadonlyArray<number>): number => times.reduce((most, time) => Math.max(most, time), 0)

/** The log's time when it last told it to a session, and when the last of all leases runs out. */
const leasesOf = (history: FleetHistory): { readonly now: number; readonly runOutAt: number } => {
  const told = [...history.sessions.values()].flatMap(({ extended }) => extended)
  return { now: greatest(told.map(({ now }) => now)), runOutAt: greatest(told.map(({ expiresAt }) => expiresAt)) }
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class FleetRun {
  readonly config: FleetConfig
  readonly cluster: Cluster
  readonly history: FleetHistory
  readonly generator: Generator
  readonly #watch: RunWatch
  /** First processes of the log and of each scheduler beside it, and how many steps each took before the healing. */
  readonly #first: Array<SimulatedNode> = []
  readonly steps: Array<number> = []
  violations: ReadonlyArray<string> = []

  constructor(simulation: Simulation, context: Context.Context<never>, config: FleetConfig) {
    this.config = config
    this.generator = simulation.generator.split("fleet")
    const history = new FleetHistory((line) => simulation.note(line))
    this.history = history
    history.policy = config.policy
    this.cluster = new Cluster(simulation, context, config, {
      opened: (log) => history.watch(log),
      openFailed: (error, message) => this.#openFailed(error, message),
      layer: (node) => this.#layer(node),
      connected: (log) => this.#watch.connected(log),
      processGone: (node) => this.#watch.processGone(node),
      shutDown: (node, millis) => this.#shutDown(node, millis),
      clockStepped: (node) => this.#watch.clockStepped(node),
      states: () => history.states()
    })
    this.#watch = new RunWatch({
      simulation,
      history,
      counters: this.cluster.counters,
      concurrency: config.concurrency,
      maxPrefetch: config.maxPrefetch
    })
    this.cluster.network.onEnqueue = new EnqueueWatch(history).arrived
    history.onGrant = ({ grant, session }) => this.#watch.granted(session, grant.queue)
  }

  #openFailed(error: LogError | undefined, message: string): void {
    const { cluster, history } = this
    const misjudged = cluster.rot.misjudged(error, this.#diskFails)
    if (misjudged !== undefined) history.violate("haltOnDamage", `${misjudged}: ${message}`)
    if (cluster.rot.excuses(error)) return
    const tag = error?.reason._tag
    // nothing else damages what was synced
    if (error === undefined || tag === "Corrupt" || tag === "UnsupportedFormat" || tag === "ClockAhead") {
      history.violate("recoveryIsLegalPrefix", `the log does not open: ${message}`)
    }
  }

  /** Whether an operation of the disk may fail. */
  get #diskFails(): boolean {
    const { disk, strikes } = this.config
    const { error = 0, errorForever = 0, noSpace = 0, shortWrite = 0 } = disk
    return (
      error + errorForever + noSpace + shortWrite > 0 || strikes.includes("diskFailure") || strikes.includes("diskFull")
    )
  }

  #shutDown(node: SimulatedNode, millis: number): void {
    const { history } = this
    this.cluster.counters.add("shutdowns")
    if (millis > shutdownBound) history.violate("drainTerminates", `${node.name} took ${millis} ms to shut down`)
    const running = this.#watch.running(node)
    if (running > 0) history.violate("drainTerminates", `${node.name} has shut down and still runs ${running} jobs`)
    const cutShort =
      millis < 0.9 * drainGrace && history.stoppedByDrain(node.name, this.cluster.simulation.now() - millis)
    if (cutShort) history.violate("graceIsGiven", `${node.name} has shut down in ${millis} ms and stopped runs`)
    const left = node.sleeping - this.#watch.abandonedRuns(node)
    if (left > 0) history.violate("drainTerminates", `${node.name} has shut down and ${left} of its fibers sleep`)
  }

  #layer(node: SimulatedNode) {
    const { concurrency, groupedLease, leaseDuration, maxPrefetch, reclaimInterval } = this.config
    const { counters, simulation } = this.cluster
    const watch = this.#watch
    const telemetry = {
      ...silent,
      leaseLost: (_queue: string, lost: ReadonlyArray<unknown>) => counters.add("leaseLost", lost.length),
      abandoned: (grant: { readonly token: bigint; readonly queue: string }) =>
        watch.abandoned(grant.token, grant.queue),
      stalled: () => counters.add("stalled")
    }
    const stage = {
      history: this.history,
      node: node.name,
      now: () => simulation.now(),
      started: (run: Parameters<RunWatch["started"]>[0], queue: string) => watch.started(run, node, queue),
      moved: (run: Parameters<RunWatch["moved"]>[0]) => watch.moved(run, node),
      ended: (run: Parameters<RunWatch["ended"]>[0], queue: string) => watch.ended(run, queue)
    }
    return JobScheduler.layerWith({
      concurrency,
      leaseDuration,
      maxPrefetch,
      drainGrace,
      abandonAfter,
      reclaimInterval,
      owner: node.name
    }).pipe(Layer.provide(handlers(stage, groupedLease)), Layer.provide(Layer.succeed(SchedulerTelemetry, telemetry)))
  }

  /** All jobs as the log shows them. */
  get #views(): Effect.Effect<ReadonlyMap<string, JobView>> {
    return Effect.gen({ self: this }, function* () {
      const views = new Map<string, JobView>()
      let after: string | undefined
      do {
        const answer: ReadAnswer | undefined = yield* this.cluster.ask((log) =>
          log.read({ _tag: "Jobs", limit: 200, after })
        )
        if (answer === undefined || answer._tag !== "Jobs") {
          this.history.violate("readsAgree", "the log does not list its jobs in the end")
          return views
        }
        for (const job of answer.jobs) views.set(job.id, job)
        after = answer.next
      } while (after !== undefined)
      return views
    })
  }

  /** The run. */
  get play(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { cluster, config } = this
      const nemesis = new Nemesis(cluster)
      yield* cluster.start((node) => this.#planned(nemesis, node))
      if (config.policy !== undefined) yield* this.#configure(config.policy)
      const jobs = makeJobs(this.generator.split("jobs"), config.mix)
      const clients = Array.from({ length: config.producers }, (_, index) => produce(this, index, jobs))
      const operator = config.operator ? operate(this) : undefined
      yield* nemesis.rage
      for (const node of this.#first) this.steps.push(node.dispatches)
      yield* nemesis.heal
      if (operator !== undefined) yield* operator.leave
      yield* this.#finish(clients)
      yield* this.#drain("jobs that were accepted are not done", drainBound + this.#workLeft)
      if (config.policy !== undefined) yield* this.#configure(boundless)
      yield* this.#probe
      const views = yield* this.#views
      const counts = yield* cluster.ask((log) => log.read({ _tag: "Counts" }))
      if (counts?._tag === "Counts") this.history.counts = counts.queues
      this.violations = judge(this.history, views)
    })
  }

  #configure(policy: QueuePolicy): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const commands = queues.map((queue) => ({ _tag: "Configure" as const, queue, policy }))
      for (let tries = 0; tries < 20; tries++) {
        if ((yield* this.cluster.ask((log) => log.control(commands))) !== undefined) return
        yield* Effect.sleep(100)
      }
    })
  }

  #planned(nemesis: Nemesis, node: SimulatedNode): void {
    const { plan } = this.config
    this.#first.push(node)
    if (plan === undefined) return
    const worker = this.cluster.workers.find((other) => !this.cluster.isEmbedded(other)) ?? this.cluster.workers[0]!
    const of = plan.act === "logPowerLoss" || plan.act === "logKill" ? this.cluster.host.node : worker.machine.node
    if (node === of) node.planAt(plan.at, () => nemesis.act(plan.act, worker))
  }

  #finish(clients: ReadonlyArray<() => boolean>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      for (let waited = 0; !clients.every((done) => done()); waited += 100) {
        if (waited > drainBound) {
          return this.history.violate("eventuallyAnswered", "a producer has no answer long after the last fault")
        }
        yield* Effect.sleep(100)
      }
    })
  }

  /** How long one slot alone would take for all that is left, milliseconds; groups and prefetch can leave just one. */
  get #workLeft(): number {
    const longestRun = this.config.mix.timeout + abandonAfter
    return attemptsLeft(this.history.jobs.values()) * longestRun
  }

  #drain(complaint: string, bound = drainBound): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { cluster } = this
      const until = cluster.simulation.now() + bound
      for (;;) {
        const answer = yield* cluster.ask((log) => log.read({ _tag: "Counts" }))
        if (answer?._tag === "Counts" && answer.queues.every((of) => of.scheduled + of.ready + of.leased === 0)) return
        if (cluster.simulation.now() > until) return this.history.violate("eventuallyClaimed", complaint)
        yield* Effect.sleep(250)
      }
    })
  }

  /**
   * Waits for an instant of the log's time, which stands still where the wall clock was ahead and is set back. Until then
   * a session that nobody has any more may live, and what a claim of it that was left behind is given is with nobody.
   */
  #until(instant: number): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { host, simulation } = this.cluster
      const bound = simulation.now() + 1.1 * host.machine.stepped
      while (leasesOf(this.history).now < instant && simulation.now() < bound) yield* Effect.sleep(250)
    })
  }

  #enqueue(items: ReadonlyArray<EnqueueItem>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      this.history.attempt(items)
      for (const { id } of items) this.history.unclear(id)
      // a log that was full looks at its disk again when it refuses
      const answers =
        (yield* this.cluster.ask((log) => log.enqueue(items))) ?? (yield* this.cluster.ask((log) => log.enqueue(items)))
      if (answers === undefined) this.history.violate("eventuallyAnswered", "a job of an idle fleet is not taken")
      for (const [index, answer] of (answers ?? []).entries()) this.history.answered(items[index]!.id, answer)
    })
  }

  /** What a healthy fleet must do: start at once what comes when it is idle, and all of it together what is much. */
  get #probe(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { cluster, history } = this
      const { concurrency, groupedLease, leaseDuration } = this.config
      const { runOutAt } = leasesOf(history)
      // calls that lost their answers before the end of the faults are sent again by now
      yield* Effect.sleep(2 * Math.max(leaseDuration, groupedLease ?? 0) + 5_000)
      yield* this.#until(runOutAt)
      const sessions = history.sessions.size
      let number = 0
      for (const queue of queues) {
        for (const delay of [undefined, 3_000]) {
          const item = probe(queue, number++, 100, delay)
          const since = cluster.simulation.now() + (delay ?? 0)
          yield* this.#enqueue([item])
          yield* this.#drain("a probe after the last fault is not done")
          const token = history.jobs.get(item.id)?.grants[0]?.grant.token
          const run = token === undefined ? undefined : history.runs.get(token)
          const late = (run?.time ?? Infinity) - since
          // log time stands still where the wall clock was ahead and is set back, for as long as it was ahead
          const bound = wakeBound + (delay === undefined ? 0 : cluster.host.machine.stepped)
          if (late > bound) history.violate("wakeBound", `a job of an idle fleet started ${late} ms late`)
        }
      }
      const count = 2 * concurrency * cluster.workers.length
      const before = history.at
      yield* this.#enqueue(queues.flatMap((queue) => Array.from({ length: count }, () => probe(queue, number++, 500))))
      yield* this.#drain("the probes after the last fault are not done")
      const runs = [...history.runs.values()].filter(({ startedAt }) => startedAt >= before)
      const active = new Set(runs.map(({ node }) => node))
      for (const worker of cluster.workers) {
        const { name } = worker.machine.node
        if (!active.has(name)) history.violate("noSilentWorker", `${name} claims nothing after the last fault`)
      }
      const more = history.sessions.size - sessions
      if (more > 0) history.violate("sessionsKept", `${more} sessions were lost without a fault`)
    })
  }
}
