/**
 * The self-check of a Postgres log: everything about a server that makes the log slow, unsafe or unusable, as one typed
 * report.
 *
 * @since 0.1.0
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import type { SqlError } from "effect/sql/SqlError"
import type { LogError } from "../../log/LogError.ts"
import { Check, Finding, Report } from "./DoctorReport.ts"
import { serverChecks } from "./DoctorServer.ts"
import { failure } from "./Failure.ts"
import { type PoolerMode, poolerMode } from "./Pooler.ts"

/** Milliseconds in which a notification must come back. */
const notifyMillis = 1000

/** Milliseconds for any one check. */
const patience = 10_000

const pooler = (mode: PoolerMode): Finding => {
  switch (mode) {
    case "none":
      return new Finding({
        check: "pooler",
        level: "ok",
        found: "none",
        meaning: "connections are the server's own"
      })
    case "session":
      return new Finding({
        check: "pooler",
        level: "ok",
        found: "one in session mode",
        meaning: "the state of a session lasts as long as its connection"
      })
    case "transaction":
      return new Finding({
        check: "pooler",
        level: "warn",
        found: "one in transaction mode",
        meaning:
          "the log works, but hears no NOTIFY: idle workers of other processes find new jobs by polling, within a second",
        remedy: "for quicker wake-ups let the log connect to the server itself, or through a pool in session mode"
      })
  }
}

/** Whether a statement that was prepared by name is there in the next transaction. */
const preparedStatements = (config: PgConnection.Config, mode: PoolerMode): Effect.Effect<Finding, SqlError> => {
  const check = "preparedStatements"
  if (config.prepare === false) {
    return Effect.succeed(
      new Finding({ check, level: "ok", found: "not used", meaning: "statements are parsed each time" })
    )
  }
  const kept = new Finding({ check, level: "ok", found: "kept", meaning: "statements are parsed once per connection" })
  if (mode !== "transaction") return Effect.succeed(kept)
  return Effect.scoped(
    Effect.gen(function* () {
      const [one, other] = [yield* PgConnection.make(config), yield* PgConnection.make(config)]
      const statement = "SELECT 1 AS leasehold"
      yield* one.query(statement)
      // takes the session in which it was prepared away
      yield* other.query("BEGIN", [], false)
      yield* one.query("BEGIN", [], false)
      const again = yield* Effect.option(one.query(statement))
      yield* one.query("ROLLBACK", [], false)
      yield* other.query("ROLLBACK", [], false)
      return Option.isSome(again)
        ? kept
        : new Finding({
            check,
            level: "fail",
            found: "lost between transactions",
            meaning: "statements are often parsed anew, and transactions that use the log fail",
            remedy:
              "make the client with `prepare: false`, or let the pooler keep them (PgBouncer: max_prepared_statements)"
          })
    })
  )
}

const notify = (sql: PgClient.PgClient, mode: PoolerMode): Effect.Effect<Finding, SqlError> => {
  const check = "notify"
  const meaning = "idle workers of other processes find new jobs by polling, within a second"
  if (mode === "transaction") {
    return Effect.succeed(
      new Finding({
        check,
        level: "warn",
        found: "LISTEN does not survive a transaction here",
        meaning,
        remedy: "see pooler"
      })
    )
  }
  return Effect.scoped(
    Effect.gen(function* () {
      const channel = `leasehold_doctor_${yield* Random.nextIntBetween(0, 2 ** 31)}`
      const connection = yield* PgConnection.make({ ...sql.config, multiplex: false })
      const notifications = yield* connection.listen(channel)
      yield* sql.unsafe("SELECT pg_notify($1, '')", [channel]).values
      const heard = yield* Effect.timeoutOption(Queue.take(notifications), notifyMillis)
      return Option.isSome(heard)
        ? new Finding({ check, level: "ok", found: "it comes back", meaning: "idle workers are woken at once" })
        : new Finding({
            check,
            level: "warn",
            found: `nothing came back within ${notifyMillis} ms`,
            meaning,
            remedy: "let the log connect to the server itself; if it does, look at the server's load"
          })
    })
  )
}

/**
 * Examines the server behind a client, and a schema on it. It changes nothing. Fails only where the server cannot be
 * reached; what the program may not look at is a finding.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const diagnose: (sql: PgClient.PgClient, schema: string) => Effect.Effect<Report, LogError> = Effect.fnUntraced(
  function* (sql, schema) {
    const direct = { ...sql.config, multiplex: false }
    const mode = yield* Effect.mapError(
      Effect.scoped(Effect.flatMap(PgConnection.make(direct), poolerMode)),
      failure("diagnose")
    )
    const checks: Record<Check, Effect.Effect<Finding, SqlError>> = {
      server: serverChecks.server(sql),
      writable: serverChecks.writable(sql),
      isolation: serverChecks.isolation(sql),
      migration: serverChecks.migration(sql, schema),
      permissions: serverChecks.permissions(sql, schema),
      clock: serverChecks.clock(sql),
      durability: serverChecks.durability(sql),
      pooler: Effect.succeed(pooler(mode)),
      preparedStatements: preparedStatements(direct, mode),
      notify: notify(sql, mode),
      connections: serverChecks.connections(sql),
      autovacuum: serverChecks.autovacuum(sql, schema),
      oldestXmin: serverChecks.oldestXmin(sql)
    }
    const findings = yield* Effect.forEach(Check.literals, (check) =>
      checks[check].pipe(
        Effect.timeoutOption(patience),
        Effect.map(
          Option.getOrElse(
            () =>
              new Finding({
                check,
                level: "warn",
                found: `no answer within ${patience} ms`,
                meaning: "it is not known how this stands",
                remedy: "look at the server's load and locks"
              })
          )
        ),
        Effect.catch((error) =>
          Effect.succeed(
            new Finding({
              check,
              level: "warn",
              found: `it could not be looked at: ${failure("diagnose")(error).reason.message}`,
              meaning: "it is not known how this stands",
              remedy: "allow the role to look, for example by GRANT pg_monitor"
            })
          )
        )
      )
    )
    return new Report({ schema, findings })
  }
)
