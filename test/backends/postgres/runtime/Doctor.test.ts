import * as Effect from "effect/Effect"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import { MinimumLogLevel } from "effect/References"
import { assert, describe, it } from "vitest"
import { migrations } from "../../../../src/backends/postgres/Migrations.ts"
import * as PostgresLog from "../../../../src/backends/postgres/PostgresLog.ts"
import { find, PgBouncer } from "../../../support/servers/PgBouncer.ts"
import { program, running, server } from "./support.ts"

const postgres = server({ fsync: true })
const quietly = { listen: false, selfCheck: false }

const levels = (report: PostgresLog.Report) =>
  Object.fromEntries(report.findings.filter(({ level }) => level !== "ok").map(({ check, level }) => [check, level]))

const found = (report: PostgresLog.Report, check: PostgresLog.Check) =>
  report.findings.find((finding) => finding.check === check)

/** A report by a client of its own. */
const diagnosed = (client: Partial<PgClient.PgPoolConfig> = {}, schema = "leasehold") =>
  Effect.flatMap(PgClient.PgClient, (sql) => PostgresLog.diagnose(sql, schema)).pipe(
    Effect.provide(PgClient.layer({ url: postgres().url(), ...client }))
  )

describe("the self-check", () => {
  it("finds nothing amiss with a plain server, in the order of the checks, and nothing secret", () =>
    running(
      Effect.gen(function* () {
        const report = yield* diagnosed()
        assert.deepStrictEqual(levels(report), {})
        assert.strictEqual(report.level, "ok")
        assert.deepStrictEqual(
          report.findings.map(({ check }) => check),
          [...PostgresLog.Check.literals]
        )
        assert.notInclude(JSON.stringify(report), Redacted.value(postgres().url()))
      })
    ))

  it("finds settings that lose jobs or slow the log down", () =>
    running(
      Effect.gen(function* () {
        const report = yield* diagnosed({
          startupParameters: {
            synchronous_commit: "off",
            default_transaction_isolation: "serializable",
            default_transaction_read_only: "on"
          }
        })
        assert.deepStrictEqual(levels(report), { writable: "fail", isolation: "warn", durability: "warn" })
      })
    ))

  it("finds a schema that is missing, and one of a newer version", () =>
    running(
      Effect.gen(function* () {
        const missing = yield* diagnosed({}, "nowhere")
        assert.deepStrictEqual(levels(missing), { migration: "fail" })
        assert.include(found(missing, "migration")?.remedy, "leasehold migrate up")
        const { sql } = yield* program(postgres(), { ...quietly, schema: "newer", migrate: true })
        const next = Math.max(...migrations.map(({ version }) => version)) + 1
        yield* sql.unsafe("INSERT INTO newer.migration (version, name, readable_by) VALUES ($1, 'later', $1)", [next])
        assert.deepStrictEqual(levels(yield* diagnosed({}, "newer")), { migration: "fail" })
      })
    ))

  it("finds what a role may not do", () =>
    running(
      Effect.gen(function* () {
        const { sql } = yield* program(postgres(), quietly)
        yield* sql.unsafe("CREATE ROLE guest LOGIN")
        const shut = yield* diagnosed({ username: "guest" })
        assert.strictEqual(found(shut, "permissions")?.level, "fail")
        assert.include(found(shut, "permissions")?.found, "USAGE on schema leasehold")
        yield* sql.unsafe("GRANT USAGE ON SCHEMA leasehold TO guest")
        yield* sql.unsafe("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA leasehold TO guest")
        yield* sql.unsafe("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA leasehold TO guest")
        assert.deepStrictEqual(levels(yield* diagnosed({ username: "guest" })), {})
      })
    ))

  it("finds who holds the oldest snapshot", () =>
    running(
      Effect.gen(function* () {
        const { sql } = yield* program(postgres(), quietly)
        const begun = Latch.makeUnsafe(false)
        yield* Effect.forkScoped(
          sql.withTransaction(
            Effect.gen(function* () {
              yield* sql.unsafe("SELECT txid_current()")
              begun.openUnsafe()
              return yield* Effect.never
            })
          )
        )
        yield* begun.await
        const finding = found(yield* diagnosed(), "oldestXmin")
        assert.strictEqual(finding?.level, "ok")
        assert.match(finding?.found ?? "", /^process \d+ \(@effect\/sql-pg, idle in transaction\) for \d+ s/)
      })
    ))

  it("what a layer finds amiss is logged when it starts, once", () =>
    running(
      Effect.gen(function* () {
        const lines: Array<string> = []
        const told = Latch.makeUnsafe(false)
        const logger = Logger.make(({ logLevel, message }) => {
          if (logLevel === "Error" || logLevel === "Warn") {
            lines.push(String(message))
            told.openUnsafe()
          }
        })
        const client = PgClient.layer({
          url: postgres().url(),
          startupParameters: { synchronous_commit: "off" }
        })
        yield* Layer.build(Layer.provide(PostgresLog.layer({ listen: false }), client)).pipe(
          Effect.andThen(told.await),
          Effect.provide(Logger.layer([logger])),
          Effect.provideService(MinimumLogLevel, "Warn")
        )
        assert.strictEqual(lines.length, 1)
        assert.match(lines[0] ?? "", /^leasehold: durability: .*synchronous_commit off/)
      })
    ))

  it("fails where there is no server", () =>
    running(
      Effect.gen(function* () {
        const error = yield* Effect.flip(diagnosed({ url: postgres().url("nosuch") }))
        assert.deepInclude(error, { operation: "diagnose", outcome: "refused" })
      })
    ))

  it.skipIf(find() === undefined)("finds a pooler in transaction mode, and what it does not keep", () =>
    running(
      Effect.gen(function* () {
        const pooler = yield* Effect.acquireRelease(
          Effect.promise(() => PgBouncer.start(postgres())),
          (of) => Effect.promise(() => of.close())
        )
        const url = postgres().url("postgres", pooler.port)
        const named = yield* diagnosed({ url })
        assert.strictEqual(found(named, "pooler")?.level, "warn")
        assert.strictEqual(found(named, "notify")?.level, "warn")
        const without = yield* diagnosed({ url, prepare: false })
        assert.deepStrictEqual(levels(without), { pooler: "warn", notify: "warn" })
      })
    )
  )
})
