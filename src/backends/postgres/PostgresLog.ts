/**
 * A job log in PostgreSQL 13 and newer.
 *
 * @since 0.1.0
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { logFindings } from "../../log/DoctorReport.ts"
import { JobLog } from "../../log/JobLog.ts"
import type { JobLogOperations } from "../../log/JobLog.ts"
import { InvalidRequest, type LogError, refused } from "../../log/LogError.ts"
import { Completion, make as makeCompletion } from "./Completion.ts"
import { diagnose } from "./Doctor.ts"
import { failure } from "./Failure.ts"
import * as Migrations from "./Migrations.ts"
import { isSchemaName, schemaNameExpected } from "./SchemaName.ts"
import * as Service from "./Service.ts"
import { connectionSettings } from "./UrlClient.ts"

export { completeInTransaction, Completion, NotHeld } from "./Completion.ts"
export { diagnose } from "./Doctor.ts"
export { Level } from "../../log/DoctorReport.ts"
export { Check, Finding, Report } from "./DoctorReport.ts"
export { capabilities } from "./PostgresCapabilities.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Options {
  /** The schema that holds the log; default `leasehold`. */
  readonly schema?: string | undefined
  /** Apply missing migrations at the start; default false: a schema of another version is an error. */
  readonly migrate?: boolean | undefined
  /**
   * Hear the news of other processes by LISTEN, on a connection beside those of the client's pool; default true. Without
   * it, or where it cannot work, whoever waits looks for himself every 50 ms to 1 s.
   */
  readonly listen?: boolean | undefined
  /** Examine the server when a layer starts, beside everything else, and log what is amiss; default true. */
  readonly selfCheck?: boolean | undefined
}

/**
 * Options of a log that connects by itself.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface UrlOptions extends Options {
  /** `postgres://user:password@host:port/database`. */
  readonly url: Redacted.Redacted
  /** Most connections of the pool; default 10. LISTEN takes one more. */
  readonly maxConnections?: number | undefined
  /**
   * Keep statements prepared by name. Left out, it is found out at the start: poolers in transaction mode lose them.
   */
  readonly prepare?: boolean | undefined
}

/** Logs what is amiss, once. */
const selfCheck = (options: Options | undefined): Effect.Effect<void, never, PgClient.PgClient | Scope.Scope> =>
  options?.selfCheck === false
    ? Effect.void
    : PgClient.PgClient.pipe(
        Effect.flatMap((sql) =>
          Effect.updateContext(
            diagnose(sql, schemaOf(options)),
            (context: Context.Context<never>) =>
              // it may begin while a caller's transaction lasts, and must not be part of it
              Context.omit(sql.transactionService)(context) as Context.Context<never>
          )
        ),
        Effect.flatMap(({ findings }) => logFindings(findings)),
        Effect.catchCause((cause) => Effect.logWarning("leasehold could not examine the server", cause)),
        Effect.forkScoped,
        Effect.asVoid
      )

const schemaOf = (options: Options | undefined): string => options?.schema ?? "leasehold"

const serve = Effect.fnUntraced(function* (
  options: Options | undefined
): Effect.fn.Return<
  { readonly log: JobLogOperations; readonly completion: Completion["Service"] },
  LogError,
  PgClient.PgClient | Scope.Scope
> {
  const sql = yield* PgClient.PgClient
  const schema = schemaOf(options)
  if (!isSchemaName(schema)) {
    return yield* Effect.fail(
      refused("open", new InvalidRequest({ field: "schema", detail: `must be ${schemaNameExpected}` }))
    )
  }
  if (options?.migrate === true) yield* Migrations.up(sql, schema)
  yield* Migrations.verify(sql, schema)
  const service = yield* Service.make(sql, schema, options?.listen ?? true)
  return { log: service.log, completion: makeCompletion(sql, schema, service) }
})

/**
 * The log in a schema, through a client. Fails if the schema is missing or of another version, unless it may migrate.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = (options?: Options): Effect.Effect<JobLogOperations, LogError, PgClient.PgClient | Scope.Scope> =>
  Effect.map(serve(options), ({ log }) => log)

/**
 * The log as a layer, through the program's own client, so that enqueue joins its transactions, and handlers can
 * complete their jobs in theirs.
 *
 * @since 0.1.0
 * @category layers
 * @stability unstable
 */
export const layer = (options?: Options): Layer.Layer<JobLog | Completion, LogError, PgClient.PgClient> =>
  Layer.effectContext(
    Effect.map(Effect.tap(serve(options), selfCheck(options)), ({ completion, log }) =>
      Context.make(JobLog, log).pipe(Context.add(Completion, completion))
    )
  )

/**
 * The log as a layer, through a client of its own. Its operations join no transaction of the program.
 *
 * @since 0.1.0
 * @category layers
 * @stability unstable
 */
export const layerUrl = (options: UrlOptions): Layer.Layer<JobLog, LogError> =>
  Layer.effect(
    JobLog,
    Effect.gen(function* () {
      const settings = yield* connectionSettings(options)
      const sql = yield* PgClient.make({ ...settings, maxConnections: options.maxConnections ?? 10 })
      return yield* Effect.provideService(Effect.tap(make(options), selfCheck(options)), PgClient.PgClient, sql)
    }).pipe(
      Effect.provide(Reactivity.layer),
      Effect.mapError((error) => (error._tag === "SqlError" ? failure("open")(error) : error))
    )
  )
