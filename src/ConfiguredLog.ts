/**
 * The log that the environment chooses, so that a program's code names none.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Options } from "./backends/file/FileLog.ts"
import { isSchemaName, schemaNameExpected } from "./backends/postgres/SchemaName.ts"
import { defaultLogName, isLogName, logNameExpected } from "./backends/redis/LogName.ts"
import type { JobLog } from "./log/JobLog.ts"
import type { LogError } from "./log/LogError.ts"
import * as Setting from "./scheduler/Setting.ts"

/**
 * The logs that can be chosen by name.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export const logNames = ["file", "memory", "postgres", "redis"] as const

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type LogName = (typeof logNames)[number]

/**
 * `LEASEHOLD_LOG`: which log. A name that is not built in fails and lists those that are.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const logName: Config.Config<LogName> = Setting.choice(
  "LEASEHOLD_LOG",
  "file",
  logNames,
  "a log of this release"
)

const mebibyte = 1024 ** 2

/**
 * How to open a file log, apart from where.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const fileSettings: Config.Config<Omit<Options, "directory" | "disk">> = Config.all({
  segmentBytes: Setting.bytes("LEASEHOLD_SEGMENT_SIZE", 32 * mebibyte, 4096, 1024 * mebibyte),
  diskReserve: Setting.bytes("LEASEHOLD_DISK_RESERVE", 64 * mebibyte, 0, 1024 * 1024 * mebibyte),
  acceptClockAhead: Setting.flag("LEASEHOLD_ACCEPT_CLOCK_AHEAD", false)
})

/**
 * `LEASEHOLD_DIRECTORY`: where the file log lives, if set.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const directory: Config.Config<Option.Option<string>> = Setting.optionalText("LEASEHOLD_DIRECTORY", 4096)

// A default place would depend on where the process was started, and a service started elsewhere would lose its jobs.
const directoryNeeded = Config.fail(
  new ConfigProvider.SourceError({
    message:
      "LEASEHOLD_DIRECTORY is not set: the file log needs the directory that holds it (or choose another LEASEHOLD_LOG)"
  })
)

const fileOptions: Config.Config<Options> = Config.all({
  directory: Config.flatMap(
    directory,
    Option.match({ onNone: () => directoryNeeded, onSome: (path) => Config.succeed(path) })
  ),
  settings: fileSettings
}).pipe(Config.map((all) => ({ directory: all.directory, ...all.settings })))

/**
 * What a connection string looks like, for messages.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const postgresUrlExpected = "a connection string such as postgres://user:password@host:5432/database"

/**
 * Whether a text is the URL of a Postgres database.
 *
 * @since 0.1.0
 * @category guards
 * @stability unstable
 */
export const isPostgresUrl = (text: string): boolean => {
  const protocol = URL.canParse(text) ? new URL(text).protocol : ""
  return protocol === "postgres:" || protocol === "postgresql:"
}

const wrong = (message: string): Config.Config<never> => Config.fail(new ConfigProvider.SourceError({ message }))

const optionalUrl = (
  name: string,
  isUrl: (text: string) => boolean,
  expected: string
): Config.Config<Option.Option<Redacted.Redacted>> =>
  Config.flatMap(Config.option(Config.Redacted(name)), (found) =>
    Option.isNone(found) || isUrl(Redacted.value(found.value))
      ? Config.succeed(found)
      : wrong(`${name} is not ${expected}`)
  )

/**
 * `LEASEHOLD_POSTGRES_URL`: where the Postgres log lives, if set. It may hold a password, so no message shows it.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const postgresUrl: Config.Config<Option.Option<Redacted.Redacted>> = optionalUrl(
  "LEASEHOLD_POSTGRES_URL",
  isPostgresUrl,
  postgresUrlExpected
)

const schemaName = Config.flatMap(Setting.text("LEASEHOLD_POSTGRES_SCHEMA", "leasehold", 48), (name) =>
  isSchemaName(name)
    ? Config.succeed(name)
    : wrong(`LEASEHOLD_POSTGRES_SCHEMA: ${JSON.stringify(name)} is not ${schemaNameExpected}`)
)

/**
 * How to use a Postgres log, apart from where its server is.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const postgresSettings = Config.all({
  schema: schemaName,
  migrate: Setting.flag("LEASEHOLD_POSTGRES_MIGRATE", false),
  maxConnections: Setting.integer("LEASEHOLD_POSTGRES_CONNECTIONS", 10, 2, 1_000)
})

const postgresOptions = Config.all({
  url: Config.flatMap(
    postgresUrl,
    Option.match({
      onNone: () => wrong(`LEASEHOLD_POSTGRES_URL is not set: the Postgres log needs ${postgresUrlExpected}`),
      onSome: (url) => Config.succeed(url)
    })
  ),
  settings: postgresSettings
})

/**
 * What the URL of a Redis server looks like, for messages.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const redisUrlExpected = "a URL such as redis://user:password@host:6379, or rediss:// for TLS"

/**
 * Whether a text is the URL of a Redis server.
 *
 * @since 0.1.0
 * @category guards
 * @stability unstable
 */
