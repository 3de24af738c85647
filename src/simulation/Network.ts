/**
 * The network between a fleet's nodes and the node that has the log: it loses, delays, repeats and reorders.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Cause from "effect/Cause"
import * as Option from "effect/Option"
import type { Capabilities } from "../log/Capabilities.ts"
import type { EnqueueItem, EnqueueResult, JobLogOperations } from "../log/JobLog.ts"
import { type LogError, refused, Unavailable, unknown } from "../log/LogError.ts"
import type { Counters } from "./Counters.ts"
import type { Generator } from "./kernel/Generator.ts"
import type { SimulatedNode } from "./kernel/SimulatedNode.ts"
import type { Simulation } from "./kernel/Simulation.ts"

/**
 * Name of an operation of the job log.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Operation = Exclude<keyof JobLogOperations, "capabilities">

/**
 * How a network is. Probabilities are per message; times are milliseconds.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface NetworkWeather {
  /** Least and greatest time of an ordinary message. */
  readonly latency: readonly [number, number]
  /** Probability that a message takes up to a hundred times as long. */
  readonly slow: number
  readonly requestLost: number
  readonly replyLost: number
  /** Probability that the log gets a request twice. Operators' commands are never repeated: they are no numbered calls. */
  readonly duplicated: number
  /** How long a caller waits for an answer, except to a claim and to `changes`, which may wait for ever. */
  readonly patience: number
}

/**
 * A network that does nothing wrong.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const fairWeather: NetworkWeather = {
  latency: [1, 5],
  slow: 0,
  requestLost: 0,
  replyLost: 0,
  duplicated: 0,
  patience: 10_000
}

/**
 * Which messages between one node and the log are lost.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Partition = "both" | "requests" | "replies"

/**
 * Who answers the requests.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Server {
  /** Of its present process. */
  readonly node: SimulatedNode
  /** Undefined while it is not open. */
  readonly log: JobLogOperations | undefined
  readonly capabilities: Capabilities
}

/** How one call ended for its caller, and how at the log if it came that far. */
interface Call {
  readonly operation: Operation
  readonly from: SimulatedNode
  server: SimulatedNode | undefined
  fiber: Fiber.Fiber<unknown, LogError> | undefined
  /** Ends the call for its caller; nothing if it has ended. */
  readonly end: (exit: Exit.Exit<never, LogError>) => void
}

const lost = (detail: string): Unavailable => new Unavailable({ detail })

/** Numbered or idempotent by their ids: the log may see them twice. */
const repeatable: ReadonlySet<Operation> = new Set(["renew", "enqueue", "claim", "settle", "reclaim", "close"])

