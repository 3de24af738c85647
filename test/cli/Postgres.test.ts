/** The commands on a Postgres log: the same answers as on a file log, and what only a shared server needs. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Reactivity from "effect/reactivity/Reactivity"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { operations } from "../../src/backends/postgres/Operations.ts"
import { capabilities } from "../../src/backends/postgres/PostgresCapabilities.ts"
import * as ConfiguredLog from "../../src/ConfiguredLog.ts"
import { atTheEdge, JobLog } from "../../src/log/JobLog.ts"
import { PgBouncer } from "../support/servers/PgBouncer.ts"
import { Postgres } from "../support/servers/Postgres.ts"
import { fill, id, makePlace, type Place, seed } from "./harness.ts"

vi.setConfig({ testTimeout: 60_000 })

const entry = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url))

let server: Postgres
let place: Place
let fileLog: string
let environment: Readonly<Record<string, string>>
let count = 0

/** Asks the server itself. */
const withSql = <A, E>(use: (sql: PgClient.PgClient) => Effect.Effect<A, E>): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(PgClient.make({ url: server.url(), maxConnections: 2, prepare: false }), use).pipe(
        Effect.provide(Reactivity.layer)
      )
    )
  )

const query = (text: string): Promise<ReadonlyArray<ReadonlyArray<unknown>>> =>
  withSql((sql) => sql.unsafe(text).values)

const newSchema = (): string => `s${++count}`

/** A filled log in a schema of its own. */
const filled = async (): Promise<string> => {
  const schema = newSchema()
  const { code } = await place.leasehold(["migrate", "up", "--schema", schema])
  expect(code).toBe(0)
  await withSql((sql) => fill(atTheEdge({ ...operations(sql, schema), capabilities, changes: () => Effect.never })))
  return schema
}

let log: string

beforeAll(async () => {
  server = await Postgres.start()
  environment = { LEASEHOLD_POSTGRES_URL: Redacted.value(server.url()), LEASEHOLD_LOG: "postgres" }
  place = makePlace({ kept: true, env: environment })
  fileLog = place.fresh()
  await seed(fileLog)
  log = await filled()
})
afterAll(async () => {
  place?.remove()
  await server?.close()
})

describe("migrate", () => {
  it("status, plan and up: what is missing, as SQL that does the same, and done", async () => {
    const schema = newSchema()
    const at = ["--schema", schema]
    const before = await place.json(["migrate", "status", ...at])
    expect(before).toMatchObject({ code: 1, value: { schema, usable: false, applied: [], missing: [{ version: 1 }] } })
    expect(before.err).toBe(`leasehold: schema ${schema} lacks 1 of its migrations; run leasehold migrate up\n`)
    const missing = await place.leasehold(["stats", ...at])
    expect(missing.err).toBe(
      `leasehold: open: schema ${schema} cannot hold a log (other): it holds no log; run leasehold migrate up\n`
    )

    const plan = await place.leasehold(["migrate", "plan", ...at])
    expect(plan.code).toBe(0)
    expect(plan.out).toMatch(/^BEGIN;\n[^]*\nCOMMIT;\n$/)
    expect(await query(`SELECT to_regnamespace('${schema}') IS NULL`)).toEqual([[true]])
    const body = plan.out.replace(/^BEGIN;/, "").replace(/COMMIT;\n$/, "")
    await query(`DO $outer$ BEGIN EXECUTE $inner$${body}$inner$; END $outer$`)

    const after = await place.leasehold(["migrate", "status", ...at])
    expect(after.code).toBe(0)
    expect(after.out).toMatch(/^VERSION +READABLE BY +APPLIED +NAME\n +1 +1 +\d{4}-.*Z  jobs/)
    expect((await place.leasehold(["stats", ...at])).out).toBe("no queues\n")
    expect(await place.leasehold(["migrate", "plan", ...at])).toMatchObject({ code: 0, out: "" })
    expect(await place.json(["migrate", "up", ...at])).toMatchObject({ code: 0, value: { schema, applied: [] } })
  })

  it("up: of many at once one does it", async () => {
    const schema = newSchema()
    const all = await Promise.all(
      [1, 2, 3].map(() => place.leasehold(["migrate", "up", "--schema", schema], environment))
    )
    expect(all.map(({ code, err }) => ({ code, err }))).toEqual(all.map(() => ({ code: 0, err: "" })))
    expect(all.map(({ out }) => out.startsWith("nothing to do")).toSorted()).toEqual([false, true, true])
  })

  it("up: needs no right to make anything where nothing is missing", async () => {
    await query("CREATE ROLE modest LOGIN")
    await query(`GRANT USAGE ON SCHEMA ${log} TO modest`)
    await query(`GRANT SELECT ON ${log}.migration TO modest`)
    const url = `${Redacted.value(server.url()).replace(/user=\w+/, "user=modest")}`
    const modest = { LEASEHOLD_POSTGRES_URL: url, LEASEHOLD_POSTGRES_SCHEMA: log }
    const nothing = await place.leasehold(["migrate", "up"], modest)
    expect(nothing).toEqual({ code: 0, out: `nothing to do: schema ${log} has all migrations\n`, err: "" })
    const refused = await place.leasehold(["migrate", "up", "--schema", newSchema(), "--json"], modest)
    expect(refused.code).toBe(1)
    expect(JSON.parse(refused.out)).toMatchObject({ error: { tag: "NotWritable" } })
  })

  it("a schema that a newer release made is left alone", async () => {
    const schema = newSchema()
    await place.leasehold(["migrate", "up", "--schema", schema])
    await query(`INSERT INTO ${schema}.migration (version, name, readable_by) VALUES (99, 'later', 99)`)
    const status = await place.json(["migrate", "status", "--schema", schema])
    expect(status).toMatchObject({ code: 1, value: { usable: false } })
    expect(status.err).toContain("is of version 99, which needs a newer release")
    const stats = await place.json(["stats", "--schema", schema])
    expect(stats).toMatchObject({ code: 1, value: { error: { tag: "UnsupportedFormat" } } })
  })
})

