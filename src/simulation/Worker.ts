/**
 * A machine that runs schedulers: one process at a time, each with a connection to the log.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { JobLog, type JobLogOperations } from "../log/JobLog.ts"
import type { SimulatedNode } from "./kernel/SimulatedNode.ts"
import type { Machine } from "./Machine.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface WorkerOptions {
  readonly machine: Machine
  /** The log as a process on this node sees it; undefined if there is none to be seen yet. */
  readonly connect: (node: SimulatedNode) => JobLogOperations | undefined
  /** What a process runs. */
  readonly layer: (node: SimulatedNode) => Layer.Layer<never, unknown, JobLog>
  readonly startFailed: (message: string) => void
}

/** Between two tries to start, milliseconds. */
const restartMillis = 700

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Worker {
  readonly machine: Machine
  state: "down" | "starting" | "up" | "stopping" = "down"
  /** Why the latest try to start failed, if it did. */
  failure: string | undefined
  readonly #options: WorkerOptions
  #scope: Scope.Closeable | undefined

  constructor(options: WorkerOptions) {
    this.machine = options.machine
    this.#options = options
  }

  /** Starts a process of its own. */
  boot(): void {
    this.join(this.machine.boot())
  }

  /** Starts in a process that runs already, beside what else runs there. */
  join(node: SimulatedNode): void {
    const { connect, layer, startFailed } = this.#options
    this.state = "starting"
    this.machine.start(
      Effect.gen({ self: this }, function* () {
        for (;;) {
          const log = connect(node)
          if (log !== undefined) {
            const scope = yield* Scope.make()
            // a layer may throw before it is one
            const live = Layer.suspend(() => Layer.provide(layer(node), Layer.succeed(JobLog, log)))
            const exit = yield* Effect.exit(Layer.buildWithScope(live, scope))
            if (Exit.isSuccess(exit)) {
              this.#scope = scope
              this.failure = undefined
              this.state = "up"
              return
            }
            this.failure = `${node.name} does not start: ${String(Cause.squash(exit.cause))}`
            startFailed(this.failure)
            yield* Scope.close(scope, Exit.void)
          }
          yield* Effect.sleep(restartMillis)
        }
      })
    )
  }

  /** The process ends at this instant. */
  crash(): void {
    this.state = "down"
    this.#scope = undefined
    this.machine.node.crash()
  }

  /** Ends what runs in order; `done` is called in the process when it has. Nothing unless it is up. */
  shutDown(done: () => void): void {
    const scope = this.#scope
    if (scope === undefined || this.state !== "up") return
    this.#scope = undefined
    this.state = "stopping"
    this.machine.start(Scope.close(scope, Exit.void), () => {
      if (this.state === "stopping") this.state = "down"
      done()
    })
  }
}
