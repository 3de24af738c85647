/**
 * A job log in PostgreSQL 13 and newer.
 *
 * @since 0.1.0
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { atTheEdge, JobLog } from "../../log/JobLog.ts"
import type { JobLogOperations } from "../../log/JobLog.ts"
import { InvalidRequest, type LogError, refused } from "../../log/LogError.ts"
import * as Migrations from "./Migrations.ts"
import { operations } from "./Operations.ts"
import { capabilities } from "./PostgresCapabilities.ts"

export { diagnose } from "./Doctor.ts"
export { Check, Finding, Level, Report } from "./DoctorReport.ts"
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
}

const schemaPattern = /^[a-z_][a-z0-9_]{0,47}$/

/**
 * The log in a schema, through a client. Fails if the schema is missing or of another version, unless it may migrate.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = (options?: Options): Effect.Effect<JobLogOperations, LogError, PgClient.PgClient> =>
  Effect.flatMap(PgClient.PgClient, (sql) => {
    const schema = options?.schema ?? "leasehold"
    if (!schemaPattern.test(schema)) {
      const detail = "must be a lower-case identifier of at most 48 characters"
      return Effect.fail(refused("open", new InvalidRequest({ field: "schema", detail })))
    }
    return Effect.as(
      Effect.andThen(
        options?.migrate === true ? Migrations.up(sql, schema) : Effect.void,
        Migrations.verify(sql, schema)
      ),
      atTheEdge({ capabilities, ...operations(sql, schema), changes: () => Effect.never })
    )
  })

/**
 * The log as a layer, through the program's own client, so that enqueue joins its transactions.
 *
 * @since 0.1.0
 * @category layers
 * @stability unstable
 */
export const layer = (options?: Options): Layer.Layer<JobLog, LogError, PgClient.PgClient> =>
  Layer.effect(JobLog, make(options))
