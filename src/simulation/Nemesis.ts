/**
 * What strikes a cluster, and the healing at the end.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Cluster } from "./Cluster.ts"
import { keepByChance } from "./disk/Survivors.ts"
import type { Generator } from "./kernel/Generator.ts"
import { fairWeather } from "./Network.ts"
import type { Strike } from "./Strike.ts"
import type { Worker } from "./Worker.ts"

/** How far a wall clock is set, milliseconds. All steps together stay below what opening a log accepts. */
const longestStep = 60_000
const stepsBound = 1_800_000

/** Time in which shutdowns end and the last messages arrive, milliseconds. */
const calmDown = 30_000

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Nemesis {
  readonly #cluster: Cluster
  readonly #generator: Generator
  /** What undoes a fault that is in force. */
  readonly #undo = new Set<() => void>()
  #stepped = 0
  #healing = false

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.#generator = cluster.generator.split("nemesis")
  }

  /** Strikes for the time of the faults. */
  get rage(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { config, simulation } = this.#cluster
      const until = simulation.now() + config.duration
      const [first, ...rest] = config.strikes
      for (;;) {
        const left = until - simulation.now()
        if (left <= 0) return
        const pause = -Math.log(1 - this.#generator.next()) * config.strikeEvery
        yield* Effect.sleep(Math.min(Math.max(1, pause), left + 1))
        if (first === undefined || simulation.now() >= until) continue
        this.#strike(this.#generator.pick([first, ...rest]))
      }
    })
  }

  /** Does one thing, at once. */
  act(act: "logPowerLoss" | "logKill" | "workerCrash" | "workerShutdown", worker: Worker): void {
    if (act === "workerShutdown") this.#shutDown(worker)
    else if (act === "workerCrash") this.#loseWorker(worker)
    else this.#loseLog(act)
  }

  /** Undoes it after a while, or when the faults are over. */
  #for(millis: number, undo: () => void): void {
    const once = (): void => {
      if (this.#undo.delete(once)) undo()
    }
    this.#undo.add(once)
    if (this.#healing) once()
    else this.#cluster.simulation.timeline.after(millis * 1000, once)
  }

  #count(strike: Strike): void {
    const { counters, hooks, network, simulation } = this.#cluster
    counters.add(`fault/${strike}`)
    const operations = new Set(network.operationsInFlight())
    if (operations.size > 0) counters.add(`inFlight/${strike}`)
    for (const operation of operations) counters.add(`cell/${strike}/${operation}`)
    for (const state of hooks.states()) counters.add(`state/${strike}/${state}`)
    simulation.note(strike)
  }

  /** At this instant, or between two of the next steps of the machine. */
  #soon(worker: Worker | undefined, act: () => void): void {
    const { node } = worker === undefined ? this.#cluster.host : worker.machine
    if (node.state !== "up" || this.#generator.chance(0.3)) return act()
    node.planAt(node.dispatches + this.#generator.between(1, 40), () => {
      // another fault may have been faster
      if (node.state !== "crashed" && !this.#healing) act()
    })
  }

  #strike(strike: Strike): void {
    const cluster = this.#cluster
    const { disk, host, network, workers } = cluster
    const generator = this.#generator
    const worker = workers[generator.between(0, workers.length - 1)]!
    switch (strike) {
      case "logPowerLoss":
      case "logKill":
        if (host.machine.isUp) this.#soon(undefined, () => this.#loseLog(strike))
        return
      case "logRestart":
        return this.#restartLog(strike)
      case "bitRot":
        return this.#rotLog()
      case "workerCrash":
        if (cluster.isEmbedded(worker) || !worker.machine.isUp) return
        return this.#soon(worker, () => this.#loseWorker(worker))
      case "workerShutdown":
        return this.#shutDown(worker)
      case "logPause":
      case "pause":
      case "suspend": {
        const { node } = strike === "logPause" ? host : worker.machine
        // a shutdown is timed
        if (node.state !== "up" || (strike !== "logPause" && worker.state === "stopping")) return
        this.#count(strike)
        node.pause()
        const most = strike === "logPause" ? 5_000 : cluster.config.longestPause
        return this.#for(generator.next() * most, () => node.resume({ suspended: strike === "suspend" }))
      }
      case "clockStep": {
        const millis = Math.round((generator.next() * 2 - 1) * longestStep)
        if (this.#stepped + Math.abs(millis) > stepsBound) return
        this.#stepped += Math.abs(millis)
        this.#count(strike)
        const machine = generator.chance(0.4) ? host.machine : worker.machine
        machine.stepWallClock(millis)
        return cluster.hooks.clockStepped(machine.node)
      }
      case "partition": {
        const { name } = worker.machine
        if (network.partitions.has(name) || cluster.isEmbedded(worker)) return
        this.#count(strike)
        network.partitions.set(name, generator.pick(["both", "requests", "replies"]))
        return this.#for(generator.next() * 20_000, () => network.partitions.delete(name))
      }
      case "diskFailure":
        this.#count(strike)
        return disk.fail({
          operation: generator.pick(["write", "datasync", "datasync", "open", "rename", "syncDirectory", "read"]),
          nth: generator.between(1, 5),
          code: "EIO",
          forever: generator.chance(0.2),
          written: generator.chance(0.5) ? generator.between(0, 600) : undefined,
          dirtyPages: generator.pick(["forget", "keep", "revert"])
        })
      case "diskFull": {
        if (Number.isFinite(disk.free)) return
        this.#count(strike)
        disk.free = generator.between(0, 3 * cluster.config.segmentBytes)
        return this.#for(generator.next() * 10_000, () => {
          disk.free = Number.POSITIVE_INFINITY
        })
      }
    }
  }

  #loseWorker(worker: Worker): void {
    this.#count("workerCrash")
    this.#cluster.loseWorker(worker)
    this.#for(this.#generator.between(1, 5_000), () => worker.boot())
  }

  #loseLog(strike: "logPowerLoss" | "logKill", counted: Strike = strike): void {
    const cluster = this.#cluster
    this.#count(counted)
    const power = strike === "logPowerLoss"
    cluster.loseLog(power ? (disk) => disk.crash(keepByChance(this.#generator.next)) : undefined)
    if (counted === "bitRot") this.#rot()
    this.#for(this.#generator.between(1, 3_000), () => {
      cluster.host.boot()
      if (this.#healing || !this.#generator.chance(0.2)) return
      // once more, in the middle of the recovery
      const { node } = cluster.host
      node.planAt(this.#generator.between(1, 60), () => {
        if (node.state === "crashed" || this.#healing) return
        cluster.counters.add("fault/crashInRecovery")
        this.#loseLog(strike)
      })
    })
  }

  #restartLog(counted: "logRestart" | "bitRot"): void {
    const cluster = this.#cluster
    const { host } = cluster
    if (host.log === undefined || host.node.state !== "up") return
    this.#count(counted)
    const { node } = host
    host.close(() => {
      if (host.node !== node || node.state === "crashed") return
      cluster.loseLog(undefined)
      if (counted === "bitRot") this.#rot()
      this.#for(this.#generator.between(1, 2_000), () => host.boot())
    })
  }

  #rotLog(): void {
    const { host, rot } = this.#cluster
    if (!host.machine.isUp || !rot.isPossible) return
    const way = this.#generator.pick(["logPowerLoss", "logKill", "logRestart"] as const)
    if (way === "logRestart") this.#restartLog("bitRot")
    else if (way === "logKill") this.#soon(undefined, () => this.#loseLog(way, "bitRot"))
    else this.#onceDirty(500, () => this.#loseLog(way, "bitRot"))
  }

  /** As soon as something waits for a sync, so that a torn end and damage meet; but within so many steps of the log. */
  #onceDirty(steps: number, act: () => void): void {
    const { disk, host } = this.#cluster
    const { node } = host
    if (node.state === "crashed" || this.#healing) return
    if (steps === 0 || disk.pieces > 0) return act()
    node.planAt(node.dispatches + 1, () => this.#onceDirty(steps - 1, act))
  }

  /** The log is down: a file of it rots, until somebody puts it back. */
  #rot(): void {
    const { rot } = this.#cluster
    if (rot.strike()) this.#for(this.#generator.between(500, 10_000), () => rot.putBack())
  }

  #shutDown(worker: Worker): void {
    const cluster = this.#cluster
    const { node } = worker.machine
    if (cluster.isEmbedded(worker) || worker.state !== "up" || node.state !== "up") return
    this.#count("workerShutdown")
    const since = cluster.simulation.now()
    worker.shutDown(() => {
      cluster.hooks.shutDown(node, cluster.simulation.now() - since)
      cluster.loseWorker(worker)
      this.#for(this.#generator.between(1, 3_000), () => worker.boot())
    })
  }

  /** No more faults: what is down comes up, what stands goes on, what was lost stays lost. */
  get heal(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { config, disk, host, network, simulation, workers } = this.#cluster
      simulation.note("healing")
      this.#healing = true
      network.weather = { ...fairWeather, patience: config.weather.patience }
      network.partitions.clear()
      disk.heal()
      disk.free = Number.POSITIVE_INFINITY
      for (const undo of [...this.#undo]) undo()
      yield* Effect.sleep(calmDown)
      if (!host.machine.isUp) host.boot()
      for (const worker of workers) {
        if (!worker.machine.isUp && !this.#cluster.isEmbedded(worker)) worker.boot()
      }
      yield* Effect.sleep(1_000)
    })
  }
}
