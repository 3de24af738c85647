/** A private Postgres for a test: real programs on fresh data, to be killed, stopped, frozen and started again. */
import { spawnSync } from "node:child_process"
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import * as Redacted from "effect/Redacted"
import * as PrivatePostgres from "../../../src/cli/demo/PrivatePostgres.ts"
import { Server } from "../../faults/Server.ts"
import { place } from "./place.ts"

export interface Options {
  /**
   * Whether what it acknowledges survives a loss of power (default false). Its own death it survives in any case: what
   * it wrote is the operating system's.
   */
  readonly fsync?: boolean | undefined
  /** Lines of its configuration. */
  readonly settings?: Readonly<Record<string, string | number>> | undefined
  /** Where its data lie, a folder that exists; default one of its own in the run's. */
  readonly directory?: string | undefined
  /** Other programs than those that are found. */
  readonly programs?: PrivatePostgres.Programs | undefined
  /** What runs the server's command line, given after these words, and as whom it has to. */
  readonly through?:
    | ((account: PrivatePostgres.Account | undefined) => readonly [string, ...ReadonlyArray<string>])
    | undefined
}

/** Those of this machine; there is no test without them. */
const programsFound = (): PrivatePostgres.Programs => {
  const found = PrivatePostgres.find()
  if (found !== undefined) return found
  throw new Error("these tests need a Postgres server: put `postgres` and `initdb` of version 13 or newer on the PATH")
}

/** Fresh data: a copy of what the first server of the run had made. */
const makeData = (programs: PrivatePostgres.Programs, data: string): void => {
  const template = join(place(), `postgres-${programs.folder.replaceAll(/\W+/g, "-")}`)
  if (!existsSync(template)) {
    try {
      PrivatePostgres.initialise(programs, template)
    } catch (error) {
      // a test beside this one was quicker
      if (!existsSync(template)) throw error
    }
  }
  const { status, stderr } = spawnSync("cp", ["-a", template, data], { encoding: "utf8" })
  if (status !== 0) throw new Error(`cp: ${stderr}`)
}

export class Postgres {
  readonly #server: Server
  readonly #directory: string
  readonly #own: boolean

  private constructor(server: Server, directory: string, own: boolean) {
    this.#server = server
    this.#directory = directory
    this.#own = own
  }

  static async start(options: Options = {}): Promise<Postgres> {
    const programs = options.programs ?? programsFound()
    const { account, folder } = programs
    const directory = options.directory ?? mkdtempSync(join(place(), "s-"))
    const data = join(directory, "data")
    const sockets = join(directory, "sockets")
    mkdirSync(sockets, { recursive: true })
    if (account !== undefined) for (const path of [directory, sockets]) chownSync(path, account.uid, account.gid)
    if (!existsSync(data)) makeData(programs, data)
    const settings = {
      listen_addresses: "127.0.0.1",
      fsync: options.fsync === true ? "on" : "off",
      shared_buffers: "16MB",
      autovacuum_naptime: "5s",
      ...options.settings
    }
    const command = (port: number) =>
      [join(folder, "postgres"), ...PrivatePostgres.words(data, sockets, { port, ...settings })] as const
    const { through } = options
    const server = await Server.start({
      command: (port) => (through === undefined ? command(port) : [...through(account), ...command(port)]),
      ready: async (_, pid) => PrivatePostgres.isReady(data, pid),
      account: through === undefined ? account : undefined,
      patience: 60_000
    })
    return new Postgres(server, directory, options.directory === undefined)
  }

  /** It listens here on the loopback too, for what has to stand in between. */
  get port(): number {
    return this.#server.port
  }

  /** Where its socket lies. */
  get sockets(): string {
    return join(this.#directory, "sockets")
  }

  get data(): string {
    return join(this.#directory, "data")
  }

  /** What it printed. */
  get output(): string {
    return this.#server.output
  }

  /** How to connect: through its socket, or to a port of this machine. */
  url(database = "postgres", port?: number): Redacted.Redacted {
    if (port === undefined) return PrivatePostgres.urlOf(this.sockets, this.port, database)
    return Redacted.make(`postgres://leasehold@127.0.0.1:${port}/${database}`)
  }

  /** SIGKILL to all of its processes. */
  kill(): Promise<void> {
    return this.#server.kill()
  }

  /** Starts it again, and waits until it has recovered. */
  restart(): Promise<void> {
    return this.#server.restart()
  }

  /** Ends it as an operator does: sessions are cut, what is committed is kept. */
  stop(): Promise<void> {
    return this.#server.end("SIGINT")
  }

  freeze(): void {
    this.#server.freeze()
  }

  thaw(): void {
    this.#server.thaw()
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    this.#server.thaw()
    await this.#server.end("SIGQUIT")
    if (this.#own) rmSync(this.#directory, { recursive: true, force: true })
  }
}
