/**
 * Checks of the self-check that ask the server by one statement each.
 *
 * @since 0.1.0
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import { Finding } from "./DoctorReport.ts"
import * as Migrations from "./Migrations.ts"
import type { Row } from "./Rows.ts"

type Checked = Effect.Effect<Finding, SqlError>

const first = (sql: PgClient.PgClient, statement: string, parameters: ReadonlyArray<unknown> = []) =>
  Effect.map(sql.unsafe(statement, parameters).values, (rows): Row => rows[0] ?? [])

const oldest = 130_000

const server = (sql: PgClient.PgClient): Checked =>
  Effect.map(
    first(sql, "SELECT current_setting('server_version_num')::int, current_setting('server_version')"),
    (row) => {
      const found = `PostgreSQL ${String(row[1])}`
      return Number(row[0]) >= oldest
        ? new Finding({ check: "server", level: "ok", found, meaning: "13 and newer are supported" })
        : new Finding({
            check: "server",
            level: "fail",
            found,
            meaning: "the log's statements need PostgreSQL 13 or newer",
            remedy: "upgrade the server"
          })
    }
  )

const writable = (sql: PgClient.PgClient): Checked =>
  Effect.map(first(sql, "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')"), (row) => {
    if (row[0] === true) {
      return new Finding({
        check: "writable",
        level: "fail",
        found: "a standby",
        meaning: "it only reads: every operation of the log is refused",
        remedy: "connect to the primary, for example with target_session_attrs or your provider's writer address"
      })
    }
    return row[1] === "on"
      ? new Finding({
          check: "writable",
          level: "fail",
          found: "default_transaction_read_only is on",
          meaning: "every operation of the log is refused",
          remedy: "ALTER ROLE … SET default_transaction_read_only = off, or the same for the database"
        })
      : new Finding({ check: "writable", level: "ok", found: "a primary", meaning: "it takes writes" })
  })

const isolation = (sql: PgClient.PgClient): Checked =>
  Effect.map(first(sql, "SELECT current_setting('default_transaction_isolation')"), ([level]) =>
    level === "read committed" || level === "read uncommitted"
      ? new Finding({ check: "isolation", level: "ok", found: level, meaning: "the log's statements are made for it" })
      : new Finding({
          check: "isolation",
          level: "warn",
          found: String(level),
          meaning: "the log stays correct, but its statements conflict with each other under load and are repeated",
          remedy:
            "give the log's role default_transaction_isolation = 'read committed', and begin your own transactions at the level they need"
        })
  )

const migration = (sql: PgClient.PgClient, schema: string): Effect.Effect<Finding> =>
  Effect.match(Migrations.verify(sql, schema), {
    onSuccess: () =>
      new Finding({
        check: "migration",
        level: "ok",
        found: `schema ${schema} is up to date`,
        meaning: "this release works with it"
      }),
    onFailure: ({ reason }) =>
      new Finding({
        check: "migration",
        level: "fail",
        found: reason.message,
        meaning: "the log does not open",
        remedy:
          reason._tag === "UnsupportedFormat"
            ? "run the release that made this schema, or a newer one"
            : "run `leasehold migrate up`, or open the log with `migrate: true`"
      })
  })

const gaps = `
SELECT format('%s on schema %I', p, n.nspname) FROM pg_namespace n, unnest(ARRAY['USAGE']) p
WHERE n.nspname = $1 AND NOT has_schema_privilege(n.oid, p)
UNION ALL
SELECT format('%s on %I', p, c.relname) FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p
WHERE c.relnamespace = to_regnamespace($1) AND c.relkind IN ('r', 'p')
  AND c.relname <> 'migration' AND NOT has_table_privilege(c.oid, p)
UNION ALL
SELECT format('USAGE on sequence %I', c.relname) FROM pg_class c
WHERE c.relnamespace = to_regnamespace($1)
  AND CASE c.relkind WHEN 'S' THEN NOT has_sequence_privilege(c.oid, 'USAGE') ELSE false END
UNION ALL
SELECT format('EXECUTE on function %I', f.proname) FROM pg_proc f
WHERE f.pronamespace = to_regnamespace($1) AND NOT has_function_privilege(f.oid, 'EXECUTE')
  -- it is for producers in other languages
  AND f.proname <> 'enqueue_job'
LIMIT 20`

const permissions = (sql: PgClient.PgClient, schema: string): Checked =>
  Effect.map(sql.unsafe(gaps, [schema]).values, (rows) =>
    rows.length === 0
      ? new Finding({
          check: "permissions",
          level: "ok",
          found: "none is missing",
          meaning: "the role may use the log"
        })
      : new Finding({
          check: "permissions",
          level: "fail",
          found: `missing: ${rows.flat().join(", ")}`,
          meaning: "operations that need them are refused",
          remedy:
            `as the owner: GRANT USAGE ON SCHEMA ${schema}, GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES, and ` +
            "GRANT USAGE, SELECT ON ALL SEQUENCES in it, to the role"
        })
  )

/** Milliseconds by which two clocks may differ before it matters to anybody. */
const skewMillis = 1000

