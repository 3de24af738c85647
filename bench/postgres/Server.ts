/** A private server on the measured disk, as durable as one in production, and what it takes to use it. */
import { type ChildProcess, spawn } from "node:child_process"
import { chownSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir, totalmem } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as PrivatePostgres from "../../src/cli/demo/PrivatePostgres.ts"
import { cpuMicrosOf } from "../queues/ServerCpu.ts"
import type { Origin, Server } from "../queues/Store.ts"

/** What differs from the server's own defaults. */
const settings: Readonly<Record<string, string>> = {
  shared_buffers: `${Math.min(1024, Math.floor(totalmem() / 4 / 2 ** 20))}MB`,
  // the private servers of the demo have less
  max_wal_size: "1GB",
  dynamic_shared_memory_type: "posix",
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  autovacuum: "on"
}

/** Milliseconds a start or an end may take. */
const patienceMillis = 60_000

/** A session of one's own. */
interface Session {
  readonly run: (statement: string) => Promise<ReadonlyArray<ReadonlyArray<unknown>>>
  readonly close: () => Promise<void>
}

const openSession = async (url: string): Promise<Session> => {
  const scope = Scope.makeUnsafe()
  const connection = await Effect.runPromise(
    Scope.provide(PgConnection.make({ url: Redacted.make(url), prepare: false }), scope)
  )
  return {
    run: (statement) => Effect.runPromise(connection.queryValues(statement)),
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

export class PostgresServer implements Server {
  readonly #child: ChildProcess
  readonly #directory: string
  readonly #sockets: string
  readonly #admin: Session
  readonly version: string
  readonly #major: number

  private constructor(child: ChildProcess, directory: string, sockets: string, admin: Session, version: string) {
    this.#child = child
    this.#directory = directory
    this.#sockets = sockets
    this.#admin = admin
    this.version = version
    this.#major = Number.parseInt(version, 10)
  }

  /** Makes its data in a folder of their own below `place`; both go with it. */
  static async start(place: string): Promise<PostgresServer> {
    const programs = PrivatePostgres.find()
    if (programs === undefined) throw new Error("put `postgres` and `initdb` of version 13 or newer on the PATH")
    const { account, folder } = programs
    const directory = mkdtempSync(join(place, "leasehold-bench-"))
    // the path of a socket must be short
    const sockets = mkdtempSync(join(tmpdir(), "leasehold-"))
    let child: ChildProcess | undefined
    try {
      if (account !== undefined) for (const path of [directory, sockets]) chownSync(path, account.uid, account.gid)
      const data = join(directory, "data")
      mkdirSync(directory, { recursive: true })
      PrivatePostgres.initialise(programs, data)
      const started = spawn(join(folder, "postgres"), PrivatePostgres.words(data, sockets, settings), {
        stdio: ["ignore", "ignore", "inherit"],
        // it ends when it is told to, not with the terminal's processes
        detached: true,
        ...account
      })
      child = started
      const until = performance.now() + patienceMillis
      while (!PrivatePostgres.isReady(data, started.pid)) {
        if (started.pid === undefined || started.exitCode !== null || performance.now() > until) {
          throw new Error("the server did not start")
        }
        await setTimeout(20)
      }
      const admin = await openSession(Redacted.value(PrivatePostgres.urlOf(sockets, 5432)))
      const [row] = await admin.run("SHOW server_version")
      return new PostgresServer(started, directory, sockets, admin, String(row?.[0]))
    } catch (error) {
      child?.kill("SIGQUIT")
      for (const path of [directory, sockets]) rmSync(path, { recursive: true, force: true })
      throw error
    }
  }

  get settings(): Readonly<Record<string, string>> {
    return settings
  }

  url(database: string): string {
    return Redacted.value(PrivatePostgres.urlOf(this.#sockets, 5432, database))
  }

  cpuMicros(): number {
    return this.#child.pid === undefined ? 0 : cpuMicrosOf(this.#child.pid)
  }

  /** A fresh database, or a copy of one that nobody uses. */
  async create(database: string, { template }: Origin): Promise<void> {
    const copy = template === undefined ? "" : `TEMPLATE "${template}"`
    // a copy of files leaves no trace in what is measured next
    const strategy = template !== undefined && this.#major >= 15 ? "STRATEGY FILE_COPY" : ""
    await this.#admin.run(`CREATE DATABASE "${database}" ${copy} ${strategy}`)
  }

  async drop(database: string): Promise<void> {
    await this.#admin.run(`DROP DATABASE IF EXISTS "${database}" WITH (FORCE)`)
  }

  /** Vacuums and analyzes it: the same favourable state for everybody. */
  async tidy(database: string): Promise<void> {
    const session = await openSession(this.url(database))
    await session.run("VACUUM (ANALYZE)")
    await session.close()
  }

  async checkpoint(): Promise<void> {
    await this.#admin.run("CHECKPOINT")
  }

  async bytes(database: string): Promise<number> {
    const [row] = await this.#admin.run(`SELECT pg_database_size('${database}')::float8`)
    return Number(row?.[0])
  }

  /** Opens a session that holds a snapshot of the database; the answer ends it. */
  async pin(database: string): Promise<() => Promise<void>> {
    const session = await openSession(this.url(database))
    await session.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await session.run("SELECT count(*) FROM pg_class")
    return () => session.close()
  }

  async stop(): Promise<void> {
    await this.#admin.close()
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((resolve) => this.#child.once("exit", resolve))
      this.#child.kill("SIGINT")
      await Promise.race([ended, setTimeout(patienceMillis, undefined, { ref: false })])
      this.#child.kill("SIGQUIT")
    }
    for (const path of [this.#directory, this.#sockets]) rmSync(path, { recursive: true, force: true })
  }
}
