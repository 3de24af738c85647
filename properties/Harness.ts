/**
 * What the author of a log supplies so that the laws can be checked against it.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Capabilities } from "../src/log/Capabilities.ts"
import type { JobLogOperations } from "../src/log/JobLog.ts"
import type { LogError } from "../src/log/LogError.ts"

/**
 * One empty log, shared with nobody, and the hands to move its time and to crash it.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface TestLog {
  readonly log: JobLogOperations
  /** Moves the log's time forward by this many milliseconds: a virtual clock, or real waiting. */
  readonly advance: (millis: number) => Effect.Effect<void>
  /**
   * For a durable log: stops it at this very instant without any farewell, loses whatever was not durable (`seed`
   * chooses what of it survives, where that varies) and opens it again from its storage. Operations that were in
   * flight may hang or fail, but must not report success any more.
   */
  readonly crash?: ((options: { readonly seed: number }) => Effect.Effect<JobLogOperations, LogError>) | undefined
}

/**
 * How to make logs to be checked.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Harness {
  /** Shown in reports. */
  readonly name: string
  /** What the log claims, if that is to differ from what it declares itself. */
  readonly capabilities?: Capabilities | undefined
  /** A fresh log per run; its scope ends after the run, also when the log was crashed. */
  readonly make: Effect.Effect<TestLog, LogError, Scope.Scope>
  /** Real milliseconds to wait for a wake-up before it counts as lost; default 5000. */
  readonly patience?: number | undefined
}
