import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { assert, describe, it } from "vitest"
import * as PostgresLog from "../../../src/backends/postgres/PostgresLog.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import { Postgres } from "../../support/servers/Postgres.ts"
import { claimer, item, newQueue, program, running, server, stateOf } from "./runtime/support.ts"

const postgres = server()

/** How an operation failed: whether it may have happened, why, and what the reason's fields say. */
const failureOf = <A, R>(operation: Effect.Effect<A, LogError, R>) =>
  Effect.map(Effect.flip(operation), ({ message, outcome, reason }) => ({ outcome, reason: reason._tag, message }))

const own = (settings: Readonly<Record<string, string | number>>): Effect.Effect<Postgres, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => Postgres.start({ settings })),
    (of) => Effect.promise(() => of.close())
  )

/** A log on the file's server, whose connections have these settings; without a listener of its own. */
const settingLog = (startupParameters: Readonly<Record<string, string>>, more?: Partial<PgClient.PgPoolConfig>) =>
  program(postgres(), { listen: false, selfCheck: false }, { startupParameters, ...more })

/** The log of a user of the database on the file's server, as a layer makes it. */
const opened = (options: PostgresLog.Options, client?: Partial<PgClient.PgPoolConfig>) =>
  Effect.gen(function* () {
    const path = `${postgres().sockets}/.s.PGSQL.${postgres().port}`
    const connecting = { path, username: "leasehold", database: "postgres", ...client }
    const context = yield* Effect.orDie(Layer.build(PgClient.layer(connecting)))
    return yield* Effect.provideContext(PostgresLog.make({ listen: false, ...options }), context)
  })

describe("a server that", { timeout: 60_000 }, () => {
  it("is not there is told from one that fails: what could not be sent is refused, and works when it is back", () =>
    running(
      Effect.gen(function* () {
        const away = yield* own({})
        const { log } = yield* program(away, { migrate: true, listen: false, selfCheck: false })
        yield* Effect.promise(() => away.stop())
        const job = item(newQueue())
        // the connections that were open break first
        yield* Effect.ignore(log.read({ _tag: "Counts" }))
        const failed = yield* failureOf(log.enqueue([job]))
        assert.deepInclude(failed, { outcome: "refused", reason: "Unavailable" })
        const url = PostgresLog.layerUrl({ url: away.url(), listen: false, selfCheck: false })
        const started = yield* failureOf(Effect.scoped(Layer.build(url)))
        assert.deepInclude(started, { outcome: "refused", reason: "Unavailable" })
        yield* Effect.promise(() => away.restart())
        assert.deepStrictEqual(yield* log.enqueue([job]), [{ _tag: "Inserted", id: job.id }])
      })
    ))

  it("has no connection left refuses, until it has one", () =>
    running(
      Effect.gen(function* () {
        const small = yield* own({ max_connections: 6, superuser_reserved_connections: 0 })
        yield* Effect.scoped(program(small, { migrate: true, listen: false, selfCheck: false }))
        const guests = yield* Scope.make()
        const crowd = yield* Scope.provide(
          Effect.gen(function* () {
            const clients = []
            for (let i = 0; i < 6; i++)
              clients.push((yield* program(small, { listen: false, selfCheck: false }, { maxConnections: 1 })).sql)
            return clients
          }),
          guests
        )
        assert.strictEqual(crowd.length, 6)
        const url = PostgresLog.layerUrl({ url: small.url(), listen: false, selfCheck: false })
        const failed = yield* failureOf(Effect.scoped(Layer.build(url)))
        assert.deepInclude(failed, { outcome: "refused", reason: "Unavailable" })
        assert.match(failed.message, /53300/)
        yield* Scope.close(guests, Exit.void)
        yield* Effect.scoped(Layer.build(url))
      })
    ))

  it("is read-only takes nothing, and says where to write", () =>
    running(
      Effect.gen(function* () {
        const { log } = yield* settingLog({ default_transaction_read_only: "on" })
        const job = item(newQueue())
        const failed = yield* failureOf(log.enqueue([job]))
        assert.deepInclude(failed, { outcome: "refused", reason: "NotWritable" })
        assert.match(failed.message, /readOnly.*primary/)
        assert.strictEqual((yield* failureOf(log.open({ owner: "test", leaseDuration: 1000 }))).reason, "NotWritable")
        assert.strictEqual(yield* stateOf(log, job.id), undefined)
      })
    ))

  it("ends statements that last too long has undone them", () =>
    running(
      Effect.gen(function* () {
        const { log } = yield* settingLog({ statement_timeout: "200" })
        const { log: patient, sql } = yield* program(postgres(), { listen: false, selfCheck: false })
        const job = item(newQueue())
        yield* Effect.gen(function* () {
          yield* sql`LOCK TABLE leasehold.job IN ACCESS EXCLUSIVE MODE`
          const failed = yield* failureOf(log.enqueue([job]))
          assert.deepInclude(failed, { outcome: "refused", reason: "Unavailable" })
          assert.match(failed.message, /57014/)
        }).pipe(sql.withTransaction)
        assert.strictEqual(yield* stateOf(patient, job.id), undefined)
        assert.deepStrictEqual(yield* log.enqueue([job]), [{ _tag: "Inserted", id: job.id }])
      })
    ))

  it("has a full disk refuses with the reason, and holds no half of anything", () =>
    running(
      Effect.gen(function* () {
        const { log, sql } = yield* program(postgres(), { listen: false, selfCheck: false })
        const name = newQueue()
        const items = [item(name), item(name)]
        yield* raising("disk_full", "SELECT 1", items.map(({ id }) => id).slice(1), sql)
        const failed = yield* failureOf(log.enqueue(items))
        assert.deepInclude(failed, { outcome: "refused", reason: "Full" })
        for (const { id } of items) assert.strictEqual(yield* stateOf(log, id), undefined)
        yield* quiet(sql)
        assert.strictEqual((yield* log.enqueue(items)).length, 2)
      })
    ))
})

