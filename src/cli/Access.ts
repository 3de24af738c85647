/**
 * How commands reach a log: which one the command line and the environment mean, and how to read and change it. A file
 * log is read beside whoever owns it and changed through its owner; a Postgres or Redis log is on a server that many share.
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
import { isLogName, logNameExpected } from "../backends/redis/LogName.ts"
import * as ConfiguredLog from "../ConfiguredLog.ts"
import type { JobLogOperations } from "../log/JobLog.ts"
import type { LogError } from "../log/LogError.ts"
import { type JobQueueOperations, make as makeQueue } from "../scheduler/JobQueue.ts"
import { WrongUsage } from "./Failure.ts"
import { note } from "./Output.ts"
import { partial } from "./PartialLog.ts"

/**
 * There is no log where the command looks.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class NoLog extends Schema.TaggedError<NoLog>()("NoLog", { where: Schema.String, detail: Schema.String }) {
  override get message(): string {
    return `there is no log ${this.where}: ${this.detail}`
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
 * The flags that say where the log of a server is, of whichever kind.
 *
 * @since 0.1.0
 * @category flags
 * @stability unstable
 */
export const serverFlags = {
  ...postgresFlags,
  url: Flag.Redacted("url").pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription(
      "The Postgres log's database or the Redis log's server; better LEASEHOLD_POSTGRES_URL or LEASEHOLD_REDIS_URL, which other users cannot see"
    ),
    Flag.optional
  ),
  logName: Flag.String("log-name").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("The Redis log's name on its server; default LEASEHOLD_REDIS_NAME, or leasehold"),
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
  log: Flag.Literals("log", ["file", "postgres", "redis"]).pipe(
    Flag.withDescription("Which log; default what the other flags say, or LEASEHOLD_LOG"),
    Flag.optional
  ),
  directory: Flag.String("directory").pipe(
    Flag.withAlias("d"),
    Flag.withMetavar("DIR"),
    Flag.withDescription("The file log's directory; default LEASEHOLD_DIRECTORY"),
    Flag.optional
  ),
  ...serverFlags
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
 * What the flags about a Redis log said.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface RedisGiven {
  readonly url: Option.Option<Redacted.Redacted>
  readonly logName: Option.Option<string>
}

/**
 * What the flags about the log of a server said.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ServerGiven extends PostgresGiven, RedisGiven {
  readonly log: Option.Option<"file" | "postgres" | "redis">
}

/**
 * What the flags of {@link where} said.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Where extends ServerGiven {
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
 * Where a Redis log is.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface RedisPlace {
  readonly url: Redacted.Redacted
  readonly name: string
}

const wrong = (detail: string): WrongUsage => new WrongUsage({ detail })

/** The flag's URL if it is one, or else the variable's. */
const urlOf = Effect.fnUntraced(function* (
  given: Option.Option<Redacted.Redacted>,
  isUrl: (text: string) => boolean,
  expected: string,
  variable: string,
  configured: Config.Config<Option.Option<Redacted.Redacted>>
): Effect.fn.Return<Option.Option<Redacted.Redacted>, WrongUsage | Config.ConfigError> {
  if (Option.isNone(given)) return yield* configured
  if (!isUrl(Redacted.value(given.value))) return yield* wrong(`--url is not ${expected}`)
  note(`leasehold: warning: others on this machine can see --url; set ${variable} instead`)
  return given
})

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
  const { isPostgresUrl, postgresSettings, postgresUrl, postgresUrlExpected } = ConfiguredLog
  const settings = yield* postgresSettings
  const schema = Option.getOrElse(given.schema, () => settings.schema)
  if (!isSchemaName(schema)) return yield* wrong(`--schema is not ${schemaNameExpected}`)
  const url = yield* urlOf(given.url, isPostgresUrl, postgresUrlExpected, "LEASEHOLD_POSTGRES_URL", postgresUrl)
  if (Option.isSome(url)) return { url: url.value, schema }
  return yield* wrong("which database? Set LEASEHOLD_POSTGRES_URL, or give its --url")
})

