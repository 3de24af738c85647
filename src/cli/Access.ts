/**
 * How commands reach a log: which one the command line and the environment mean, and how to read and change it. A file
 * log is read beside whoever owns it and changed through its owner; a Postgres log is a server that many share.
 *
 * @since 0.1.0
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Flag from "effect/cli/Flag"
import { isSchemaName, schemaNameExpected } from "../backends/postgres/SchemaName.ts"
import * as ConfiguredLog from "../ConfiguredLog.ts"
import type { JobLogOperations } from "../log/JobLog.ts"
import { type LogError, refused, Unsupported } from "../log/LogError.ts"
import { type JobQueueOperations, make as makeQueue } from "../scheduler/JobQueue.ts"
import { WrongUsage } from "./Failure.ts"
import { note } from "./Output.ts"

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
 * The flags that say where a Postgres log is.
 *
 * @since 0.1.0
 * @category flags
 * @stability unstable
 */
export const postgresFlags = {
  url: Flag.Redacted("url").pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription("The Postgres log's database; better LEASEHOLD_POSTGRES_URL, which other users cannot see"),
    Flag.optional
  ),
  schema: Flag.String("schema").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("The Postgres log's schema; default LEASEHOLD_POSTGRES_SCHEMA, or leasehold"),
    Flag.optional
  )
}

/**
 * The flags that say which log a command is about.
 *
 * @since 0.1.0
 * @category flags
 * @stability unstable
 */
export const where = {
  log: Flag.Literals("log", ["file", "postgres"]).pipe(
    Flag.withDescription("Which log; default what the other flags say, or LEASEHOLD_LOG"),
    Flag.optional
  ),
  directory: Flag.String("directory").pipe(
    Flag.withAlias("d"),
    Flag.withMetavar("DIR"),
    Flag.withDescription("The file log's directory; default LEASEHOLD_DIRECTORY"),
    Flag.optional
  ),
  ...postgresFlags
}

/**
 * What the flags of {@link postgresFlags} said.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface PostgresGiven {
  readonly url: Option.Option<Redacted.Redacted>
  readonly schema: Option.Option<string>
}

/**
 * What the flags of {@link where} said.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Where extends PostgresGiven {
  readonly log: Option.Option<"file" | "postgres">
  readonly directory: Option.Option<string>
}

/**
 * Where a Postgres log is.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface PostgresPlace {
  readonly url: Redacted.Redacted
  readonly schema: string
}

/**
 * Where the flags, or else the environment, say that the Postgres log is.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const postgresPlace = Effect.fnUntraced(function* (
  given: PostgresGiven
): Effect.fn.Return<PostgresPlace, WrongUsage | Config.ConfigError> {
  const settings = yield* ConfiguredLog.postgresSettings
  const schema = Option.getOrElse(given.schema, () => settings.schema)
  if (!isSchemaName(schema)) return yield* new WrongUsage({ detail: `--schema is not ${schemaNameExpected}` })
  if (Option.isSome(given.url)) {
    if (!ConfiguredLog.isPostgresUrl(Redacted.value(given.url.value))) {
      return yield* new WrongUsage({ detail: `--url is not ${ConfiguredLog.postgresUrlExpected}` })
    }
    note("leasehold: warning: others on this machine can see --url; set LEASEHOLD_POSTGRES_URL instead")
    return { url: given.url.value, schema }
  }
  const url = yield* ConfiguredLog.postgresUrl
  if (Option.isSome(url)) return { url: url.value, schema }
  return yield* new WrongUsage({ detail: "which database? Set LEASEHOLD_POSTGRES_URL, or give its --url" })
})

/** Which log is meant: by its name, else by the flags that only one kind has, else by the environment. */
const kindOf = Effect.fnUntraced(function* (
  given: Where
): Effect.fn.Return<"file" | "postgres", WrongUsage | Config.ConfigError> {
  const file = Option.isSome(given.directory)
  const postgres = Option.isSome(given.url) || Option.isSome(given.schema)
  const named = Option.getOrUndefined(given.log)
  if ((file && postgres) || (file && named === "postgres") || (postgres && named === "file")) {
    return yield* new WrongUsage({ detail: "--directory is a file log's, --url and --schema are a Postgres log's" })
  }
  if (named !== undefined) return named
  if (file) return "file"
  if (postgres) return "postgres"
  const configured = yield* ConfiguredLog.logName
  if (configured !== "memory") return configured
  return yield* new WrongUsage({ detail: "LEASEHOLD_LOG is memory, and a memory log is within its process alone" })
})

/**
 * The directory of the file log that is meant, absolute.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const fileDirectory = Effect.fnUntraced(function* (
  given: Option.Option<string>
): Effect.fn.Return<string, WrongUsage | Config.ConfigError> {
  const directory = Option.isSome(given) ? given : yield* ConfiguredLog.directory
  if (Option.isSome(directory)) return Path.resolve(directory.value)
  return yield* new WrongUsage({ detail: "which log? Give its directory, or set LEASEHOLD_DIRECTORY" })
})

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
 * Why a log cannot be opened.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export type AccessError = LogError | NoLog | WrongUsage | ConfiguredLog.MissingPackage | Config.ConfigError

const opened = (part: Parameters<typeof partial>[0]): OpenLog => {
  const log = partial(part)
  return { log, queue: makeQueue(log) }
}

const sharedLog = Effect.fnUntraced(function* (given: Where) {
  const { openPostgres } = yield* ConfiguredLog.loadPostgres(() => import("./PostgresAccess.ts"))
  const log = yield* openPostgres(yield* postgresPlace(given))
  return { log, queue: makeQueue(log) }
})

/**
 * A log to look at. A file log may be in use by its owner; what is seen is what was durable when it was opened.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const reading: (given: Where) => Effect.Effect<OpenLog, AccessError, Scope.Scope> = Effect.fnUntraced(
  function* (given) {
    if ((yield* kindOf(given)) === "postgres") return yield* sharedLog(given)
    const directory = yield* fileDirectory(given.directory)
    yield* mustHoldLog(directory)
    const { readDirectory } = yield* Effect.promise(() => import("../backends/file/FileReader.ts"))
    return opened(yield* readDirectory(directory))
  }
)

/**
 * A log to change: a file log through its live owner, else opened for the while. Fails with `OwnedBy` where the owner
 * lives and cannot be asked.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const writing: (given: Where) => Effect.Effect<OpenLog, AccessError, Scope.Scope> = Effect.fnUntraced(
  function* (given) {
    if ((yield* kindOf(given)) === "postgres") return yield* sharedLog(given)
    const directory = yield* fileDirectory(given.directory)
    yield* mustHoldLog(directory)
    const settings = yield* ConfiguredLog.fileSettings
    const { openForControl } = yield* Effect.promise(() => import("../backends/file/control/RemoteLog.ts"))
    return opened(yield* openForControl({ directory, ...settings }))
  }
)
