/**
 * The machine that has the log: it opens it, loses it with its process, and opens it again.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { capabilities as fileCapabilities } from "../backends/file/FileCapabilities.ts"
import type { Capabilities } from "../log/Capabilities.ts"
import type { JobLogOperations } from "../log/JobLog.ts"
import type { LogError } from "../log/LogError.ts"
import type { Machine } from "./Machine.ts"
import type { Server } from "./Network.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface LogHostOptions {
  readonly machine: Machine
  /** Opens the log in a new process. */
  readonly open: Effect.Effect<JobLogOperations, LogError, Scope.Scope>
  /** Called with the log of each process, before anybody can use it; answers what they use. */
  readonly opened: (log: JobLogOperations) => JobLogOperations
  readonly openFailed: (error: LogError | undefined, message: string) => void
}

/** Between two tries to open a log that could not be opened, milliseconds: whoever watches over the process. */
const restartMillis = 500

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class LogHost implements Server {
  readonly machine: Machine
  log: JobLogOperations | undefined
  capabilities: Capabilities = fileCapabilities
  /** Times that the log was opened. */
  openings = 0
  /** Why the latest try to open it failed, if it did. */
  failure: string | undefined
  readonly #options: LogHostOptions
  #scope: Scope.Closeable | undefined

  constructor(options: LogHostOptions) {
    this.machine = options.machine
    this.#options = options
  }

  get node() {
    return this.machine.node
  }

  /** Starts a process that opens the log, as often as it takes. */
  boot(): void {
    this.log = undefined
    this.#scope = undefined
    this.machine.boot()
    this.machine.start(this.#opening())
  }

  #opening(): Effect.Effect<void> {
    const { open, opened, openFailed } = this.#options
    return Effect.gen({ self: this }, function* () {
      for (;;) {
        const scope = yield* Scope.make()
        const exit = yield* Effect.exit(Scope.provide(open, scope))
        if (Exit.isSuccess(exit)) {
          this.#scope = scope
          this.openings++
          this.failure = undefined
          this.capabilities = exit.value.capabilities
          this.log = opened(exit.value)
          return
        }
        yield* Scope.close(scope, Exit.void)
        const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
        const message = error?.message ?? String(Cause.squash(exit.cause))
        this.failure = `the log does not open: ${message}`
        openFailed(error, message)
        yield* Effect.sleep(restartMillis)
      }
    })
  }

  /** The process ends at this instant. */
  crash(): void {
    this.log = undefined
    this.#scope = undefined
    this.machine.node.crash()
  }

  /** Closes the log as a process does that ends in order; `done` is called when it has. */
  close(done: () => void): void {
    const scope = this.#scope
    this.log = undefined
    this.#scope = undefined
    if (scope === undefined) return done()
    this.machine.start(Scope.close(scope, Exit.void), done)
  }

  /** Asks the log from inside of its own process, past the network. Undefined if that process is gone by the answer. */
  ask<A>(
    question: (log: JobLogOperations) => Effect.Effect<A, LogError>,
    answer: (exit: Exit.Exit<A, LogError>) => void
  ): void {
    const { log } = this
    if (log !== undefined) this.machine.start(question(log), answer)
  }
}