/**
 * Where the flags, or else the environment, say that the Redis log is.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const redisPlace = Effect.fnUntraced(function* (
  given: RedisGiven
): Effect.fn.Return<RedisPlace, WrongUsage | Config.ConfigError> {
  const { isRedisUrl, redisSettings, redisUrl, redisUrlExpected } = ConfiguredLog
  const settings = yield* redisSettings
  const name = Option.getOrElse(given.logName, () => settings.name)
  if (!isLogName(name)) return yield* wrong(`--log-name is not ${logNameExpected}`)
  const url = yield* urlOf(given.url, isRedisUrl, redisUrlExpected, "LEASEHOLD_REDIS_URL", redisUrl)
  if (Option.isSome(url)) return { url: url.value, name }
  return yield* wrong("which Redis server? Set LEASEHOLD_REDIS_URL, or give its --url")
})

type Kind = "file" | "postgres" | "redis"

/** Which log the flags mean: by its name, by a flag that only one kind has, or by its URL; undefined where none says. */
const kindGiven = Effect.fnUntraced(function* (
  given: ServerGiven & Partial<Pick<Where, "directory">>
): Effect.fn.Return<Kind | undefined, WrongUsage> {
  const { directory = Option.none(), log, logName, schema, url } = given
  const said: ReadonlyArray<Kind> = [
    ...Option.toArray(log),
    ...Option.toArray(directory).map(() => "file" as const),
    ...Option.toArray(schema).map(() => "postgres" as const),
    ...Option.toArray(logName).map(() => "redis" as const)
  ]
  const [kind] = said
  if (said.some((each) => each !== kind) || (kind === "file" && Option.isSome(url))) {
    return yield* wrong(
      "--directory is a file log's, --schema a Postgres log's, --log-name a Redis log's, and --url is a server's"
    )
  }
  if (kind !== undefined || Option.isNone(url)) return kind
  const text = Redacted.value(url.value)
  if (ConfiguredLog.isPostgresUrl(text)) return "postgres"
  if (ConfiguredLog.isRedisUrl(text)) return "redis"
  return yield* wrong(`--url is neither ${ConfiguredLog.postgresUrlExpected} nor ${ConfiguredLog.redisUrlExpected}`)
})

/** Which log is meant, by the flags or else by the environment. */
const kindOf = Effect.fnUntraced(function* (given: Where): Effect.fn.Return<Kind, WrongUsage | Config.ConfigError> {
  const kind = (yield* kindGiven(given)) ?? (yield* ConfiguredLog.logName)
  if (kind !== "memory") return kind
  return yield* wrong("LEASEHOLD_LOG is memory, and a memory log is within its process alone")
})

/**
 * Which server's log is meant: by the flags, by `LEASEHOLD_LOG`, or by the one URL that is set.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const serverKind = Effect.fnUntraced(function* (
  given: ServerGiven
): Effect.fn.Return<"postgres" | "redis", WrongUsage | Config.ConfigError> {
  const kind = (yield* kindGiven(given)) ?? (yield* ConfiguredLog.logName)
  if (kind === "postgres" || kind === "redis") return kind
  const [postgres, redis] = [yield* ConfiguredLog.postgresUrl, yield* ConfiguredLog.redisUrl]
  if (Option.isSome(postgres) !== Option.isSome(redis)) return Option.isSome(postgres) ? "postgres" : "redis"
  return yield* wrong("which server? Set LEASEHOLD_POSTGRES_URL or LEASEHOLD_REDIS_URL, or give its --url")
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
  return yield* wrong("which log? Give its directory, or set LEASEHOLD_DIRECTORY")
})

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
      return Effect.fail(new NoLog({ where: `in ${path}`, detail }))
    }
    return names.some((name) => name.endsWith(".seg"))
      ? Effect.void
      : Effect.fail(new NoLog({ where: `in ${path}`, detail: "no segment file is in it" }))
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

/** The log of a server, whose processes all share it; undefined where a file log is meant. */
const sharedLog = Effect.fnUntraced(function* (given: Where) {
  const kind = yield* kindOf(given)
  if (kind === "file") return undefined
  let log: JobLogOperations
  if (kind === "postgres") {
    const { openPostgres } = yield* ConfiguredLog.loadPostgres(() => import("./PostgresAccess.ts"))
    log = yield* openPostgres(yield* postgresPlace(given))
  } else {
    const { exists, openRedis } = yield* ConfiguredLog.loadRedis(() => import("./RedisAccess.ts"))
    const place = yield* redisPlace(given)
    if (!(yield* exists(place))) {
      return yield* new NoLog({ where: `named ${place.name} on the server`, detail: "nobody has opened it there" })
    }
    log = yield* openRedis(place)
  }
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
    const shared = yield* sharedLog(given)
    if (shared !== undefined) return shared
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
    const shared = yield* sharedLog(given)
    if (shared !== undefined) return shared
    const directory = yield* fileDirectory(given.directory)
    yield* mustHoldLog(directory)
    const settings = yield* ConfiguredLog.fileSettings
    const { openForControl } = yield* Effect.promise(() => import("../backends/file/control/RemoteLog.ts"))
    return opened(yield* openForControl({ directory, ...settings }))
  }
)