describe("commands answer as on a file log", () => {
  /** What differs by nature: times, and what a log calls its own. */
  const comparable = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value, (name, each: unknown) =>
        /^(?:now|next|token|session|sequence|detail|\w*(?:At|Since))$/.test(name) ? undefined : each
      )
    )

  it.each([
    [["stats"]],
    [["jobs", "list"]],
    [["jobs", "list", "--queue", "mail", "--state", "DeadLettered"]],
    [["jobs", "show", id(6)]],
    [["jobs", "show", id(7)]],
    [["dead", "list", "--queue", "mail"]],
    [["dead", "preview", "--cause", "Declined"]],
    [["dead", "purge", "--all", "--preview"]],
    [["jobs", "show", id(77)]]
  ])("%j", async (command) => {
    const file = await place.json([...command, "--directory", fileLog])
    const postgres = await place.json([...command, "--schema", log])
    expect(comparable(postgres)).toEqual(comparable(file))
  })

  it("pages", async () => {
    const first = await place.json(["jobs", "list", "--limit", "5", "--schema", log])
    const rest = await place.json(["jobs", "list", "--after", String(first.value.next), "--schema", log])
    expect([...first.value.jobs, ...rest.value.jobs].map((job) => job.id)).toEqual([1, 4, 8, 9, 6, 2, 3, 5, 7].map(id))
  })

  it("changes", async () => {
    const schema = await filled()
    const at = ["--schema", schema]
    const cancelled = await place.json(["jobs", "cancel", id(2), id(4), ...at])
    expect(cancelled).toMatchObject({ code: 1, value: { cancelled: [id(2)], refused: [{ id: id(4) }] } })
    expect(await place.leasehold(["queue", "resume", "stopped", ...at])).toMatchObject({ out: "stopped is open\n" })
    expect(await place.leasehold(["queue", "pause", "mail", ...at])).toMatchObject({ code: 0 })
    const redriven = await place.json(["dead", "redrive", "--cause", "Declined", ...at])
    expect(redriven.value).toEqual({ redriven: [id(1), id(9)], refused: [] })
    expect((await place.leasehold(["dead", "purge", "--all", "--yes", ...at])).out).toBe("1 purged, 0 refused\n")
    const { value } = await place.json(["stats", ...at])
    expect(value.queues).toMatchObject([
      { queue: "mail", paused: true, ready: 2, cancelled: 2, deadLettered: 0 },
      { queue: "stopped", paused: false }
    ])
  })

  it("tells whoever waits", async () => {
    const heard = await withSql((sql) =>
      Effect.gen(function* () {
        const notifications = yield* sql.listen(`leasehold_${log}`)
        yield* Effect.promise(() => place.leasehold(["queue", "pause", "stopped", "--schema", log]))
        return yield* Queue.take(notifications)
      }).pipe(Effect.scoped)
    )
    expect(heard).toMatchObject({ payload: '{"from":"","q":"all","j":"all"}' })
  })
})

