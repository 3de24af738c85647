/**
 * A Postgres log as commands use it: one connection, no waiting for news. It is loaded only where a command is about
 * such a log, since it needs the package `@effect/sql-pg`.
 *
 * @since 0.1.0
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Reactivity from "effect/reactivity/Reactivity"
import { failure } from "../backends/postgres/Failure.ts"
import * as Migrations from "../backends/postgres/Migrations.ts"
import { operations } from "../backends/postgres/Operations.ts"
import { capabilities } from "../backends/postgres/PostgresCapabilities.ts"
import { connectionSettings } from "../backends/postgres/UrlClient.ts"
import { atTheEdge, type JobLogOperations } from "../log/JobLog.ts"
import type { LogError } from "../log/LogError.ts"
import type { PostgresPlace } from "./Access.ts"

/**
 * A client of the server, whatever the schema holds.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const connect = (place: PostgresPlace): Effect.Effect<PgClient.PgClient, LogError, Scope.Scope> =>
  PgClient.make({ url: place.url, maxConnections: 2, applicationName: "leasehold command", prepare: false }).pipe(
    Effect.provide(Reactivity.layer),
    Effect.mapError(failure("open"))
  )

/**
 * A client as a service that is given the URL has one, for looking at what it meets.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const connectAsService = ({ url }: PostgresPlace): Effect.Effect<PgClient.PgClient, LogError, Scope.Scope> =>
  Effect.flatMap(connectionSettings({ url }), (settings) => PgClient.make({ ...settings, maxConnections: 4 })).pipe(
    Effect.provide(Reactivity.layer),
    Effect.mapError(failure("open"))
  )

/** Tells whoever waits in other processes to look. Without it they look for themselves within seconds. */
const tell = (sql: PgClient.PgClient, schema: string): Effect.Effect<void> =>
  Effect.ignore(
    sql.unsafe("SELECT pg_notify($1, $2)", [`leasehold_${schema}`, '{"from":"","q":"all","j":"all"}']).values
  )

/**
 * The log in the schema, which must hold one that this release works with.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const openPostgres: (place: PostgresPlace) => Effect.Effect<JobLogOperations, LogError, Scope.Scope> =
  Effect.fnUntraced(function* (place) {
    const sql = yield* connect(place)
    yield* Migrations.verify(sql, place.schema)
    const log = operations(sql, place.schema)
    return atTheEdge({
      ...log,
      capabilities,
      control: (commands) => Effect.tap(log.control(commands), tell(sql, place.schema)),
      changes: () => Effect.never
    })
  })
