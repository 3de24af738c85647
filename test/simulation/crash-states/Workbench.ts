/** Runs effects to their end in one synchronous call, under a clock and a generator that repeat themselves. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import { seeded } from "../../../src/simulation/disk/Survivors.ts"

/** The beginning of 2030. */
const start = 1_893_456_000_000

/** Any operation is done after far fewer. */
const mostTasks = 100_000

export class Workbench {
  /** Unix milliseconds. */
  now = start
  #tasks: Array<() => void> = []
  #random = seeded(1)
  readonly #fork: <A, E>(effect: Effect.Effect<A, E>) => { readonly pollUnsafe: () => Exit.Exit<A, E> | undefined }

  constructor() {
    const dispatcher: Scheduler.SchedulerDispatcher = {
      scheduleTask: (task) => {
        this.#tasks.push(task)
      },
      flush: () => {}
    }
    const nanos = (): bigint => BigInt(this.now) * 1_000_000n
    const clock: Clock.Clock = {
      currentTimeMillisUnsafe: () => this.now,
      currentTimeMillis: Effect.sync(() => this.now),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: () => Effect.never
    }
    this.#fork = Effect.runForkWith(
      Context.empty().pipe(
        Context.add(Scheduler.Scheduler, {
          executionMode: "sync",
          shouldYield: () => false,
          makeDispatcher: () => dispatcher
        }),
        Context.add(Clock.Clock, clock),
        Context.add(Random.Random, {
          nextDoubleUnsafe: () => this.#random(),
          nextIntUnsafe: () => Math.floor(this.#random() * 0x1_0000_0000)
        })
      )
    )
  }

  /** Time and chance begin anew; what was left hanging is forgotten. */
  reset(): void {
    this.now = start
    this.#tasks = []
    this.#random = seeded(1)
  }

  /** Runs until the effect has ended; tasks that it left wait for {@link drain}. */
  run<A, E>(effect: Effect.Effect<A, E>): Exit.Exit<A, E> {
    const fiber = this.#fork(effect)
    for (let tasks = 0; tasks < mostTasks; tasks++) {
      const exit = fiber.pollUnsafe()
      if (exit !== undefined) return exit
      const task = this.#tasks.shift()
      if (task === undefined) throw new Error("it waits for what never comes")
      task()
    }
    throw new Error("it goes on for ever")
  }

  /** Runs what is left to be done. */
  drain(): void {
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) task()
  }
}
