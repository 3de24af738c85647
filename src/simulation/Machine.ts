/**
 * A machine of a simulated fleet: what remains of a node when its process has crashed and another is started on it.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { ClockError, SimulatedNode } from "./kernel/SimulatedNode.ts"
import type { Simulation } from "./kernel/Simulation.ts"

/**
 * Runs one process at a time, each on a node of its own, all with the machine's clocks.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Machine {
  readonly name: string
  /** Processes started so far. */
  processes = 0
  /** How far its wall clock was set in all, forward and back together, milliseconds. */
  stepped = 0
  node: SimulatedNode
  readonly #simulation: Simulation
  readonly #context: Context.Context<never>
  readonly #rate: number
  #skew: number

  constructor(simulation: Simulation, context: Context.Context<never>, name: string, error: ClockError = {}) {
    this.name = name
    this.#simulation = simulation
    this.#context = context
    this.#rate = error.rate ?? 1
    this.#skew = error.skew ?? 0
    this.node = this.#make()
    this.node.crash()
  }

  #make(): SimulatedNode {
    return this.#simulation.node(`${this.name}#${this.processes}`, { skew: this.#skew, rate: this.#rate })
  }

  get isUp(): boolean {
    return this.node.state !== "crashed"
  }

  /** A new process; the one before must be gone. */
  boot(): SimulatedNode {
    if (this.isUp) throw new Error(`${this.name} runs already`)
    this.processes++
    this.node = this.#make()
    return this.node
  }

  /** Sets the machine's wall clock forward or back, milliseconds. */
  stepWallClock(millis: number): void {
    this.stepped += Math.abs(millis)
    this.#skew += millis
    this.node.stepWallClock(millis)
  }

  /** Starts a fiber in the present process; `onExit` is called in it. */
  start<A, E>(effect: Effect.Effect<A, E>, onExit: (exit: Exit.Exit<A, E>) => void = () => {}): void {
    startOn(this.node, this.#context, effect, onExit)
  }
}

/**
 * Starts a fiber on a node as a task of that node: not at all if the node has crashed by then.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const startOn = <A, E>(
  node: SimulatedNode,
  context: Context.Context<never>,
  effect: Effect.Effect<A, E>,
  onExit: (exit: Exit.Exit<A, E>) => void = () => {}
): void =>
  node.schedule(() => {
    Effect.runForkWith(node.context(context))(effect).addObserver(onExit)
  })
