/**
 * A job log in Redis 6.2 and newer, or Valkey, on Streams.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { logFindings } from "../../log/DoctorReport.ts"
import { JobLog } from "../../log/JobLog.ts"
import type { JobLogOperations } from "../../log/JobLog.ts"
import { InvalidRequest, type LogError, NotWritable, refused, UnsupportedFormat } from "../../log/LogError.ts"
import { connect, type Connection } from "./Connection.ts"
import type { ConnectionOptions } from "./ConnectionOptions.ts"
import { library, type Library } from "./Library.ts"
import { defaultLogName, keysOf } from "./LogName.ts"
import { diagnose as examine, durabilityOf, evictionPolicy } from "./Doctor.ts"
import type { Report } from "./DoctorReport.ts"
import { capabilities } from "./RedisCapabilities.ts"
import * as Service from "./Service.ts"

export type { Address, Confirmation, ConnectionOptions, Credentials, Server } from "./ConnectionOptions.ts"
export { Level } from "../../log/DoctorReport.ts"
export { Check, Finding, Report } from "./DoctorReport.ts"
export { capabilities } from "./RedisCapabilities.ts"

/** The way in which keys are laid out, which is written with the log. */
const format = 1

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Options extends ConnectionOptions {
  /** Names the log on its server, and in a Cluster decides on which node it is; default `leasehold`. */
  readonly name?: string | undefined
  /** Examine the server when a layer starts, beside everything else, and log what is amiss; default true. */
  readonly selfCheck?: boolean | undefined
  /**
   * Start on a server that evicts keys when its memory is full; default false. Such a server may delete jobs that were
   * acknowledged.
   */
  readonly allowEviction?: boolean | undefined
}

/**
 * Options of a log on a single server.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface UrlOptions extends Omit<Options, "server"> {
  /** `redis://user:password@host:port/database`, `rediss://` for TLS, `redis+unix:///path`. */
  readonly url: Redacted.Redacted
}

/** Refuses what a later release wrote, and marks what is new. */
const checkFormat = Effect.fnUntraced(function* (connection: Connection, name: string) {
  const { first } = keysOf(name)
  const found = yield* connection.command("HGET", [first, "fmt"])
  if (found === null) {
    yield* connection.command("HSETNX", [first, "fmt", format])
    return
  }
  const version = Number(found)
  if (version === format) return
  return yield* refused("open", new UnsupportedFormat({ path: `the log ${name}`, found: version, supported: format }))
})

/** Refuses a server that may delete jobs by itself. */
const checkEviction = Effect.fnUntraced(function* (connection: Connection, allowed: boolean) {
  const policy = yield* evictionPolicy(connection)
  if (allowed || policy === undefined || policy === "noeviction") return
  const detail = `maxmemory-policy is ${policy}: the server may delete jobs; set it to noeviction, or accept that with allowEviction`
  return yield* refused("open", new NotWritable({ path: "the server", cause: "other", detail }))
})

/** Refuses a server that cannot tell when a write is synced: every call would be unknown. */
const checkSyncs = (connection: Connection, synced: boolean): Effect.Effect<void, LogError> =>
  synced
    ? connection.command("WAITAOF", [1, 0, 1]).pipe(
        Effect.asVoid,
        Effect.mapError((error) => {
          const detail = `needs Redis 7.2 or newer or Valkey, with appendonly yes: ${error.reason.message}`
          return error.reason._tag === "Unavailable" && error.reason.detail.startsWith("ERR ")
            ? refused("open", new InvalidRequest({ field: "replicas.synced", detail }))
            : error
        })
      )
    : Effect.void

const nameOf = (options: Options): string => options.name ?? defaultLogName

/** Logs what is amiss, once. */
const selfCheck = (connection: Connection, options: Options): Effect.Effect<void, never, Scope.Scope> =>
  options.selfCheck === false
    ? Effect.void
    : examine(connection, nameOf(options), options.replicas).pipe(
        Effect.flatMap(({ findings }) => logFindings(findings)),
        Effect.catchCause((cause) => Effect.logWarning("leasehold could not examine the server", cause)),
        Effect.forkScoped,
        Effect.asVoid
      )

/** A log and the connection it is on. */
const serve = Effect.fnUntraced(function* (
  options: Options,
  functions: Library
): Effect.fn.Return<{ readonly log: JobLogOperations; readonly connection: Connection }, LogError, Scope.Scope> {
  const name = nameOf(options)
  const connection = yield* connect(options, functions, name)
  yield* checkEviction(connection, options.allowEviction ?? false)
  yield* checkSyncs(connection, options.replicas?.synced ?? false)
  yield* checkFormat(connection, name)
  const durability = yield* durabilityOf(connection, options.replicas)
  return { log: yield* Service.make(connection, { ...capabilities, durability }), connection }
})

/**
 * The log with a library of functions of its own.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const makeWith = (
  options: Options,
  functions: Library
): Effect.Effect<JobLogOperations, LogError, Scope.Scope> => Effect.map(serve(options, functions), ({ log }) => log)

/**
 * The log of a name on a server. Its capabilities name the durability that the server's settings give.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = (options: Options): Effect.Effect<JobLogOperations, LogError, Scope.Scope> =>
  makeWith(options, library())

/**
 * The log as a layer.
 *
 * @since 0.1.0
 * @category layers
 * @stability unstable
 */
export const layer = (options: Options): Layer.Layer<JobLog, LogError> =>
  Layer.effect(
    JobLog,
    Effect.gen(function* () {
      const { connection, log } = yield* serve(options, library())
      yield* selfCheck(connection, options)
      return log
    })
  )

/**
 * The log as a layer, on the single server of a URL.
 *
 * @since 0.1.0
 * @category layers
 * @stability unstable
 */
export const layerUrl = ({ url, ...options }: UrlOptions): Layer.Layer<JobLog, LogError> =>
  layer({ ...options, server: { _tag: "Url", url } })

/**
 * Examines a server: what it is, what it promises, and what stands in the log's way.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const diagnose = (options: Options): Effect.Effect<Report, LogError> =>
  Effect.scoped(
    Effect.flatMap(connect(options, library(), nameOf(options)), (connection) =>
      examine(connection, nameOf(options), options.replicas)
    )
  )