const clock = (sql: PgClient.PgClient): Checked =>
  Effect.gen(function* () {
    const before = yield* Clock.currentTimeMillis
    const [now] = yield* first(sql, "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8")
    const after = yield* Clock.currentTimeMillis
    const skew = Math.round(Number(now) - (before + after) / 2)
    const uncertain = Math.ceil((after - before) / 2)
    const found = `the server's clock is ${Math.abs(skew)} ms ${skew < 0 ? "behind" : "ahead"} (± ${uncertain} ms)`
    return Math.abs(skew) - uncertain <= skewMillis
      ? new Finding({ check: "clock", level: "ok", found, meaning: "leases and delays go by the server's clock alone" })
      : new Finding({
          check: "clock",
          level: "warn",
          found,
          meaning:
            "leases and delays are safe, as they go by the server's clock alone; instants that programs give (`at`, deadlines) are off by as much",
          remedy: "let both machines follow a time server"
        })
  })

const durability = (sql: PgClient.PgClient): Checked =>
  Effect.map(
    first(
      sql,
      "SELECT current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes')"
    ),
    ([fsync, commit, pages]) => {
      const found = `fsync ${String(fsync)}, synchronous_commit ${String(commit)}, full_page_writes ${String(pages)}`
      if (fsync === "off") {
        return new Finding({
          check: "durability",
          level: "fail",
          found,
          meaning: "a loss of power can lose everything, and damage the whole cluster",
          remedy: "set fsync = on"
        })
      }
      if (commit === "off" || pages === "off") {
        return new Finding({
          check: "durability",
          level: "warn",
          found,
          meaning:
            pages === "off"
              ? "a loss of power can leave torn pages, unless the storage writes pages whole"
              : "a crash of the server loses what was acknowledged in the last moments before it",
          remedy: pages === "off" ? "set full_page_writes = on" : "set synchronous_commit = on for the log's role"
        })
      }
      return new Finding({ check: "durability", level: "ok", found, meaning: "what is acknowledged survives a crash" })
    }
  )

const connections = (sql: PgClient.PgClient): Checked =>
  Effect.map(
    first(
      sql,
      `SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
        (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend')`
    ),
    ([most, used]) => {
      const found = `${Number(used)} of ${Number(most)} are used`
      return Number(used) < 0.9 * Number(most)
        ? new Finding({ check: "connections", level: "ok", found, meaning: "there is room" })
        : new Finding({
            check: "connections",
            level: "warn",
            found,
            meaning: "when none is left, programs that start, and pools that grow, are refused",
            remedy: "make pools smaller, put a pooler in between, or raise max_connections"
          })
    }
  )

/** Dead rows of one table from which on somebody seems to keep vacuum from them. */
const manyDead = 1_000_000

