/** Private servers on the measured disk, as durable as told, and what it takes to use them: each database is one of its own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { Redis } from "ioredis"
import * as PrivateRedis from "../../src/cli/demo/PrivateRedis.ts"
import { cpuMicrosOf } from "../queues/ServerCpu.ts"
import type { Origin, Server } from "../queues/Store.ts"
import { socketOf, urlOf } from "./Url.ts"

/** What differs from the server's own defaults, beside the fsync that is chosen. */
const settings: Readonly<Record<string, string>> = {
  appendonly: "yes",
  save: "",
  "maxmemory-policy": "noeviction"
}

/** Milliseconds a start, an end or a rewrite may take. */
const patienceMillis = 120_000

const lookMillis = 20

const isRunning = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null

/** With a connection that does not outlive the question. */
const withClient = async <A>(path: string, use: (client: Redis) => Promise<A>): Promise<A> => {
  const client = new Redis({ path })
  try {
    return await use(client)
  } finally {
    client.disconnect()
  }
}

/** A field of INFO. */
const numberIn = (info: string, field: string): number => {
  const value = Number(new RegExp(`^${field}:(\\d+)`, "m").exec(info)?.[1])
  if (!Number.isSafeInteger(value)) throw new Error(`the server does not tell its ${field}`)
  return value
}

/** Memory without what its connections and its log's buffer take for the moment. */
const dataBytes = (info: string): number =>
  numberIn(info, "used_memory") - numberIn(info, "mem_clients_normal") - numberIn(info, "mem_aof_buffer")

export class RedisServer implements Server {
  readonly #program: string
  readonly #directory: string
  readonly #sockets: string
  readonly #children = new Map<string, ChildProcess>()
  /** Of servers that ended. */
  #endedMicros = 0
  #isStopped = false
  readonly version: string
  readonly settings = { ...settings, save: '""', appendfsync: "as each workload names" }

  private constructor(program: string, version: string, directory: string, sockets: string) {
    this.#program = program
    this.version = version
    this.#directory = directory
    this.#sockets = sockets
  }

  /** Data lie in a folder of their own below `place`. */
  static async start(place: string): Promise<RedisServer> {
    const program = PrivateRedis.find()
    if (program === undefined) throw new Error("put `redis-server` or `valkey-server` on the PATH")
    const said = spawnSync(program, ["--version"], { encoding: "utf8" }).stdout
    const version = /v=(\S+)/.exec(said)?.[1]
    if (version === undefined) throw new Error(`${program} does not tell its version`)
    const directory = mkdtempSync(join(place, "leasehold-bench-"))
    // the path of a socket must be short
    return new RedisServer(program, version, directory, mkdtempSync(join(tmpdir(), "leasehold-")))
  }

  #data(database: string): string {
    return join(this.#directory, database)
  }

  url(database: string): string {
    return urlOf(join(this.#sockets, `${database}.sock`))
  }

  async create(database: string, { sync, template }: Origin): Promise<void> {
    // a run that is interrupted must leave no server behind
    if (this.#isStopped) throw new Error("no more servers are started")
    const data = this.#data(database)
    if (template === undefined) mkdirSync(data)
    else cpSync(this.#data(template), data, { recursive: true })
    const socket = socketOf(this.url(database))
    const file = join(data, "redis.conf")
    const appendfsync = sync === null ? {} : { appendfsync: sync }
    const own = { ...settings, ...appendfsync, port: 0, unixsocket: JSON.stringify(socket), loglevel: "warning" }
    writeFileSync(file, PrivateRedis.configuration(data, own))
    const child = spawn(this.#program, [file], {
      stdio: ["ignore", "ignore", "inherit"],
      // it ends when it is told to, not with the terminal's processes
      detached: true
    })
    child.on("error", (error) => console.error(error.message))
    this.#children.set(database, child)
    const until = performance.now() + patienceMillis
    while (!(await PrivateRedis.isReady(socket))) {
      if (child.pid === undefined || !isRunning(child) || performance.now() > until) {
        throw new Error("the server did not start")
      }
      await setTimeout(lookMillis)
    }
  }

  /** What is stored stays. */
  async #end(database: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.#children.get(database)
    this.#children.delete(database)
    if (child?.pid === undefined || !isRunning(child)) return
    this.#endedMicros += cpuMicrosOf(child.pid)
    const ended = new Promise((resolve) => child.once("exit", resolve))
    child.kill(signal)
    await Promise.race([ended, setTimeout(patienceMillis, undefined, { ref: false })])
    if (isRunning(child)) child.kill("SIGKILL")
  }

  async drop(database: string): Promise<void> {
    await this.#end(database, "SIGKILL")
    rmSync(this.#data(database), { recursive: true, force: true })
    rmSync(socketOf(this.url(database)), { force: true })
  }

  /** Its log is rewritten, so that every copy is read as fast, and the server ends. */
  async tidy(database: string): Promise<void> {
    await withClient(socketOf(this.url(database)), async (client) => {
      const isRewriting = async (): Promise<boolean> => {
        const info = await client.info("persistence")
        return numberIn(info, "aof_rewrite_in_progress") + numberIn(info, "aof_rewrite_scheduled") > 0
      }
      const until = performance.now() + patienceMillis
      const rewritten = async (): Promise<void> => {
        while (await isRewriting()) {
          if (performance.now() > until) throw new Error("the server does not end the rewrite of its log")
          await setTimeout(lookMillis)
        }
      }
      // one may go on that began with half of the jobs
      await rewritten()
      await client.bgrewriteaof()
      await rewritten()
    })
    await this.#end(database, "SIGTERM")
  }

  /** A server that has only just read its data has nothing to write. */
  async checkpoint(): Promise<void> {}

  bytes(database: string): Promise<number> {
    return withClient(socketOf(this.url(database)), async (client) => dataBytes(await client.info("memory")))
  }

  cpuMicros(): number {
    const running = [...this.#children.values()].map(({ pid }) => (pid === undefined ? 0 : cpuMicrosOf(pid)))
    return running.reduce((sum, micros) => sum + micros, this.#endedMicros)
  }

  async pin(): Promise<() => Promise<void>> {
    throw new Error("nothing keeps this server from cleaning up")
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    for (const database of [...this.#children.keys()]) await this.#end(database, "SIGKILL")
    for (const path of [this.#directory, this.#sockets]) rmSync(path, { recursive: true, force: true })
  }
}
