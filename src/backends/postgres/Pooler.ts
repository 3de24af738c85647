/**
 * Whether a pooler stands between this process and the server.
 *
 * @since 0.1.0
 */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"

/**
 * - `none`: connections are the server's own
 * - `session`: a pooler gives each connection a server's session for as long as it lasts
 * - `transaction`: each transaction may run in another session: settings, LISTEN and locks of a session do not last
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type PoolerMode = "none" | "session" | "transaction"

const backend = (connection: PgConnection.PgConnection): Effect.Effect<number, SqlError> =>
  Effect.map(connection.queryValues("SELECT pg_backend_pid()", [], false), (rows) => Number(rows[0]?.[0]))

/** Milliseconds for a second connection, which a small pooler may never give. */
const patience = 2000

/**
 * Finds out through one connection and a second one like it. A server names its process when a connection begins; a
 * pooler makes the name up. And when the second holds a transaction, the first keeps its session only if it owns it.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const poolerMode = (connection: PgConnection.PgConnection): Effect.Effect<PoolerMode, SqlError, Scope.Scope> =>
  Effect.gen(function* () {
    const before = yield* backend(connection)
    if (before === connection.processId) return "none"
    const others: Effect.Effect<PoolerMode, SqlError> = Effect.scoped(
      Effect.gen(function* () {
        const second = yield* PgConnection.make(connection.config)
        yield* second.query("BEGIN", [], false)
        const other = yield* backend(second)
        const after = yield* backend(connection)
        yield* second.query("ROLLBACK", [], false)
        return after === before && other !== before ? "session" : "transaction"
      })
    )
    // one that refuses transactions keeps sessions even less
    const known = Effect.orElseSucceed(others, () => "transaction" as const)
    return yield* Effect.timeoutOrElse(known, { duration: patience, orElse: () => Effect.succeed("session" as const) })
  })