const autovacuum = (sql: PgClient.PgClient, schema: string): Checked =>
  Effect.map(
    first(
      sql,
      `SELECT current_setting('autovacuum'), current_setting('track_counts'),
        (SELECT string_agg(c.relname, ', ') FROM pg_class c
          WHERE c.relnamespace = to_regnamespace($1) AND 'autovacuum_enabled=false' = ANY (c.reloptions)),
        (SELECT string_agg(format('%s (%s)', t.relname, t.n_dead_tup), ', ') FROM pg_stat_user_tables t
          WHERE t.schemaname = $1 AND t.n_dead_tup > ${manyDead})`,
      [schema]
    ),
    ([on, counts, disabled, dead]) => {
      const meaning = "the log's tables grow, and reading them gets slower"
      if (on !== "on" || counts !== "on") {
        const found = `autovacuum ${String(on)}, track_counts ${String(counts)}`
        const remedy = "set both to on, or vacuum the log's tables every minute by other means"
        return new Finding({ check: "autovacuum", level: "warn", found, meaning, remedy })
      }
      if (disabled !== null) {
        const found = `off for ${String(disabled)}`
        const remedy = "ALTER TABLE … RESET (autovacuum_enabled)"
        return new Finding({ check: "autovacuum", level: "warn", found, meaning, remedy })
      }
      if (dead !== null) {
        const found = `dead rows: ${String(dead)}`
        const remedy = "see oldestXmin; else give autovacuum more workers and a higher cost limit"
        return new Finding({ check: "autovacuum", level: "warn", found, meaning, remedy })
      }
      return new Finding({ check: "autovacuum", level: "ok", found: "on", meaning: "dead rows are removed" })
    }
  )

/** Age at which a snapshot begins to cost: seconds of a transaction, or transactions since. */
const old = { seconds: 300, transactions: 1_000_000 }

const holders = `
SELECT holder, transactions, seconds FROM (
  SELECT format('process %s (%s, %s)', pid, coalesce(nullif(application_name, ''), backend_type), coalesce(state, 'running')) AS holder,
    age(coalesce(backend_xmin, backend_xid)) AS transactions,
    extract(epoch FROM clock_timestamp() - xact_start)::float8 AS seconds
  FROM pg_stat_activity
  WHERE pid <> pg_backend_pid() AND coalesce(backend_xmin, backend_xid) IS NOT NULL AND backend_type <> 'autovacuum worker'
  UNION ALL
  SELECT format('prepared transaction %s', gid), age(transaction), extract(epoch FROM clock_timestamp() - prepared)::float8
  FROM pg_prepared_xacts
  UNION ALL
  SELECT format('replication slot %s (%s)', slot_name, CASE WHEN active THEN 'in use' ELSE 'unused' END),
    greatest(age(xmin), age(catalog_xmin)), NULL
  FROM pg_replication_slots WHERE xmin IS NOT NULL OR catalog_xmin IS NOT NULL
) h ORDER BY transactions DESC LIMIT 1`

const oldestXmin = (sql: PgClient.PgClient): Checked =>
  Effect.map(first(sql, holders), ([holder, transactions, seconds]) => {
    if (holder === undefined) {
      return new Finding({
        check: "oldestXmin",
        level: "ok",
        found: "nobody holds one",
        meaning: "vacuum can remove every dead row"
      })
    }
    const since = seconds === null ? "" : ` for ${Math.round(Number(seconds))} s`
    const found = `${String(holder)}${since}, ${Number(transactions)} transactions`
    return Number(transactions) >= old.transactions || (seconds !== null && Number(seconds) >= old.seconds)
      ? new Finding({
          check: "oldestXmin",
          level: "warn",
          found,
          meaning: "no row that died since then can be removed: every table of the database grows",
          remedy:
            "end it: pg_terminate_backend, ROLLBACK PREPARED, or drop the slot; set idle_in_transaction_session_timeout"
        })
      : new Finding({ check: "oldestXmin", level: "ok", found, meaning: "recent enough" })
  })

/**
 * The checks, by name.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const serverChecks = {
  server,
  writable,
  isolation,
  migration,
  permissions,
  clock,
  durability,
  connections,
  autovacuum,
  oldestXmin
} as const