describe("the configured log", () => {
  const build = (more: Readonly<Record<string, string>>) =>
    Effect.runPromise(
      Effect.map(JobLog, (built) => built.capabilities.log).pipe(
        Effect.provide(ConfiguredLog.layer, { local: true }),
        Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({ ...environment, ...more })),
        Effect.provideService(References.MinimumLogLevel, "None"),
        Effect.matchEffect({
          onSuccess: (name): Effect.Effect<unknown> => Effect.succeed(name),
          onFailure: (error) => Effect.succeed(error)
        })
      )
    )

  it("is the one in the schema, made where it is told to", async () => {
    const schema = newSchema()
    expect(await build({ LEASEHOLD_POSTGRES_SCHEMA: schema })).toMatchObject({ reason: { _tag: "NotWritable" } })
    expect(await build({ LEASEHOLD_POSTGRES_SCHEMA: schema, LEASEHOLD_POSTGRES_MIGRATE: "true" })).toBe("postgres")
    expect(await build({ LEASEHOLD_POSTGRES_SCHEMA: schema })).toBe("postgres")
  })
})

describe("doctor", () => {
  it("says what is amiss, what it means and what helps", async () => {
    // this server does not wait for its disk
    const amiss = await place.json(["doctor", "--schema", log])
    expect(amiss.value).toMatchObject({
      schema: log,
      level: "fail",
      findings: expect.arrayContaining([
        expect.objectContaining({ check: "migration", level: "ok" }),
        expect.objectContaining({ check: "durability", level: "fail", remedy: expect.any(String) })
      ])
    })
    expect({ code: amiss.code, err: amiss.err }).toEqual({
      code: 1,
      err: "leasehold: the log cannot be relied on: durability\n"
    })
    const people = await place.leasehold(["doctor", "--schema", newSchema()])
    expect(people.code).toBe(1)
    expect(people.out).toMatch(/^CHECK +LEVEL +FOUND\nserver +ok +PostgreSQL \d+/)
    expect(people.out).toMatch(/^fail: migration +the log does not open\n +what helps +run `leasehold migrate up`/m)
  })
})

describe("through a pooler in transaction mode", () => {
  it("everything works as well", async () => {
    const pooler = await PgBouncer.start(server)
    try {
      const env = { ...environment, LEASEHOLD_POSTGRES_URL: Redacted.value(server.url("postgres", pooler.port)) }
      const schema = newSchema()
      const up = await place.leasehold(["migrate", "up", "--schema", schema], env)
      expect(up).toMatchObject({ code: 0, err: "" })
      const show = await place.leasehold(["jobs", "show", id(7), "--schema", log, "--json"], env)
      expect(JSON.parse(show.out)).toMatchObject({ job: { id: id(7), state: "Ready" } })
      const pause = await place.leasehold(["queue", "pause", "mail", "--schema", schema], env)
      expect(pause).toMatchObject({ code: 0, err: "" })
    } finally {
      await pooler.close()
    }
  })
})

describe("the connection string", () => {
  it("is better not given as a flag, and is never shown", async () => {
    const url = "postgres://me:hidden@127.0.0.1:1/db"
    const { code, err, out } = await place.leasehold(["stats", "--url", url])
    expect({ code, out }).toEqual({ code: 1, out: "" })
    expect(err).toMatch(
      /^leasehold: warning: others on this machine can see --url; set LEASEHOLD_POSTGRES_URL instead\n/
    )
    expect(err).toMatch(/\nleasehold: open: the log is unavailable: connect ECONNREFUSED 127\.0\.0\.1:1\n$/)
    expect(err).not.toContain("hidden")
    const wrong = await place.leasehold(["doctor"], { LEASEHOLD_POSTGRES_URL: "mysql://me:hidden@host/db" })
    expect(wrong.code).toBe(1)
    expect(wrong.err).toMatch(/^leasehold: LEASEHOLD_POSTGRES_URL is not a connection string such as postgres:/)
    expect(wrong.err).not.toContain("hidden")
  })

  it("is asked for", async () => {
    const ended = await place.leasehold(["stats"], { LEASEHOLD_POSTGRES_URL: "" })
    expect(ended).toMatchObject({ code: 2, out: "" })
    expect(ended.err).toBe("leasehold: which database? Set LEASEHOLD_POSTGRES_URL, or give its --url\n")
  })
})

describe("the package", () => {
  it("that is not installed is named", async () => {
    const hooks = `import { registerHooks } from "node:module"
      registerHooks({ resolve: (name, context, next) => {
        if (!name.startsWith("@effect/sql-pg")) return next(name, context)
        const error = new Error("Cannot find package '@effect/sql-pg' imported from somewhere")
        throw Object.assign(error, { code: "ERR_MODULE_NOT_FOUND" })
      } })`
    const ended = await place.node([
      "--import",
      `data:text/javascript,${encodeURIComponent(hooks)}`,
      entry,
      ...["stats", "--schema", log]
    ])
    expect(ended).toEqual({
      code: 2,
      out: "",
      err: "leasehold: the log postgres needs the package @effect/sql-pg: npm install @effect/sql-pg\n"
    })
  })
})
