/** The Postgres log on a private server, whose log's clock stands still until a law moves it. */
import { closeSync, openSync, writeSync } from "node:fs"
import { connect, Socket } from "node:net"
import { join } from "node:path"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { Harness } from "../../properties/Harness.ts"
import * as PostgresLog from "../../src/backends/postgres/PostgresLog.ts"
import type { Postgres } from "../support/servers/Postgres.ts"

export interface Options {
  readonly name: string
  readonly server: Postgres
  /** The schema of the log; each harness on a server has its own. */
  readonly schema: string
  /** Every so many crashes are the server's own death by SIGKILL; in the others the log's process dies. */
  readonly killEvery: number
  /** A pooler in transaction mode, through which the log connects. */
  readonly pooler?: { readonly port: number } | undefined
}

/** Settings of a server that writes to its own log only what it is asked to, so that what a log writes can be counted. */
export const quiet = {
  autovacuum: "off",
  checkpoint_timeout: "1h",
  wal_level: "minimal",
  max_wal_senders: 0,
  wal_compression: "on"
}

/** The tables that jobs and sessions leave their traces in. */
const rewritten = [
  "job",
  "job_state",
  "session",
  "session_call",
  "quiet_call",
  "idempotency_key",
  "job_group",
  "finished",
  "lane"
]

/** Beginning of 2030, Unix milliseconds. */
const beginning = 1_893_456_000_000

/** A client, and the scope that it ends with. */
interface Connected {
  readonly sql: PgClient.PgClient
  readonly scope: Scope.Closeable
}

const connected = (config: Parameters<typeof PgClient.layer>[0]): Effect.Effect<Connected> =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const context = yield* Effect.orDie(Layer.buildWithScope(PgClient.layer(config), scope))
    return { sql: Context.get(context, PgClient.PgClient), scope }
  })

const end = ({ scope }: Connected): Effect.Effect<void> => Scope.close(scope, Exit.void)

const run = (sql: PgClient.PgClient, statement: string) => Effect.orDie(sql.unsafe(statement).unprepared)

/** The first column of a statement's answer. */
const ask = (sql: PgClient.PgClient, statement: string): Effect.Effect<ReadonlyArray<unknown>> =>
  Effect.map(Effect.orDie(sql.unsafe(statement).values), (rows) => rows.map((row) => row[0]))

type To = { readonly path: string } | { readonly port: number; readonly host: string }

/** A process that uses the log: the sockets of its connections are cut when it dies, and none comes to be after that. */
class Process {
  readonly #sockets = new Set<Socket>()
  #dead = false

  readonly #to: To

  constructor(to: To) {
    this.#to = to
  }

