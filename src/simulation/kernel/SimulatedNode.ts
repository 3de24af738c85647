/**
 * A machine in a simulation: its own clocks, which may be wrong, and a processor that can stop for a while or for
 * ever.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"
import type { SeededScheduler } from "./SeededScheduler.ts"
import type { Timeline } from "./Timeline.ts"

/**
 * How a node's clocks differ from the simulation's time.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ClockError {
  /** Milliseconds that the wall clock is ahead; default 0. */
  readonly skew?: number | undefined
  /** Seconds that both clocks count in one true second; default 1. */
  readonly rate?: number | undefined
}

/** Of all simulations: the beginning of 2030, so that no clock that is behind shows a time before 1970. */
const epochMillis = 1_893_456_000_000

/**
 * A node executes fibers that were started with its context. Crashed, it executes nothing any more: no finalizer, no
 * timer, no reply that arrives. Paused, all of that waits until it is resumed.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class SimulatedNode {
  readonly name: string
  /** Seconds that its clocks count in one true second. */
  readonly rate: number
  state: "up" | "paused" | "crashed" = "up"
  /** Tasks run so far: the points at which a crash or an interruption can be planned. */
  dispatches = 0
  /** Fibers that sleep now. */
  sleeping = 0
  /** When it last went on after a pause, microseconds of true time. */
  resumedAt = -1
  readonly clock: Clock.Clock
  readonly scheduler: Scheduler.Scheduler
  #held: Array<() => void> = []
  #plans: Array<{ readonly at: number; readonly act: () => void }> = []
  readonly #global: SeededScheduler
  readonly #timeline: Timeline
  /** Milliseconds that the wall clock is ahead of this node's own count. */
  #skew: number
  /** Microseconds of true time that the monotonic clock did not count. */
  #suspended = 0
  #pausedAt = 0

  constructor(name: string, global: SeededScheduler, timeline: Timeline, error: ClockError = {}) {
    this.name = name
    this.#global = global
    this.#timeline = timeline
    this.rate = error.rate ?? 1
    this.#skew = error.skew ?? 0
    const dispatcher: Scheduler.SchedulerDispatcher = {
      scheduleTask: (task) => this.schedule(task),
      flush: () => {}
    }
    this.scheduler = {
      executionMode: "sync",
      shouldYield: (fiber) => global.shouldYield(fiber),
      makeDispatcher: () => dispatcher
    }
    const wall = (): number => Math.floor(epochMillis + (this.#timeline.now * this.rate) / 1000 + this.#skew)
    const wallNanos = (): bigint => BigInt(wall()) * 1_000_000n
    const monotonic = (): bigint => BigInt(Math.floor(this.#counted())) * 1_000n
    this.clock = {
      currentTimeMillisUnsafe: wall,
      currentTimeMillis: Effect.sync(wall),
      currentTimeNanosUnsafe: wallNanos,
      currentTimeNanos: Effect.sync(wallNanos),
      monotonicTimeNanosUnsafe: monotonic,
      monotonicTimeNanos: Effect.sync(monotonic),
      sleep: (duration) => this.#sleep(duration)
    }
  }

  /** Scheduler and clock of this node, over what the context held of them. */
  context<R>(context: Context.Context<R>): Context.Context<R> {
    return context.pipe(Context.add(Clock.Clock, this.clock), Context.add(Scheduler.Scheduler, this.scheduler))
  }

  /** Runs an effect on this node: it waits for the node's time and stops with it. */
  run<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.provideService(
      Effect.provideService(effect, Clock.Clock, this.clock),
      Scheduler.Scheduler,
      this.scheduler
    )
  }

  /** Whether its machine was ever suspended. */
  get hasSlept(): boolean {
    return this.#suspended > 0
  }

  /** A task of this node becomes ready, unless the node has crashed. */
  schedule(task: () => void): void {
    if (this.state === "crashed") return
    this.#global.schedule(() => this.#dispatch(task))
  }

  /** A task of this node becomes ready after milliseconds of true time; answers how to forget it. */
  after(millis: number, task: () => void): () => void {
    const timer = this.#timeline.after(millis * 1000, () => this.#dispatch(task))
    return () => this.#timeline.cancel(timer)
  }

  /** Stops for ever, at this instant, without any farewell. */
  crash(): void {
    this.state = "crashed"
    this.#held = []
    this.#plans = []
  }

  /** Stops for a while: a long collection of garbage, a stopped process, a suspended machine. */
  pause(): void {
    if (this.state !== "up") return
    this.state = "paused"
    this.#pausedAt = this.#timeline.now
  }

  /** Goes on. `suspended`: the machine slept, so the monotonic clock stood still meanwhile. */
  resume(options: { readonly suspended?: boolean | undefined } = {}): void {
    if (this.state !== "paused") return
    this.state = "up"
    this.resumedAt = this.#timeline.now
    if (options.suspended === true) this.#suspended += this.#timeline.now - this.#pausedAt
    const held = this.#held
    this.#held = []
    for (const task of held) this.schedule(task)
  }

  /** Sets the wall clock forward, or back if negative, by milliseconds. */
  stepWallClock(millis: number): void {
    this.#skew += millis
  }

  /** Does something instead of the dispatch number `at` (1-based) and before all later ones. */
  planAt(at: number, act: () => void): void {
    this.#plans.push({ at, act })
  }

  #dispatch(task: () => void): void {
    if (this.state === "crashed") return
    if (this.state === "paused") {
      this.#held.push(task)
      return
    }
    this.dispatches++
    if (this.#plans.length > 0) {
      const due = this.#plans.filter((plan) => plan.at === this.dispatches)
      for (const plan of due) plan.act()
      if (due.length > 0 && this.#isStopped()) return
    }
    task()
  }

  // a method, since the compiler would otherwise hold the state to be what it was before the plans
  #isStopped(): boolean {
    return this.state === "crashed"
  }

  /** Microseconds that the monotonic clock has counted. */
  #counted(): number {
    return (this.#timeline.now - this.#suspended) * this.rate
  }

  #sleep(duration: Duration.Duration): Effect.Effect<void> {
    const millis = Duration.toMillis(duration)
    if (millis <= 0) return Effect.yieldNow
    if (!Number.isFinite(millis)) return Effect.never
    return Effect.callback<void>((resume) => {
      const until = this.#counted() + millis * 1000
      let cancel = (): void => {}
      const wait = (): void => {
        cancel = this.after((until - this.#counted()) / this.rate / 1000, () => {
          // a timer counts on the monotonic clock, which stands still while the machine sleeps
          if (until - this.#counted() > 1) return wait()
          this.sleeping--
          resume(Effect.void)
        })
      }
      this.sleeping++
      wait()
      return Effect.sync(() => {
        this.sleeping--
        cancel()
      })
    })
  }
}
