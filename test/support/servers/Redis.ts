/** A private Redis or Valkey server for a test: a real program on fresh data, to be killed, frozen and started again. */
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { delimiter, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { Redis as Client } from "ioredis"
import * as PrivateRedis from "../../../src/cli/demo/PrivateRedis.ts"
import { Server } from "../../faults/Server.ts"
import { place } from "./place.ts"

export interface Options {
  /**
   * Directives of its configuration. Without any it appends to a file and waits for the disk at each write
   * (`appendonly yes`, `appendfsync always`), makes no snapshots (`save ""`), and evicts nothing.
   */
  readonly settings?: PrivateRedis.Settings | undefined
  /** Where its data lie, a folder that exists; default one of its own in the run's. */
  readonly directory?: string | undefined
  /** Another program than the one that is found. */
  readonly program?: string | undefined
  /** Runs it as a Sentinel, which has no data. */
  readonly sentinel?: boolean | undefined
}

/** The program that LEASEHOLD_TEST_REDIS names, or else this machine's. */
export const find = (): string | undefined => process.env["LEASEHOLD_TEST_REDIS"] ?? PrivateRedis.find()

/** The version that a program says it is, such as `v=6.2.16`. */
const versionOf = (program: string): string => spawnSync(program, ["--version"], { encoding: "utf8" }).stdout

/** Whether the server that is tried knows functions, which came with version 7. */
export const hasFunctions: boolean = !/\bv=[0-6]\./.test(versionOf(find() ?? "redis-server") ?? "")

/** Whether the server that is tried tells when it has synced a write, which came with version 7.2. */
export const tellsSyncs: boolean = hasFunctions && !/\bv=7\.[01]\./.test(versionOf(find() ?? "redis-server") ?? "")

/** Words of an access list that leave a user only scripts. */
export const onlyScripts: ReadonlyArray<string> = hasFunctions ? ["-fcall", "-fcall_ro", "-function"] : []

/** What an older server does not ask, and does not know. */
const since7: ReadonlyArray<string> = ["enable-debug-command"]

const understood = (settings: PrivateRedis.Settings): PrivateRedis.Settings =>
  hasFunctions ? settings : Object.fromEntries(Object.entries(settings).filter(([name]) => !since7.includes(name)))

const programFound = (): string => {
  const found = find()
  if (found !== undefined) return found
  throw new Error("these tests need a Redis or Valkey server: put `redis-server` of version 6.2 or newer on the PATH")
}

/** Ends the server with the process that started it, where the system can: a lost one would run forever. */
const tied = (program: string, ...words: ReadonlyArray<string>): readonly [string, ...ReadonlyArray<string>] =>
  (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, "setpriv")))
    ? ["setpriv", "--pdeathsig", "KILL", "--", program, ...words]
    : [program, ...words]

/** Waits until it is so, within a minute. A look that fails counts as no. */
export const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  const end = Date.now() + 60_000
  while (!(await holds().catch(() => false))) {
    if (Date.now() > end) throw new Error(`in vain: ${what}`)
    await sleep(20)
  }
}

/** What a server answers; an error is thrown with its text. */
const call = async (client: Client, [name, ...args]: ReadonlyArray<string | number>): Promise<unknown> => {
  // every failure is told to who asked
  client.on("error", () => {})
  try {
    await client.connect()
    return await client.call(String(name), args)
  } finally {
    client.disconnect()
  }
}

export class Redis {
  readonly #server: Server
  readonly #directory: string
  readonly #own: boolean
  readonly #password: string | undefined

  private constructor(server: Server, directory: string, own: boolean, password: string | undefined) {
    this.#server = server
    this.#directory = directory
    this.#own = own
    this.#password = password
  }

