/** A private server in processes of its own, on a free port, to be killed and started again on its data. */
import { type ChildProcess, spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"

export interface Options {
  /** The program and its words; it stays in the foreground. */
  readonly command: (port: number) => readonly [string, ...ReadonlyArray<string>]
  /** Whether the server does its work; default: it takes connections. Rejections count as no. */
  readonly ready?: ((port: number) => Promise<boolean>) | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Milliseconds until the server must be ready. */
  readonly patience?: number | undefined
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = address !== null && typeof address === "object" ? address.port : 0
      server.close(() => resolve(port))
    })
  })

const takesConnections = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" })
    socket.once("connect", () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", () => resolve(false))
  })

/** State letter and group of a Linux process; nothing once it is gone. */
const statusOf = (pid: string): readonly [state: string | undefined, group: number] => {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, "utf8")
    // the name before them may contain anything, a parenthesis too
    const [state, , group] = status.slice(status.lastIndexOf(")") + 2).split(" ")
    return [state, Number(group)]
  } catch {
    return [undefined, 0]
  }
}

/** Whether a process of the group still runs; one that is dead and waits for its parent does not. */
const lives = (group: number): boolean => {
  try {
    process.kill(-group, 0)
  } catch {
    return false
  }
  if (process.platform !== "linux") return true
  return readdirSync("/proc").some((pid) => {
    const [state, of] = /^\d+$/.test(pid) ? statusOf(pid) : [undefined, 0]
    return of === group && state !== undefined && state !== "Z" && state !== "X"
  })
}

export class Server {
  readonly port: number
  readonly #options: Options
  #child: ChildProcess | undefined
  #exit: Promise<void> = Promise.resolve()
  #output = ""

  private constructor(options: Options, port: number) {
    this.#options = options
    this.port = port
  }

  static async start(options: Options): Promise<Server> {
    const server = new Server(options, await freePort())
    await server.restart()
    return server
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** What it printed, all its lives together. */
  get output(): string {
    return this.#output
  }

  /** Starts it on the same port and data, and waits until it is ready; fails with what it printed. */
  async restart(): Promise<void> {
    if (this.#child !== undefined) throw new Error("the server runs already")
    const [command, ...words] = this.#options.command(this.port)
    // its own group, so that whatever it starts dies with it
    const child = spawn(command, words, {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...this.#options.env }
    })
    let over: string | undefined
    this.#child = child
    const heard = (chunk: Buffer): void => {
      this.#output += chunk.toString()
    }
    child.stdout.on("data", heard)
    child.stderr.on("data", heard)
    this.#exit = new Promise((resolve) => {
      child.on("error", (error) => {
        over = error.message
        resolve()
      })
      child.on("exit", (code, signal) => {
        over = `it ended with ${code ?? signal}`
        resolve()
      })
    })
    const ready = this.#options.ready ?? takesConnections
    const until = Date.now() + (this.#options.patience ?? 20_000)
    while (!(await ready(this.port).catch(() => false))) {
      if (over === undefined && Date.now() < until) {
        await sleep(10)
        continue
      }
      const reason = over ?? "it is not ready"
      await this.kill()
      throw new Error(`${command}: ${reason}: ${this.#output.slice(-2_000)}`)
    }
  }

  /** SIGKILL to all of its processes; answers when they are gone. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child?.pid === undefined) return
    if (lives(child.pid)) process.kill(-child.pid, "SIGKILL")
    await this.#exit
    while (lives(child.pid)) await sleep(1)
  }
}