/** Their callers wait as long as it takes. */
const patient: ReadonlySet<Operation> = new Set(["claim", "changes"])

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Network {
  weather: NetworkWeather = fairWeather
  /** Told of each copy of an enqueue when the log begins with it; what it answers is told how that copy ended. */
  onEnqueue: (items: ReadonlyArray<EnqueueItem>) => (exit: Exit.Exit<ReadonlyArray<EnqueueResult>, LogError>) => void =
    () => () => {}
  /** By machine name. */
  readonly partitions = new Map<string, Partition>()
  readonly #simulation: Simulation
  readonly #context: Context.Context<never>
  readonly #server: Server
  readonly #counters: Counters
  readonly #generator: Generator
  readonly #calls = new Set<Call>()
  #sent = 0

  constructor(simulation: Simulation, context: Context.Context<never>, server: Server, counters: Counters) {
    this.#simulation = simulation
    this.#context = context
    this.#server = server
    this.#counters = counters
    this.#generator = simulation.generator.split("network")
  }

  /** Calls that have no answer yet. */
  get inFlight(): number {
    return this.#calls.size
  }

  /** Operations of the calls that have no answer yet. */
  operationsInFlight(): Iterable<Operation> {
    return [...this.#calls].map(({ operation }) => operation)
  }

  #fault(kind: string, operation: Operation): void {
    this.#simulation.note(`${kind} of ${operation}`)
    this.#counters.add(`fault/${kind}`)
    this.#counters.add(`inFlight/${kind}`)
    this.#counters.add(`cell/${kind}/${operation}`)
  }

  #latency(): number {
    const [least, most] = this.weather.latency
    const millis = least + this.#generator.next() * (most - least)
    if (!this.#generator.chance(this.weather.slow)) return millis
    this.#counters.add("fault/slowMessage")
    return millis + most * 100 * this.#generator.next() ** 3
  }

  /** Something happens elsewhere after the time of a message. */
  #send(task: () => void): void {
    this.#simulation.timeline.after(this.#latency() * 1000, task)
  }

  /** The process of the log is gone: most of those who wait for it learn that their connections are. */
  serverGone(node: SimulatedNode): void {
    for (const call of [...this.#calls]) {
      if (call.server !== node || this.#generator.chance(0.3)) continue
      call.from.after(this.#latency(), () =>
        call.end(Exit.fail(unknown(call.operation, lost("the connection was reset"))))
      )
    }
  }

  /** A calling process is gone: the log learns of most of its connections that they are closed. */
  callerGone(node: SimulatedNode): void {
    for (const call of [...this.#calls]) {
      if (call.from !== node) continue
      this.#calls.delete(call)
      if (!this.#generator.chance(0.3)) this.#cancel(call)
    }
  }

  #cancel(call: Call): void {
    this.#send(() => {
      const { fiber, server } = call
      if (fiber !== undefined) server?.schedule(() => fiber.interruptUnsafe())
    })
  }

  /** The log as a process on the node sees it. `machine` is the name that partitions go by. */
  client(machine: string, from: SimulatedNode): JobLogOperations {
    const far =
      <I, A>(
        operation: Operation,
        run: (log: JobLogOperations, input: I) => Effect.Effect<A, LogError>,
        onArrival: (input: I) => (exit: Exit.Exit<A, LogError>) => void = () => () => {}
      ) =>
      (input: I): Effect.Effect<A, LogError> =>
        this.#call(
          machine,
          from,
          operation,
          (log) => run(log, input),
          () => onArrival(input)
        )
    return {
      capabilities: { ...this.#server.capabilities, crossProcess: true },
      open: far("open", (log, input) => log.open(input)),
      renew: far("renew", (log, input) => log.renew(input)),
      close: far("close", (log, input) => log.close(input)),
      enqueue: far(
        "enqueue",
        (log, input) => log.enqueue(input),
        (items) => this.onEnqueue(items)
      ),
      claim: far("claim", (log, input) => log.claim(input)),
      settle: far("settle", (log, input) => log.settle(input)),
      reclaim: far("reclaim", (log, input) => log.reclaim(input)),
      control: far("control", (log, input) => log.control(input)),
      read: far("read", (log, input) => log.read(input)),
      changes: far("changes", (log, input) => log.changes(input))
    }
  }

  #blocks(machine: string, direction: "requests" | "replies"): boolean {
    const partition = this.partitions.get(machine)
    return partition === "both" || partition === direction
  }

  #call<A>(
    machine: string,
    from: SimulatedNode,
    operation: Operation,
    run: (log: JobLogOperations) => Effect.Effect<A, LogError>,
    onArrival: () => (exit: Exit.Exit<A, LogError>) => void
  ): Effect.Effect<A, LogError> {
    return Effect.callback<A, LogError>((resume) => {
      const generator = this.#generator
      let forget = (): void => {}
      const end = (exit: Exit.Exit<A, LogError>): void => {
        if (!this.#calls.delete(call)) return
        this.#simulation.note(`${from.name} <- ${operation} ${number} ${Exit.isSuccess(exit) ? "ok" : "failed"}`)
        forget()
        resume(exit)
      }
      const call: Call = { operation, from, server: undefined, fiber: undefined, end }
      this.#calls.add(call)
      const number = ++this.#sent
      this.#simulation.note(`${from.name} -> ${operation} ${number}`)
      if (!patient.has(operation)) {
        forget = from.after(this.weather.patience, () => end(Exit.fail(unknown(operation, lost("no answer in time")))))
      }

      const reply = (exit: Exit.Exit<A, LogError>): void => {
        if (this.#blocks(machine, "replies")) return this.#fault("partition", operation)
        if (generator.chance(this.weather.replyLost)) {
          this.#fault("replyLost", operation)
          // a broken connection tells, a lost message does not
          if (generator.chance(0.5)) return
          from.after(this.#latency(), () => end(Exit.fail(unknown(operation, lost("the connection was reset")))))
          return
        }
        from.after(this.#latency(), () => end(exit))
      }

      const arrive = (first: boolean): void => {
        const { node } = this.#server
        const nobody = (): void => {
          if (first) reply(Exit.fail(refused(operation, lost("nobody listens"))))
        }
        if (node.state === "crashed") return nobody()
        if (first) call.server = node
        node.schedule(() => {
          const { log } = this.#server
          if (log === undefined || this.#server.node !== node) return nobody()
          const onExit = onArrival()
          const fiber = Effect.runForkWith(node.context(this.#context))(run(log))
          fiber.addObserver(onExit)
          if (!first) return
          call.fiber = fiber
          fiber.addObserver((exit) => reply(plain(operation, exit)))
        })
      }

      const request = (first: boolean): void => {
        if (this.#blocks(machine, "requests")) return this.#fault("partition", operation)
        if (generator.chance(this.weather.requestLost)) return this.#fault("requestLost", operation)
        this.#send(() => arrive(first))
      }
      request(true)
      if (repeatable.has(operation) && generator.chance(this.weather.duplicated)) {
        this.#fault("duplicated", operation)
        request(false)
      }
      return Effect.sync(() => {
        if (!this.#calls.delete(call)) return
        this.#simulation.note(`${from.name} gives up ${operation} ${number}`)
        forget()
        this.#cancel(call)
      })
    })
  }
}

/** Defects and interruptions do not travel: to the caller the connection broke. */
const plain = <A>(operation: Operation, exit: Exit.Exit<A, LogError>): Exit.Exit<A, LogError> => {
  if (Exit.isSuccess(exit)) return exit
  return Option.match(Cause.findErrorOption(exit.cause), {
    onNone: () => Exit.fail(unknown(operation, lost("the connection was reset"))),
    onSome: (error) => Exit.fail(error)
  })
}
