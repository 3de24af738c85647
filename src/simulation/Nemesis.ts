/**
 * What strikes a fleet, and the healing at the end.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { keepSome } from "./disk/Survivors.ts"
import type { FleetRun } from "./FleetRun.ts"
import type { Generator } from "./kernel/Generator.ts"
import type { Strike } from "./Swarm.ts"
import type { Worker } from "./Worker.ts"

/** Log time that a step of the wall clock may take away or add, milliseconds: less than what opening a log accepts. */
const longestStep = 120_000

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Nemesis {
  readonly #fleet: FleetRun
  readonly #generator: Generator
  /** What undoes a fault that is in force. */
  readonly #undo = new Set<() => void>()

  constructor(fleet: FleetRun) {
    this.#fleet = fleet
    this.#generator = fleet.generator.split("nemesis")
  }

  /** Strikes for the time of the faults. */
  get rage(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { config, simulation } = this.#fleet
      const until = simulation.now() + config.duration
      const [first, ...rest] = config.strikes
      while (simulation.now() < until) {
        const pause = -Math.log(1 - this.#generator.next()) * config.strikeEvery
        yield* Effect.sleep(Math.min(Math.max(1, pause), until - simulation.now() + 1))
        if (first === undefined || simulation.now() >= until) continue
        this.#strike(this.#generator.pick([first, ...rest]))
      }
    })
  }

  /** Undoes it after a while. */
  #for(millis: number, undo: () => void): void {
    const once = (): void => {
      if (this.#undo.delete(once)) undo()
    }
    this.#undo.add(once)
    this.#fleet.simulation.timeline.after(millis * 1000, once)
  }

  #count(strike: Strike): void {
    const { counters, network, simulation } = this.#fleet
    counters.add(`fault/${strike}`)
    if (network.inFlight > 0) counters.add(`inFlight/${strike}`)
    simulation.note(strike)
  }

  #strike(strike: Strike): void {
    const { host, workers } = this.#fleet
    const generator = this.#generator
    const worker = workers[generator.between(0, workers.length - 1)]!
    switch (strike) {
      case "logPowerLoss":
      case "logKill":
        if (!host.machine.isUp) return
        this.#count(strike)
        this.loseLog(strike === "logPowerLoss")
        this.#for(generator.between(1, 3_000), () => host.boot())
        return
      case "workerCrash":
        if (this.#fleet.isEmbedded(worker) || !worker.machine.isUp) return
        this.#count(strike)
        this.#crash(worker)
        this.#for(generator.between(1, 5_000), () => worker.boot())
        return
      case "workerShutdown":
        return this.#shutDown(worker)
      case "pause":
      case "suspend": {
        const { node } = worker.machine
        if (node.state !== "up") return
        this.#count(strike)
        node.pause()
        const longest = 2.5 * this.#fleet.config.leaseDuration
        this.#for(generator.next() * longest, () => node.resume({ suspended: strike === "suspend" }))
        return
      }
      case "clockStep": {
        this.#count(strike)
        const machine = generator.chance(0.4) ? host.machine : worker.machine
        machine.stepWallClock(Math.round((generator.next() * 2 - 1) * longestStep))
        return
      }
      case "partition": {
        const { name } = worker.machine
        if (this.#fleet.network.partitions.has(name)) return
        this.#count(strike)
        this.#fleet.network.partitions.set(name, generator.pick(["both", "requests", "replies"]))
        this.#for(generator.next() * 20_000, () => this.#fleet.network.partitions.delete(name))
        return
      }
      case "diskError":
        this.#count(strike)
        this.#fleet.disk.fail({
          operation: generator.pick(["write", "datasync", "datasync", "open", "rename", "syncDirectory", "read"]),
          nth: generator.between(1, 5),
          code: "EIO",
          forever: generator.chance(0.2),
          written: generator.chance(0.5) ? generator.between(0, 600) : undefined,
          dirtyPages: generator.pick(["forget", "keep", "revert"])
        })
        return
      case "diskFull":
        this.#count(strike)
        this.#fleet.disk.free = generator.between(0, 3 * this.#fleet.config.segmentBytes)
        this.#for(generator.next() * 10_000, () => {
          this.#fleet.disk.free = Number.POSITIVE_INFINITY
        })
        return
    }
  }

  /** The process of the log ends; without power, what was not synced is lost as the seed says. */
  loseLog(power: boolean): void {
    const fleet = this.#fleet
    const { node } = fleet.host
    fleet.host.crash()
    for (const worker of fleet.workers) if (fleet.isEmbedded(worker)) worker.crash()
    this.#runsEnd(node.name)
    fleet.network.serverGone(node)
    const free = fleet.disk.free
    if (power) fleet.disk.crash(keepSome(this.#generator.between(0, 0x7fff_ffff)))
    else fleet.disk = fleet.disk.afterKill()
    fleet.disk.free = free
  }

  #runsEnd(node: string): void {
    for (const run of this.#fleet.history.runs.values()) if (run.node === node) run.ended = true
  }

  #crash(worker: Worker): void {
    const { node } = worker.machine
    worker.crash()
    this.#runsEnd(node.name)
    this.#fleet.network.callerGone(node)
  }

  #shutDown(worker: Worker): void {
    if (this.#fleet.isEmbedded(worker) || worker.state !== "up" || worker.machine.node.state !== "up") return
    this.#count("workerShutdown")
    const { node } = worker.machine
    worker.shutDown(() => {
      node.crash()
      this.#for(this.#generator.between(1, 3_000), () => worker.boot())
    })
  }

  /** No more faults: everything that is down comes up, everything that stands goes on, what is lost is lost. */
  get heal(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const fleet = this.#fleet
      fleet.clear()
      fleet.disk.free = Number.POSITIVE_INFINITY
      for (const undo of [...this.#undo]) undo()
      // shutdowns end, messages arrive
      yield* Effect.sleep(30_000)
      for (const undo of [...this.#undo]) undo()
      // a disk that fails for ever is exchanged
      if (fleet.host.machine.isUp) this.loseLog(false)
      fleet.disk.free = Number.POSITIVE_INFINITY
      fleet.host.boot()
      for (const worker of fleet.workers) if (!worker.machine.isUp && !fleet.isEmbedded(worker)) worker.boot()
      yield* Effect.sleep(1_000)
    })
  }
}
