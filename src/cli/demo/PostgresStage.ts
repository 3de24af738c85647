/**
 * The demo's Postgres log: in a private server, which is killed too and removed in the end, or in a schema of a server
 * that is there.
 *
 * @since 0.1.0
 */
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { failure } from "../../backends/postgres/Failure.ts"
import * as Migrations from "../../backends/postgres/Migrations.ts"
import type { LogError } from "../../log/LogError.ts"
import { type JobQueueOperations, make as makeQueue } from "../../scheduler/JobQueue.ts"
import type { PostgresPlace } from "../Access.ts"
import { connect, openPostgres } from "../PostgresAccess.ts"
import type { Display } from "./Display.ts"
import { DemoFailed, type Stage } from "./Killing.ts"
import * as PrivatePostgres from "./PrivatePostgres.ts"

/** Marks a schema as the demo's own, so that starting clean never drops anything else. */
const marker = "made by leasehold demo; may be dropped"

const privateServer = Effect.gen(function* () {
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const made = Fs.mkdtempSync(Path.join(tmpdir(), "leasehold-demo-"))
      // the server may have to run as another user, who passes through to what is its own
      Fs.chmodSync(made, 0o711)
      return made
    }),
    (made) => Effect.sync(() => Fs.rmSync(made, { recursive: true, force: true }))
  )
  return yield* PrivatePostgres.start(directory)
})

const prepare = Effect.fnUntraced(function* (sql: PgClient.PgClient, schema: string, resume: boolean) {
  const rows = yield* Effect.mapError(
    sql.unsafe("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1", [schema]).values,
    failure("open")
  )
  if (rows.length > 0 && rows[0]?.[0] !== marker) {
    const detail = `schema ${schema} holds something else than an earlier demo; choose another with --schema`
    return yield* new DemoFailed({ detail })
  }
  if (rows.length > 0 && !resume) yield* drop(sql, schema)
  yield* Migrations.up(sql, schema)
  yield* Effect.mapError(sql.unsafe(`COMMENT ON SCHEMA "${schema}" IS '${marker}'`), failure("open"))
})

const drop = (sql: PgClient.PgClient, schema: string): Effect.Effect<void, LogError> =>
  Effect.asVoid(Effect.mapError(sql.unsafe(`DROP SCHEMA "${schema}" CASCADE`), failure("open")))

/** Waits until the server is through with what a killed client had sent. */
const settled = (sql: PgClient.PgClient, schema: string): Effect.Effect<void, LogError> =>
  Effect.asVoid(
    Effect.repeat(
      Effect.mapError(
        sql.unsafe(
          "SELECT count(*)::int FROM pg_stat_activity WHERE strpos(query, $1) > 0 AND pid <> pg_backend_pid() AND datname = current_database()",
          [`"${schema}".`]
        ).values,
        failure("read")
      ),
      {
        // behind a pooler the connections stay; by then nothing is under way
        schedule: Schedule.spaced("50 millis"),
        times: 40,
        until: (rows) => rows[0]?.[0] === 0
      }
    )
  )

/** Answers once this process's own connection is there again as well. */
const outage = (server: PrivatePostgres.PrivatePostgres, sql: PgClient.PgClient): Effect.Effect<void, DemoFailed> =>
  server.kill.pipe(
    Effect.andThen(server.restart),
    Effect.andThen(Effect.retry(sql.unsafe("SELECT 1").values, { schedule: Schedule.spaced("20 millis"), times: 250 })),
    Effect.asVoid,
    Effect.mapError((error) => new DemoFailed({ detail: error.message }))
  )

/**
 * Makes the demo's log. `finish` removes it where its server stays.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const openStage = Effect.fnUntraced(function* (
  given: PostgresPlace | undefined,
  resume: boolean,
  display: Display
) {
  const server = given === undefined ? yield* privateServer : undefined
  const place = given ?? { url: server!.url, schema: "leasehold_demo" }
  display.line(
    server === undefined
      ? `the log is in schema ${place.schema} of the given database, whose server is left alone`
      : "a private Postgres server was started; it will be killed with SIGKILL as well"
  )
  const sql = yield* connect(place)
  yield* prepare(sql, place.schema, resume)
  const log = yield* openPostgres(place)
  const queue: JobQueueOperations = makeQueue(log)
  const stage: Stage = {
    environment: {
      LEASEHOLD_LOG: "postgres",
      LEASEHOLD_POSTGRES_URL: Redacted.value(place.url),
      LEASEHOLD_POSTGRES_SCHEMA: place.schema
    },
    read: Effect.succeed(log),
    settled: settled(sql, place.schema),
    outage: server === undefined ? undefined : outage(server, sql)
  }
  return {
    stage,
    queue,
    finish: server === undefined ? drop(sql, place.schema) : Effect.void
  }
})