export const isRedisUrl = (text: string): boolean =>
  URL.canParse(text) && ["redis:", "rediss:", "redis+unix:"].includes(new URL(text).protocol)

/**
 * `LEASEHOLD_REDIS_URL`: the server of the Redis log, if set. It may hold a password, so no message shows it.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const redisUrl: Config.Config<Option.Option<Redacted.Redacted>> = optionalUrl(
  "LEASEHOLD_REDIS_URL",
  isRedisUrl,
  redisUrlExpected
)

const redisName = Config.flatMap(Setting.text("LEASEHOLD_REDIS_NAME", defaultLogName, 48), (name) =>
  isLogName(name)
    ? Config.succeed(name)
    : wrong(`LEASEHOLD_REDIS_NAME: ${JSON.stringify(name)} is not ${logNameExpected}`)
)

/**
 * How to use a Redis log, apart from where its server is.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const redisSettings = Config.all({ name: redisName })

const redisOptions = Config.all({
  url: Config.flatMap(
    redisUrl,
    Option.match({
      onNone: () => wrong(`LEASEHOLD_REDIS_URL is not set: the Redis log needs ${redisUrlExpected}`),
      onSome: (url) => Config.succeed(url)
    })
  ),
  settings: redisSettings
})

/**
 * The chosen log needs a package that is not installed.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class MissingPackage extends Schema.TaggedError<MissingPackage>()("MissingPackage", {
  log: Schema.String,
  name: Schema.String
}) {
  /** The command line ends with the exit code of wrong usage. */
  readonly nothingTried = true
  override get message(): string {
    return `the log ${this.log} needs the package ${this.name}: npm install ${this.name}`
  }
}

const isMissing = (error: unknown, name: string): boolean =>
  Predicate.hasProperty(error, "code") &&
  error.code === "ERR_MODULE_NOT_FOUND" &&
  error instanceof Error &&
  error.message.includes(`'${name}'`)

const loading =
  (log: LogName, name: string) =>
  <A>(load: () => Promise<A>): Effect.Effect<A, MissingPackage> =>
    Effect.catchDefect(Effect.promise(load), (error) =>
      isMissing(error, name) ? Effect.fail(new MissingPackage({ log, name })) : Effect.die(error)
    )

/**
 * Loads a module of the Postgres log, which needs the package `@effect/sql-pg`.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const loadPostgres = loading("postgres", "@effect/sql-pg")

/**
 * Loads a module of the Redis log, which needs the package `ioredis`.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const loadRedis = loading("redis", "ioredis")

/**
 * The log of `LEASEHOLD_LOG` with its settings. Only the chosen one is loaded.
 *
 * @since 0.1.0
 * @category layers
 * @stability unstable
 */
export const layer: Layer.Layer<JobLog, LogError | MissingPackage | Config.ConfigError> = Layer.unwrap(
  Effect.gen(function* () {
    const name = yield* logName
    switch (name) {
      case "memory": {
        const MemoryLog = yield* Effect.promise(() => import("./backends/memory/MemoryLog.ts"))
        return MemoryLog.layer()
      }
      case "postgres": {
        const { settings, url } = yield* postgresOptions
        const PostgresLog = yield* loadPostgres(() => import("./backends/postgres/PostgresLog.ts"))
        return PostgresLog.layerUrl({ url, ...settings })
      }
      case "redis": {
        const { settings, url } = yield* redisOptions
        const RedisLog = yield* loadRedis(() => import("./backends/redis/RedisLog.ts"))
        return RedisLog.layerUrl({ url, ...settings })
      }
      case "file": {
        const options = yield* fileOptions
        const FileLog = yield* Effect.promise(() => import("./backends/file/FileLog.ts"))
        return FileLog.layer(options)
      }
    }
  })
)
