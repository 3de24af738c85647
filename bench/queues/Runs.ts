/** Runs one order after the other, each in a process and a database of its own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { busyMicros } from "../Machine.ts"
import type { Contestant } from "./Contestant.ts"
import type { Group } from "./Figures.ts"
import type { Order, Question, ToChild, ToParent, Values } from "./Order.ts"
import type { Server } from "./Store.ts"

export interface Run {
  readonly values: Values
  /** Cores that other processes used meanwhile; null where that cannot be known. */
  readonly neighbours: number | null
}

/** Longer than any order takes on a slow machine, beside the time that it is asked to take. */
const limitMillis = 1_800_000

/** What a child asks while it runs. */
const referee = (server: Server, database: string) => {
  let unpin: (() => Promise<void>) | undefined
  return {
    answer: async (question: Question): Promise<number> => {
      switch (question) {
        case "serverCpuMicros":
          return server.cpuMicros()
        case "storedBytes":
          return server.bytes(database)
        case "pin":
          unpin = await server.pin(database)
          return 0
        case "unpin":
          await unpin?.()
          unpin = undefined
          return 0
      }
    },
    close: async (): Promise<void> => unpin?.()
  }
}

const listen = (child: ChildProcess, answer: (question: Question) => Promise<number>, order: Order) =>
  new Promise<Extract<ToParent, { readonly _tag: "Report" }>>((succeed, fail) => {
    let errors = ""
    let answered: Extract<ToParent, { readonly _tag: "Report" }> | undefined
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (errors = (errors + chunk).slice(-10_000)))
    child.on("message", (message) => {
      // only Parent.ts sends
      const heard = message as ToParent
      if (heard._tag === "Report") {
        answered = heard
        return
      }
      answer(heard.question).then(
        (value) => {
          const reply: ToChild = { _tag: "Answer", value }
          child.send(reply)
        },
        (error: unknown) => {
          fail(error)
          child.kill("SIGKILL")
        }
      )
    })
    child.on("error", fail)
    child.on("close", (code, signal) => {
      if (code === 0 && answered !== undefined) return succeed(answered)
      const said = errors.match(/^.*Error: .*$/m)?.[0] ?? errors.trim().slice(-500)
      fail(new Error(`${order.task} ended with ${signal ?? code}: ${said}`))
    })
  })

const runProgram = async (program: string, server: Server, database: string, order: Order): Promise<Run> => {
  const busyBefore = busyMicros()
  const own = process.cpuUsage()
  const serverBefore = server.cpuMicros()
  const start = performance.now()
  const child = spawn(process.execPath, [program, "--program", JSON.stringify(order)], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    timeout: limitMillis + (order.seconds + order.restSeconds) * 1_000,
    killSignal: "SIGKILL"
  })
  const { answer, close } = referee(server, database)
  try {
    const { cpuMicros, values } = await listen(child, answer, order)
    const busyAfter = busyMicros()
    const mine = process.cpuUsage(own)
    const ours = cpuMicros + mine.user + mine.system + server.cpuMicros() - serverBefore
    const others =
      busyBefore === undefined || busyAfter === undefined
        ? null
        : (busyAfter - busyBefore - ours) / ((performance.now() - start) * 1000)
    return { values, neighbours: others === null ? null : Math.max(0, others) }
  } finally {
    await close()
  }
}

const databaseOf = (contestant: Contestant, suffix: string): string => `${contestant.name}_${suffix}`

/** Runs orders on a server; filled databases are kept to be copied. */
export class Runs {
  readonly #program: string
  readonly #server: Server
  readonly #filled = new Map<string, Values>()

  constructor(program: string, server: Server) {
    this.#program = program
    this.#server = server
  }

  /** A database with a backlog, made once. */
  async #fill(contestant: Contestant, group: Group): Promise<{ readonly database: string; readonly values: Values }> {
    const database = databaseOf(contestant, `filled_${group.order.backlog}`)
    const known = this.#filled.get(database)
    if (known !== undefined) return { database, values: known }
    const server = this.#server
    await server.drop(database)
    await server.create(database, { sync: group.sync, template: undefined })
    const order: Order = {
      ...group.order,
      contestant: contestant.name,
      task: "fill",
      url: server.url(database),
      warmupUrl: undefined
    }
    try {
      const { values } = await runProgram(this.#program, server, database, order)
      await server.tidy(database)
      this.#filled.set(database, values)
      return { database, values }
    } catch (error) {
      await server.drop(database)
      throw error
    }
  }

  /** One contestant's turn. */
  async run(contestant: Contestant, group: Group): Promise<Run> {
    const server = this.#server
    const isDrain = group.workload === "drain"
    const filled = isDrain ? await this.#fill(contestant, group) : undefined
    const database = databaseOf(contestant, "run")
    const warmup = databaseOf(contestant, "warmup")
    await server.create(database, { sync: group.sync, template: filled?.database })
    if (isDrain) await server.create(warmup, { sync: group.sync, template: undefined })
    await server.checkpoint()
    // what was copied must not be written back inside somebody's clock
    spawnSync("sync")
    try {
      const order: Order = {
        ...group.order,
        contestant: contestant.name,
        task: group.workload,
        url: server.url(database),
        warmupUrl: isDrain ? server.url(warmup) : undefined
      }
      const { neighbours, values } = await runProgram(this.#program, server, database, order)
      return { values: { ...filled?.values, ...values }, neighbours }
    } finally {
      await server.drop(database)
      await server.drop(warmup)
    }
  }

  /** Room for the next backlog. */
  async forget(): Promise<void> {
    for (const database of this.#filled.keys()) await this.#server.drop(database)
    this.#filled.clear()
  }
}