  static async start(options: Options = {}): Promise<Redis> {
    const program = options.program ?? programFound()
    const directory = options.directory ?? mkdtempSync(join(place(), "r-"))
    const file = join(directory, "redis.conf")
    const settings = understood(options.settings ?? {})
    const sentinel = options.sentinel === true
    // a server may rewrite it, so it is written once
    writeFileSync(
      file,
      sentinel
        ? PrivateRedis.lines({ dir: JSON.stringify(directory), bind: "127.0.0.1", ...settings })
        : PrivateRedis.configuration(directory, { "repl-diskless-sync-delay": 0, ...settings })
    )
    const server = await Server.start({
      command: (port) => tied(program, file, "--port", String(port), ...(sentinel ? ["--sentinel"] : [])),
      ready: (port) => Effect.runPromise(PrivateRedis.isReady(port)),
      patience: 60_000
    })
    const password = settings["requirepass"]
    return new Redis(
      server,
      directory,
      options.directory === undefined,
      password === undefined ? undefined : String(password)
    )
  }

  /** It listens here on the loopback. */
  get port(): number {
    return this.#server.port
  }

  get pid(): number | undefined {
    return this.#server.pid
  }

  /** Where its data lie. */
  get directory(): string {
    return this.#directory
  }

  /** The path of its socket; a Sentinel has none. */
  get socket(): string {
    return PrivateRedis.socketIn(this.#directory)
  }

  /** What it printed. */
  get output(): string {
    return this.#server.output
  }

  /** How to connect: to its port, or to another that leads there. */
  url(port = this.port): Redacted.Redacted {
    const password = this.#password === undefined ? "" : `:${encodeURIComponent(this.#password)}@`
    return Redacted.make(`redis://${password}127.0.0.1:${port}`)
  }

  /** Asks it on a connection of its own, such as `cli("CONFIG", "GET", "save")`: the answer, or the error is thrown. */
  cli(...command: readonly [string, ...ReadonlyArray<string | number>]): Promise<unknown> {
    const client = new Client({
      host: "127.0.0.1",
      port: this.port,
      ...(this.#password === undefined ? undefined : { password: this.#password }),
      protocol: 2,
      lazyConnect: true,
      enableReadyCheck: false,
      disableClientInfo: true,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null
    })
    return call(client, command)
  }

  /** The answer of {@link cli} as a text. */
  async text(...command: readonly [string, ...ReadonlyArray<string | number>]): Promise<string> {
    return String(await this.cli(...command))
  }

  /** A line of INFO, such as `info("master_link_status")`. */
  async info(name: string): Promise<string | undefined> {
    const lines = (await this.text("INFO")).split("\r\n")
    return lines.find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1)
  }

  /** Makes it forget the functions and scripts that it was given. */
  async forget(): Promise<void> {
    if (hasFunctions) await this.cli("FUNCTION", "FLUSH")
    await this.cli("SCRIPT", "FLUSH")
  }

  /** From now on it takes so many microseconds for each key that it reads, and sees to its clients meanwhile. */
  async readSlowly(perKey: number): Promise<void> {
    await this.cli("CONFIG", "SET", "key-load-delay", perKey)
    if (hasFunctions) await this.cli("CONFIG", "SET", "loading-process-events-interval-bytes", 1024)
    else {
      // an older one sees to them after each two megabytes
      await this.cli("CONFIG", "SET", "rdbcompression", "no")
      await this.cli("DEBUG", "POPULATE", 2000, "filler", 4000)
    }
  }

  /** SIGKILL. */
  kill(): Promise<void> {
    return this.#server.kill()
  }

  /** Starts it again, and waits until it has read its data. */
  restart(): Promise<void> {
    return this.#server.restart()
  }

  /** Ends it as an operator does. */
  stop(): Promise<void> {
    return this.#server.end("SIGTERM")
  }

  /** SIGSTOP: it no longer answers, its connections stay. */
  freeze(): void {
    this.#server.freeze()
  }

  /** SIGCONT. */
  thaw(): void {
    this.#server.thaw()
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    await this.#server.kill()
    if (this.#own) rmSync(this.#directory, { recursive: true, force: true })
  }
}
