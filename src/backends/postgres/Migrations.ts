/**
 * Migrations: what the schema of a log is made of, version by version.
 *
 * A migration runs as one transaction under an advisory lock, so that many nodes may start at once. It may add; it
 * changes nothing that the version before it uses, so that a fleet of both works while it is rolled out. `readableBy`
 * names the oldest version that works with the schema afterwards.
 *
 * @since 0.1.0
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import { type LogError, NotWritable, refused, UnsupportedFormat } from "../../log/LogError.ts"
import { failure } from "./Failure.ts"
import { version1 } from "./sql/Schema.ts"

/**
 * One step of the schema.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Migration {
  readonly version: number
  readonly name: string
  /** The oldest version of the schema whose programs work with this one. */
  readonly readableBy: number
  /** The statements for a schema, given as a quoted identifier. */
  readonly up: (schema: string) => string
}

/**
 * All migrations, in order.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const migrations: ReadonlyArray<Migration> = [
  { version: 1, name: "jobs, sessions and the functions of the port", readableBy: 1, up: version1 }
]

/** The version of the schema that this release needs. */
const needed = Math.max(...migrations.map(({ version }) => version))

/**
 * A migration that a schema has.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Applied {
  readonly version: number
  readonly name: string
  readonly readableBy: number
  /** Unix milliseconds. */
  readonly appliedAt: number
}

/**
 * What a schema has and what it lacks.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Status {
  readonly schema: string
  readonly applied: ReadonlyArray<Applied>
  readonly missing: ReadonlyArray<Migration>
}

const toApplied = (row: ReadonlyArray<unknown>): Applied => ({
  version: Number(row[0]),
  name: String(row[1]),
  readableBy: Number(row[2]),
  appliedAt: Number(row[3])
})

const read = (sql: PgClient.PgClient, schema: string): Effect.Effect<ReadonlyArray<Applied>, SqlError> =>
  Effect.flatMap(sql.unsafe("SELECT to_regclass($1) IS NOT NULL", [`"${schema}".migration`]).values, (found) =>
    found[0]?.[0] === true
      ? Effect.map(
          sql.unsafe(
            `SELECT version, name, readable_by, floor(extract(epoch FROM applied_at) * 1000)::bigint
             FROM "${schema}".migration ORDER BY version`
          ).values,
          (rows) => rows.map(toApplied)
        )
      : Effect.succeed([])
  )

const statusOf = (schema: string, applied: ReadonlyArray<Applied>): Status => ({
  schema,
  applied,
  missing: migrations.filter(({ version }) => applied.every((known) => known.version !== version))
})

const statusFor = (sql: PgClient.PgClient, schema: string, operation: string): Effect.Effect<Status, LogError> =>
  Effect.mapError(
    Effect.map(read(sql, schema), (applied) => statusOf(schema, applied)),
    failure(operation)
  )

/**
 * What a schema has and lacks. A schema that does not exist lacks everything.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const status = (sql: PgClient.PgClient, schema: string): Effect.Effect<Status, LogError> =>
  statusFor(sql, schema, "migrate")

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** What comes before every migration: one at a time, and what they are noted in. */
const before = (schema: string): ReadonlyArray<string> => [
  `SELECT pg_advisory_xact_lock(hashtext(${literal(`leasehold migration of ${schema}`)}), 0)`,
  // without IF NOT EXISTS, which asks for the right to create schemas even where there is nothing to create
  `DO $$ BEGIN IF to_regnamespace('${schema}') IS NULL THEN CREATE SCHEMA "${schema}"; END IF; END $$`,
  `CREATE TABLE IF NOT EXISTS "${schema}".migration (
  version int PRIMARY KEY, name text NOT NULL, readable_by int NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp())`,
  `SET LOCAL search_path = "${schema}", pg_temp`,
  "SET LOCAL check_function_bodies = off"
]

const noted = (schema: string, { name, readableBy, version }: Migration): string =>
  `INSERT INTO "${schema}".migration (version, name, readable_by) VALUES (${version}, ${literal(name)}, ${readableBy})`

/**
 * The statements that {@link up} would carry out, as a script; empty if nothing is missing.
 *
 * @since 0.1.0
 * @category formatting
 * @stability unstable
 */
export const plan = ({ missing, schema }: Status): string =>
  missing.length === 0
    ? ""
    : [
        ...["BEGIN", ...before(schema)].map((statement) => `${statement};`),
        ...missing.map(
          (migration) =>
            `\n-- version ${migration.version}: ${migration.name}\n${migration.up(`"${schema}"`).trim()}\n${noted(schema, migration)};`
        ),
        "COMMIT;"
      ].join("\n")

/** The statements of a migration as one, since a prepared statement is one. */
const asOne = (statements: string): string => `DO $migration$ BEGIN EXECUTE $up$${statements}$up$; END $migration$`

/**
 * Applies what is missing, all or nothing, and answers what it applied. Whoever comes second waits and finds nothing
 * to do.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const up = (sql: PgClient.PgClient, schema: string): Effect.Effect<ReadonlyArray<Migration>, LogError> =>
  Effect.gen(function* () {
    // a program that may not make anything may ask for it at every start
    if (statusOf(schema, yield* read(sql, schema)).missing.length === 0) return []
    for (const statement of before(schema)) yield* sql.unsafe(statement)
    const { missing } = statusOf(schema, yield* read(sql, schema))
    for (const migration of missing) {
      yield* sql.unsafe(asOne(migration.up(`"${schema}"`)))
      yield* sql.unsafe(noted(schema, migration))
    }
    return missing
  }).pipe(sql.withTransaction, Effect.mapError(failure("migrate")))

/**
 * The first migration after which the schema is beyond this release, if it is.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const newerThanThis = (applied: ReadonlyArray<Applied>): Applied | undefined =>
  applied.find(({ readableBy }) => readableBy > needed)

/**
 * Fails unless this release works with the schema.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const verify = (sql: PgClient.PgClient, schema: string): Effect.Effect<void, LogError> =>
  Effect.flatMap(statusFor(sql, schema, "open"), ({ applied, missing }) => {
    const path = `schema ${schema}`
    const tooNew = newerThanThis(applied)
    if (tooNew !== undefined) {
      return Effect.fail(refused("open", new UnsupportedFormat({ path, found: tooNew.version, supported: needed })))
    }
    if (missing.length === 0) return Effect.void
    const detail =
      applied.length === 0
        ? "it holds no log; run leasehold migrate up"
        : `it has version ${applied.at(-1)?.version} of ${needed}; run leasehold migrate up`
    return Effect.fail(refused("open", new NotWritable({ path, cause: "other", detail })))
  })
