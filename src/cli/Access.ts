/**
 * How commands reach a log in a directory: reading beside whoever owns it, writing through its owner.
 *
 * @since 0.1.0
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Flag from "effect/cli/Flag"
import { fileSettings } from "../ConfiguredLog.ts"
import type { JobLogOperations } from "../log/JobLog.ts"
import { type LogError, refused, Unsupported } from "../log/LogError.ts"
import { type JobQueueOperations, make as makeQueue } from "../scheduler/JobQueue.ts"

/**
 * The directory holds no log.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class NoLog extends Schema.TaggedError<NoLog>()("NoLog", { directory: Schema.String, detail: Schema.String }) {
  override get message(): string {
    return `there is no log in ${this.directory}: ${this.detail}`
  }
}

/**
 * `--directory`, or `LEASEHOLD_DIRECTORY`.
 *
 * @since 0.1.0
 * @category flags
 * @stability unstable
 */
export const directory = Flag.String("directory").pipe(
  Flag.withAlias("d"),
  Flag.withMetavar("DIR"),
  Flag.withDescription("The log's directory; default LEASEHOLD_DIRECTORY"),
  Flag.withFallbackConfig(Config.NonEmptyString("LEASEHOLD_DIRECTORY"))
)

/** A part of a log's operations as a log: what it has not is refused. */
const partial = (
  part: Pick<JobLogOperations, "read" | "capabilities"> & Partial<Pick<JobLogOperations, "control">>
): JobLogOperations => {
  const no = (operation: string) => () =>
    Effect.fail(
      refused(operation, new Unsupported({ capability: operation, detail: "it is open for inspection only" }))
    )
  return {
    open: no("open"),
    renew: no("renew"),
    close: no("close"),
    enqueue: no("enqueue"),
    claim: no("claim"),
    settle: no("settle"),
    reclaim: no("reclaim"),
    control: no("control"),
    changes: no("changes"),
    ...part
  }
}

/**
 * Refuses a directory in which nobody ever opened a log: a command must not create one by a slip of the pen.
 *
 * @since 0.1.0
 * @category guards
 * @stability unstable
 */
export const mustHoldLog = (path: string): Effect.Effect<void, NoLog> =>
  Effect.suspend(() => {
    let names: ReadonlyArray<string>
    try {
      names = Fs.readdirSync(path)
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error)
      return Effect.fail(new NoLog({ directory: path, detail }))
    }
    return names.some((name) => name.endsWith(".seg"))
      ? Effect.void
      : Effect.fail(new NoLog({ directory: path, detail: "no segment file is in it" }))
  })

/**
 * An open log, as its operations and as queues.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface OpenLog {
  readonly log: JobLogOperations
  readonly queue: JobQueueOperations
}

/**
 * A log to look at. It may be in use by its owner; what is seen is what was durable when it was opened.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const reading: (directory: string) => Effect.Effect<OpenLog, LogError | NoLog, Scope.Scope> = Effect.fnUntraced(
  function* (path) {
    const absolute = Path.resolve(path)
    yield* mustHoldLog(absolute)
    const { readDirectory } = yield* Effect.promise(() => import("../backends/file/FileReader.ts"))
    const log = partial(yield* readDirectory(absolute))
    return { log, queue: makeQueue(log) }
  }
)

/**
 * A log to change: through its live owner, else opened for the while. Fails with `OwnedBy` where the owner lives and
 * cannot be asked.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const writing: (
  directory: string
) => Effect.Effect<OpenLog, LogError | NoLog | Config.ConfigError, Scope.Scope> = Effect.fnUntraced(function* (path) {
  const absolute = Path.resolve(path)
  yield* mustHoldLog(absolute)
  const settings = yield* fileSettings
  const { openForControl } = yield* Effect.promise(() => import("../backends/file/control/RemoteLog.ts"))
  const log = partial(yield* openForControl({ directory: absolute, ...settings }))
  return { log, queue: makeQueue(log) }
})