/** From now on the insertion of these jobs fails with a condition, as often as the statement answers 1. */
const raising = (condition: string, times: string, ids: ReadonlyArray<string>, sql: PgClient.PgClient) =>
  Effect.gen(function* () {
    yield* sql.unsafe("CREATE SEQUENCE IF NOT EXISTS public.trouble")
    yield* sql.unsafe("SELECT setval('public.trouble', 1, false)")
    yield* sql.unsafe(`CREATE OR REPLACE FUNCTION public.trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF new.id IN (${ids.map((id) => `'${id}'`).join()}) AND 1 = (${times}) THEN
        RAISE EXCEPTION USING ERRCODE = '${condition}', MESSAGE = 'a test wanted it';
      END IF;
      RETURN new;
    END $$`)
    yield* sql.unsafe(
      "CREATE TRIGGER trouble BEFORE INSERT ON leasehold.job FOR EACH ROW EXECUTE FUNCTION public.trouble()"
    )
  })

const quiet = (sql: PgClient.PgClient) => sql.unsafe("DROP TRIGGER trouble ON leasehold.job")

const upTo = (times: number): string => `SELECT (nextval('public.trouble') <= ${times})::int`

describe("a conflict that is nobody's fault", { timeout: 60_000 }, () => {
  it.each(["serialization_failure", "deadlock_detected"])("%s: the statement is sent again", (condition) =>
    running(
      Effect.gen(function* () {
        const { log, sql } = yield* program(postgres(), { listen: false, selfCheck: false })
        const job = item(newQueue())
        yield* raising(condition, upTo(5), [job.id], sql)
        assert.deepStrictEqual(yield* log.enqueue([job]), [{ _tag: "Inserted", id: job.id }])
        yield* quiet(sql)
        const [tries] = yield* sql.unsafe("SELECT last_value FROM public.trouble").values
        assert.strictEqual(Number(tries?.[0]), 6)
        // one that does not end is told, as undone
        const other = item(newQueue())
        yield* raising(condition, "SELECT 1", [other.id], sql)
        assert.deepInclude(yield* failureOf(log.enqueue([other])), { outcome: "refused", reason: "Unavailable" })
        yield* quiet(sql)
        assert.strictEqual(yield* stateOf(log, other.id), undefined)
      })
    )
  )

  it("programs whose transactions are all serializable grant each job once", () =>
    running(
      Effect.gen(function* () {
        const settings = { default_transaction_isolation: "serializable" }
        const name = newQueue()
        const items = Array.from({ length: 60 }, () => item(name))
        const workers = yield* Effect.forEach([1, 2, 3], () => settingLog(settings, { maxConnections: 2 }))
        const granted: Array<string> = []
        /** Refused, it has not happened, and is tried again. */
        const again = <A>(operation: Effect.Effect<A, LogError>): Effect.Effect<A, LogError> =>
          Effect.retry(operation, {
            while: ({ outcome, reason }) => outcome === "refused" && reason._tag === "Unavailable"
          })
        yield* Effect.forEach(
          workers,
          ({ log }, i) =>
            Effect.gen(function* () {
              yield* again(log.enqueue(items.slice(i * 20, i * 20 + 20)))
              const { next, session } = yield* claimer(log, name)
              while (granted.length < items.length) {
                const call = next()
                const { grants } = yield* again(log.claim({ session, call, queue: name, limit: 5 }))
                granted.push(...grants.map(({ id }) => id))
                const settled = grants.map(({ id, receipt, token }) => ({
                  id,
                  receipt,
                  token,
                  settlement: { _tag: "Complete" } as const
                }))
                const settling = next()
                if (settled.length > 0) yield* again(log.settle({ session, call: settling, items: settled }))
              }
            }),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(granted.toSorted(), items.map(({ id }) => id).toSorted())
      })
    ))
})

describe("a schema that", { timeout: 60_000 }, () => {
  it("a later release wrote is refused by its version", () =>
    running(
      Effect.gen(function* () {
        const { sql } = yield* program(postgres(), { schema: "later", migrate: true, listen: false, selfCheck: false })
        yield* sql`INSERT INTO later.migration (version, name, readable_by) VALUES (99, 'later', 99)`
        const failed = yield* failureOf(opened({ schema: "later" }))
        assert.deepInclude(failed, { outcome: "refused", reason: "UnsupportedFormat" })
        assert.match(failed.message, /99/)
        // nor is it migrated back
        assert.strictEqual((yield* failureOf(opened({ schema: "later", migrate: true }))).reason, "UnsupportedFormat")
        // one that this release can read is none of its business
        yield* sql`UPDATE later.migration SET readable_by = 1 WHERE version = 99`
        yield* opened({ schema: "later" })
      })
    ))

  it("is not there, or goes while the log is open, is named with what to do", () =>
    running(
      Effect.gen(function* () {
        const missing = yield* failureOf(opened({ schema: "nowhere" }))
        assert.deepInclude(missing, { outcome: "refused", reason: "NotWritable" })
        assert.match(missing.message, /nowhere.*migrate up/)
        const { log, sql } = yield* program(postgres(), {
          schema: "brief",
          migrate: true,
          listen: false,
          selfCheck: false
        })
        yield* log.enqueue([item(newQueue())])
        yield* sql`DROP SCHEMA brief CASCADE`
        const gone = yield* failureOf(log.enqueue([item(newQueue())]))
        assert.deepInclude(gone, { outcome: "refused", reason: "NotWritable" })
        assert.match(gone.message, /migrate up/)
      })
    ))

  it("the role may not use, or only read, is refused for lack of permission", () =>
    running(
      Effect.gen(function* () {
        const { sql } = yield* program(postgres(), { listen: false, selfCheck: false })
        yield* sql`CREATE ROLE guest LOGIN`
        const outside = yield* failureOf(opened({}, { username: "guest" }))
        assert.deepInclude(outside, { outcome: "refused", reason: "NotWritable" })
        assert.match(outside.message, /permission/)
        yield* sql`GRANT USAGE ON SCHEMA leasehold TO guest`
        yield* sql`GRANT SELECT ON ALL TABLES IN SCHEMA leasehold TO guest`
        const reader = yield* opened({}, { username: "guest" })
        const job = item(newQueue())
        const failed = yield* failureOf(reader.enqueue([job]))
        assert.deepInclude(failed, { outcome: "refused", reason: "NotWritable" })
        assert.match(failed.message, /permission/)
        assert.strictEqual(yield* stateOf(reader, job.id), undefined)
      })
    ))
})
