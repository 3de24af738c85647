/** A private server in processes of its own, on a free port, to be killed and started again on its data. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"

export interface Options {
  /** The program and its words; it stays in the foreground. */
  readonly command: (port: number) => readonly [string, ...ReadonlyArray<string>]
  /** Whether the server does its work; default: it takes connections. Rejections count as no. */
  readonly ready?: ((port: number, pid: number | undefined) => Promise<boolean>) | undefined
  /** Who runs it; default: whoever runs this process. */
  readonly account?: { readonly uid: number; readonly gid: number } | undefined
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

interface Process {
  readonly pid: number
  readonly parent: number
  readonly group: number
}

/** A Linux process; nothing once it is gone, or dead and only waits for its parent. */
const processOf = (pid: string): ReadonlyArray<Process> => {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, "utf8")
    // the name before them may contain anything, a parenthesis too
    const [state, parent, group] = status.slice(status.lastIndexOf(")") + 2).split(" ")
    return state === "Z" || state === "X" ? [] : [{ pid: Number(pid), parent: Number(parent), group: Number(group) }]
  } catch {
    return []
  }
}

/** All processes that run. */
const processes = (): ReadonlyArray<Process> => {
  if (process.platform === "linux")
    return readdirSync("/proc").flatMap((pid) => (/^\d+$/.test(pid) ? processOf(pid) : []))
  const { stdout } = spawnSync("ps", ["-axo", "pid=,ppid=,pgid=,stat="], { encoding: "utf8" })
  return stdout.split("\n").flatMap((line) => {
    const [pid, parent, group, state] = line.trim().split(/\s+/)
    return state === undefined || state.startsWith("Z")
      ? []
      : [{ pid: Number(pid), parent: Number(parent), group: Number(group) }]
  })
}

/** What runs of a process, its group and all that they started: a child may have left for a group of its own. */
const family = (root: number): ReadonlyArray<number> => {
  const all = processes()
  const found = new Set(all.filter(({ group, pid }) => pid === root || group === root).map(({ pid }) => pid))
  for (let size = 0; size < found.size;) {
    size = found.size
    for (const { parent, pid } of all) if (found.has(parent)) found.add(pid)
  }
  return [...found]
}

const signalAll = (pids: ReadonlyArray<number>, signal: NodeJS.Signals): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // it has ended by itself
    }
  }
}

const gone = async (pids: ReadonlyArray<number>): Promise<void> => {
  const all = new Set(pids)
  while (processes().some(({ pid }) => all.has(pid))) await sleep(5)
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
      env: { ...process.env, ...this.#options.env },
      ...this.#options.account
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
    while (!(await ready(this.port, child.pid).catch(() => false))) {
      if (over === undefined && Date.now() < until) {
        await sleep(10)
        continue
      }
      const reason = over ?? "it is not ready"
      await this.kill()
      throw new Error(`${command}: ${reason}: ${this.#output.slice(-2_000)}`)
    }
  }

  /** Stops all of its processes where they are, as a machine does that no longer answers; {@link thaw} lets them go on. */
  freeze(): void {
    if (this.pid !== undefined) signalAll(family(this.pid), "SIGSTOP")
  }

  thaw(): void {
    if (this.pid !== undefined) signalAll(family(this.pid), "SIGCONT")
  }

  /** Asks it to end by a signal to its first process, and waits until all of them are gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child?.pid === undefined) return
    const members = family(child.pid)
    child.kill(signal)
    await this.#exit
    this.#child = undefined
    await gone(members)
  }

  /** SIGKILL to all of its processes; answers when they are gone. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child?.pid === undefined) return
    // so that none of them starts another
    try {
      process.kill(-child.pid, "SIGSTOP")
    } catch {
      // it has ended by itself
    }
    const members = family(child.pid)
    signalAll(members, "SIGKILL")
    await this.#exit
    await gone(members)
  }
}
