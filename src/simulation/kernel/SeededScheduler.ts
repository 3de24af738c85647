/**
 * A scheduler for Effect that keeps every task of every fiber in one pool and takes from it in an order that a seed
 * decides.
 *
 * @since 0.1.0
 */
import type * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"
import type { Generator } from "./Generator.ts"
import type { Trace } from "./Trace.ts"

/** After so many operations a fiber gives way, as under Effect's own scheduler. */
const operationsPerTurn = 2048

/**
 * In which order ready tasks run: as the seed says, or first come first served.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Order = "random" | "fifo"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class SeededScheduler implements Scheduler.Scheduler {
  readonly executionMode = "sync"
  /** Tasks run so far. */
  steps = 0
  /** How often a fiber was made to give way where it did not ask for it. */
  preemptions = 0
  readonly #ready: Array<() => void> = []
  readonly #generator: Generator
  readonly #preempt: Generator
  readonly #probability: number
  readonly #order: Order
  readonly #trace: Trace
  #head = 0

  constructor(options: {
    readonly generator: Generator
    /** Probability that a fiber gives way between two operations. */
    readonly preempt: number
    readonly order: Order
    readonly trace: Trace
  }) {
    this.#generator = options.generator.split("order")
    this.#preempt = options.generator.split("preempt")
    this.#probability = options.preempt
    this.#order = options.order
    this.#trace = options.trace
  }

  readonly #dispatcher: Scheduler.SchedulerDispatcher = {
    scheduleTask: (task) => this.schedule(task),
    // tasks run when the simulation takes its next step, never inside of another task
    flush: () => {}
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return this.#dispatcher
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    if (fiber.currentOpCount >= operationsPerTurn) return true
    if (!this.#preempt.chance(this.#probability)) return false
    this.preemptions++
    return true
  }

  schedule(task: () => void): void {
    this.#ready.push(task)
  }

  /** Runs one task; false if none is ready. */
  step(): boolean {
    const ready = this.#ready
    const waiting = ready.length - this.#head
    if (waiting === 0) return false
    let task: () => void
    if (this.#order === "fifo") {
      task = ready[this.#head]!
      this.#head++
      if (this.#head > 1024) {
        ready.splice(0, this.#head)
        this.#head = 0
      }
    } else {
      const index = waiting === 1 ? 0 : this.#generator.between(0, waiting - 1)
      task = ready[index]!
      const last = ready.pop()!
      if (index < ready.length) ready[index] = last
      this.#trace.mix((waiting << 8) ^ index)
    }
    this.steps++
    task()
    return true
  }
}