  readonly stream = (): Socket => {
    if (this.#dead) return new Socket().destroy(new Error("this process is dead"))
    const socket = connect(this.#to)
    this.#sockets.add(socket)
    socket.once("close", () => this.#sockets.delete(socket))
    return socket
  }

  /** From now on it hears nothing, while what it has sent goes on. */
  deafen(): void {
    this.#dead = true
    for (const socket of this.#sockets) socket.pause()
  }

  die(): void {
    this.deafen()
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** Who is connected, but for the caller. */
const others = "pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"

/** Milliseconds after which what a history has left on the server will not end by itself. */
const patience = 60_000

/** Until a statement on the server's own tables answers true; tells who is in its way if that does not come to be. */
const until = (sql: PgClient.PgClient, statement: string): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (;;) {
      const [answer] = yield* ask(sql, statement)
      if (answer === true) return
      yield* Effect.sleep(1)
    }
  }).pipe(
    Effect.timeoutOrElse({
      duration: patience,
      orElse: () =>
        Effect.flatMap(
          ask(
            sql,
            `SELECT concat_ws(' ', pid, state, wait_event_type, wait_event, now() - state_change, query) FROM ${others}`
          ),
          (rows) => Effect.die(new Error(`the server is not done: ${rows.join("; ")}`))
        )
    })
  )

/** Counts the statements that are on their way: a call that nobody waits for any more may yet be carried out. */
class Outstanding {
  count = 0

  readonly of = (sql: PgClient.PgClient): PgClient.PgClient => {
    const unsafe = <A extends object>(text: string, parameters?: ReadonlyArray<unknown>) => {
      const statement = sql.unsafe<A>(text, parameters)
      // an interrupted call of a shared connection goes on without its caller
      const counted = Effect.suspend(() => {
        this.count++
        const counting = Effect.sync(() => {
          this.count--
        })
        return Effect.flatMap(Effect.forkDetach(Effect.ensuring(statement.values, counting)), Fiber.join)
      })
      return new Proxy(statement, { get: (target, key) => (key === "values" ? counted : Reflect.get(target, key)) })
    }
    return new Proxy(sql, { get: (target, key) => (key === "unsafe" ? unsafe : Reflect.get(target, key)) })
  }

  readonly none: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    while (this.count > 0) yield* Effect.sleep(1)
  }).pipe(
    Effect.timeoutOrElse({
      duration: patience,
      orElse: () => Effect.die(new Error(`${this.count} statements of the history before have no end`))
    })
  )
}

export interface PostgresHarness extends Harness {
  /** Runs a statement between two histories; the schema is there. */
  readonly change: (statement: string) => Effect.Effect<void>
  readonly close: Effect.Effect<unknown>
}

/** One log after the other in one schema: each history begins with nothing in it. */
export const postgresHarness = (options: Options): PostgresHarness => {
  const { killEvery, pooler, schema, server } = options
  let admin: Connected | undefined
  let reset = ""
  let compacted = ""
  let log: { readonly process: Process; readonly client: Connected } | undefined
  /** What ends with the log that is open, but for the connections. */
  let opened: Scope.Closeable | undefined
  /** Clients of processes that died in this history: who still calls one learns that it cannot connect. */
  let graves: Array<Connected> = []
  let now = beginning
  let histories = 0
  const outstanding = new Outstanding()

  const connectAdmin = Effect.suspend(() => connected({ url: server.url(), maxConnections: 1 }))

  // a file, since a clock that writes to the log's storage would count as written by the log
  const clock = join(server.sockets, `${schema}.clock`)
  const clockFile = openSync(clock, "w", 0o644)
  const setClock = (to: number): void => {
    now = to
    // in place and of one length, so that a reader sees the old time or the new one
    writeSync(clockFile, String(now), 0)
  }

  const connectLog = Effect.gen(function* () {
    const path = `${server.sockets}/.s.PGSQL.${server.port}`
    const process = new Process(pooler === undefined ? { path } : { port: pooler.port, host: "127.0.0.1" })
    const client = yield* connected({
      stream: process.stream,
      username: "leasehold",
      database: "postgres",
      maxConnections: 4,
      multiplex: true,
      prepare: pooler === undefined
    })
    log = { process, client }
    return client.sql
  })

  const migrated = Effect.gen(function* () {
    admin = yield* connectAdmin
    const { sql } = admin
    yield* run(sql, `DROP SCHEMA IF EXISTS "${schema}" CASCADE`)
    yield* Effect.orDie(
      Effect.provideService(PostgresLog.make({ schema, migrate: true }), PgClient.PgClient, sql).pipe(Effect.scoped)
    )
    yield* run(
      sql,
      `CREATE OR REPLACE FUNCTION "${schema}".now_millis() RETURNS bigint LANGUAGE sql VOLATILE AS
       $$ SELECT pg_read_file('${clock}')::bigint $$`
    )
    const named = (kind: string) =>
      Effect.map(
        ask(
          sql,
          `SELECT relname FROM pg_class WHERE relnamespace = '"${schema}"'::regnamespace AND relkind = '${kind}'`
        ),
        (names) => names.map((name) => `"${schema}"."${String(name)}"`)
      )
    const all = yield* named("r")
    const tables = all.filter((name) => !name.endsWith('."migration"'))
    const sequences = yield* named("S")
    reset = [
      ...tables.map((name) => `DELETE FROM ${name}`),
      ...sequences.map((name) => `PERFORM setval('${name}', 1, false)`),
      `DELETE FROM "${schema}".migration WHERE name = 'later'`
    ].join("; ")
    compacted = `VACUUM FULL ${rewritten.map((name) => `"${schema}".${name}`).join(", ")}`
  })

  /** The client that only the test has, after the server's death another one. */
  const adminSql = Effect.suspend(() =>
    admin === undefined ? Effect.die(new Error("no history has begun")) : Effect.succeed(admin.sql)
  )

  const open = (sql: PgClient.PgClient) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      opened = scope
      return yield* PostgresLog.make({ schema }).pipe(
        Effect.provideService(PgClient.PgClient, outstanding.of(sql)),
        Scope.provide(scope),
        // that its connections are cut is nothing to tell
        Effect.provideService(References.MinimumLogLevel, "None")
      )
    })

