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
 * One empty log, shared with nobody, and the hands to move its time and to do it harm.
 *
 * The optional hands are for what the log claims: a law that needs a missing one is reported as `untested`, unless the
 * harness says in `cannot` why no such thing can be done to this log. Any hand may open the log anew; the operations
 * that it answers then are used from there on, and those from before are as dead as their process.
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
  /** For a durable log: closes it in good order and opens it again: a deployment, or a new connection to a server. */
  readonly restart?: Effect.Effect<JobLogOperations, LogError> | undefined
  /**
   * For a log that keeps its own storage: stops it, spoils some of what it had acknowledged (`seed` chooses where: a
   * byte, a block, a missing file) and tries to open it again. What was acknowledged and is spoilt must be restored
   * from elsewhere or make this fail, with the reason `Corrupt`; silently losing it breaks `haltOnDamage`.
   */
  readonly damage?: ((options: { readonly seed: number }) => Effect.Effect<JobLogOperations, LogError>) | undefined
  /**
   * For a log that keeps its own storage: the next `times` times (`Infinity`: always) that it makes something durable,
   * the storage reports a failure, and what was written since the last success may be gone. 0 makes it sound again.
   */
  readonly failSync?: ((options: { readonly times: number }) => Effect.Effect<void>) | undefined
  /** For a log with one owner: tries to open the same storage a second time, while the first is open. */
  readonly openSecond?: Effect.Effect<JobLogOperations, LogError, Scope.Scope> | undefined
  /** Sets the wall clock that the log reads forward or back by so many milliseconds, without any time passing. */
  readonly stepClock?: ((millis: number) => Effect.Effect<void>) | undefined
  /**
   * For a log whose storage has a format: stops it, marks its storage as written by a later release, and tries to open
   * it again. Must fail, with the reason `UnsupportedFormat`.
   */
  readonly newerFormat?: Effect.Effect<JobLogOperations, LogError> | undefined
  /**
   * For a log that rewrites its storage: does so now, as far as it can, and ends when it is done. Whatever it takes to
   * bring that about must not be seen in any job.
   */
  readonly compact?: Effect.Effect<void, LogError> | undefined
  /** Bytes that the log has written to its storage so far. */
  readonly written?: Effect.Effect<number> | undefined
}

/**
 * What can be done to a log under test beyond calling it.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Hand = Exclude<keyof TestLog, "log" | "advance">

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
  /**
   * Why a hand cannot exist for this log, for example `{ crash: "a hosted service" }`: laws that need the hand count as
   * not claimed, and the report gives this reason.
   */
  readonly cannot?: Partial<Readonly<Record<Hand, string>>> | undefined
}

/**
 * All hands, in the order of a report.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export const hands: ReadonlyArray<Hand> = [
  "crash",
  "restart",
  "damage",
  "failSync",
  "openSecond",
  "stepClock",
  "newerFormat",
  "compact",
  "written"
]