  const closeOpened = (): Effect.Effect<void> => {
    const scope = opened
    opened = undefined
    return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
  }

  /** Ends the process of the log, by seed at once or while the server still works for it. */
  const dies = (seed: number): Effect.Effect<void> =>
    Effect.gen(function* () {
      const dead = log
      log = undefined
      const closing = closeOpened()
      dead?.process.deafen()
      if (seed % 3 > 0) yield* Effect.sleep(seed % 3)
      dead?.process.die()
      if (seed % killEvery === 0) {
        yield* Effect.promise(() => server.kill())
        yield* Effect.promise(() => server.restart())
        if (admin !== undefined) yield* Effect.forkDetach(end(admin))
        admin = yield* connectAdmin
      } else {
        const sql = yield* adminSql
        // again and again, as a pooler may just be connecting
        yield* until(sql, `SELECT count(pg_terminate_backend(pid)) = 0 FROM ${others}`)
      }
      if (dead !== undefined) graves.push(dead.client)
      // the dead say no farewell: its connections are gone
      yield* Effect.forkDetach(closing)
    })

  const closeGraves = (): Effect.Effect<void> => {
    const clients = graves
    graves = []
    return Effect.forEach(clients, end, { discard: true })
  }

  const close = Effect.suspend(() => {
    closeSync(clockFile)
    return Effect.forEach([log?.client, admin], (client) => (client === undefined ? Effect.void : end(client)))
  })

  const make = Effect.gen(function* () {
    yield* Effect.addFinalizer(() => Effect.andThen(closeOpened(), closeGraves()))
    if (admin === undefined) yield* migrated
    const sql = yield* adminSql
    // a statement of the history before this one may still be on its way, or at it
    yield* outstanding.none
    yield* until(sql, `SELECT NOT EXISTS (SELECT 1 FROM ${others} AND state <> 'idle')`)
    yield* run(sql, `DO $$ BEGIN ${reset}; END $$`)
    if (histories++ % 30 === 0) yield* run(sql, "VACUUM")
    setClock(beginning)
    const operations = yield* open(log?.client.sql ?? (yield* connectLog))
    // a pooler learns from its next client that its connections are gone, and refuses others for a second where it gets none
    const times = pooler === undefined ? 0 : 10
    const reopen = Effect.retry(
      Effect.suspend(() => {
        if (log !== undefined) graves.push(log.client)
        return Effect.flatMap(connectLog, open)
      }),
      { while: ({ isRetryable }) => isRetryable, times, schedule: Schedule.exponential("5 millis") }
    )
    const restart = Effect.suspend(() => {
      const before = log
      log = undefined
      return closeOpened().pipe(
        Effect.andThen(before === undefined ? Effect.void : end(before.client)),
        Effect.andThen(reopen)
      )
    })
    return {
      log: operations,
      advance: (millis: number) => Effect.sync(() => setClock(now + millis)),
      crash: ({ seed }: { readonly seed: number }) => Effect.andThen(dies(seed), reopen),
      restart,
      newerFormat: Effect.gen(function* () {
        const client = yield* adminSql
        yield* run(
          client,
          `INSERT INTO "${schema}".migration (version, name, readable_by)
           SELECT max(version) + 1, 'later', max(version) + 1 FROM "${schema}".migration`
        )
        return yield* restart
      }),
      compact: Effect.gen(function* () {
        // of its own, as it is cut by a crash
        const client = yield* connected({ url: server.url(), maxConnections: 1 })
        yield* Effect.ensuring(Effect.ignore(client.sql.unsafe(compacted).unprepared), end(client))
      }),
      written: Effect.gen(function* () {
        const [bytes] = yield* ask(yield* adminSql, "SELECT pg_current_wal_insert_lsn() - '0/0'")
        return Number(bytes)
      })
    }
  })

  return {
    name: options.name,
    patience: 20_000,
    cannot: {
      damage: "the storage is the server's",
      failSync: "the storage is the server's",
      stepClock: "the clock is the server's",
      openSecond: "many may have it open"
    },
    make,
    change: (statement) =>
      Effect.gen(function* () {
        if (admin === undefined) yield* migrated
        yield* run(yield* adminSql, statement)
      }),
    close
  }
}
