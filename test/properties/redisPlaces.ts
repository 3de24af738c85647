/** Where a Redis log under test lies: on one server, on the one that Sentinels name, or on a node of a Cluster. */
import { setTimeout as sleep } from "node:timers/promises"
import type { Options } from "../../src/backends/redis/RedisLog.ts"
import * as Generator from "../../src/simulation/kernel/Generator.ts"
import type { Redis } from "../support/servers/Redis.ts"
import type { RedisCluster, Step } from "../support/servers/RedisCluster.ts"
import type { RedisSentinel } from "../support/servers/RedisSentinel.ts"

/** The ways in which a log's process ends while its server is struck. */
export interface Process {
  /** It ends; what it has sent may still be carried out. */
  readonly end: () => Promise<void>
  /** Until none of what it has sent can be carried out any more. */
  readonly gone: () => Promise<void>
}

export interface Place {
  /** How the log is opened there. */
  readonly options: Omit<Options, "name">
  /** All servers that a log's process may be connected to. */
  readonly servers: ReadonlyArray<Redis>
  /** Those that take writes. */
  readonly writable: () => Promise<ReadonlyArray<Redis>>
  /** The one that has the log, once all is {@link settled}. */
  readonly owner: () => Promise<Redis>
  /** Now and then begins to change the servers under a log that goes on; answers when a call is to meet that. */
  readonly stir: () => Promise<void>
  /** Until that is done. */
  readonly settled: () => Promise<void>
  /** Ends the server that has the log, and the log's process with it; answers once the log can be had again. */
  readonly strike: (process: Process) => Promise<void>
}

/** A place that does more to its log than what a crash asks for. */
export interface Troubled extends Place {
  /** How often what befell the log so far. */
  readonly met: () => Promise<Readonly<Record<string, number>>>
}

const still = { stir: async () => {}, settled: async () => {} }

/** One server that dies and comes back. */
export const single = (server: Redis): Place => ({
  ...still,
  options: { server: { _tag: "Url", url: server.url() } },
  servers: [server],
  writable: async () => [server],
  owner: async () => server,
  strike: async ({ end }) => {
    await server.kill()
    await end()
    await server.restart()
  }
})

/** The master dies and comes back before anybody notices, and by turns hands over to its replica. */
export const watched = (sentinel: RedisSentinel): Troubled => {
  let master: Redis | undefined
  const met = { deaths: 0, switches: 0 }
  const owner = async (): Promise<Redis> => (master ??= await sentinel.master())
  return {
    ...still,
    options: {
      server: { _tag: "Sentinel", sentinels: sentinel.nodes, master: sentinel.name },
      replicas: { count: 1, timeout: 10_000 }
    },
    servers: [...sentinel.servers, ...sentinel.sentinels],
    writable: async () => [await owner()],
    owner,
    met: async () => met,
    strike: async ({ end, gone }) => {
      if (met.deaths === met.switches) {
        met.deaths++
        const server = await owner()
        await server.kill()
        await end()
        await server.restart()
        await sentinel.replicating()
      } else {
        met.switches++
        await end()
        await gone()
        master = await sentinel.switchOver()
      }
    }
  }
}

/** Milliseconds after which a move that a call may have met goes on, at most. */
const heldUp = 40

const steps = ["opened", "half", "moved"] as const

/** What a node of a Cluster answers to calls that it does not carry out because of where the slot is. */
const redirections = ["TRYAGAIN", "ASK", "MOVED"] as const

/** A Cluster that moves the log's slot to and fro, and whose nodes die and come back before others take them for dead. */
export class Clustered implements Troubled {
  readonly options: Place["options"]
  readonly servers: ReadonlyArray<Redis>
  /** One in so many opportunities is used to move the slot. */
  readonly #moveEvery = 3
  readonly #cluster: RedisCluster
  readonly #slot: number
  readonly #random: Generator.Generator
  readonly #met = { TRYAGAIN: 0, ASK: 0, MOVED: 0 }
  #moving: Promise<void> | undefined
  #moves = 0
  #deaths = 0

  private constructor(cluster: RedisCluster, slot: number, seed: number) {
    this.options = { server: { _tag: "Cluster", nodes: cluster.nodes } }
    this.servers = cluster.masters
    this.#cluster = cluster
    this.#slot = slot
    this.#random = Generator.make(seed)
  }

  /** For the log that a key belongs to. */
  static async make(cluster: RedisCluster, key: string, seed: number): Promise<Clustered> {
    return new Clustered(cluster, await cluster.slotOf(key), seed)
  }

  readonly writable = async (): Promise<ReadonlyArray<Redis>> => this.servers

  readonly owner = async (): Promise<Redis> => {
    await this.settled()
    return this.#cluster.ownerOf(this.#slot)
  }

  readonly settled = async (): Promise<void> => {
    await this.#moving
    this.#moving = undefined
  }

  /** A move goes as far as one of its steps, and on from there a little later, while the log is used. */
  readonly stir = (): Promise<void> => {
    if (this.#moving !== undefined || this.#random.between(1, this.#moveEvery) > 1) return Promise.resolve()
    const held = this.#random.pick(steps)
    const millis = this.#random.between(0, heldUp)
    return new Promise((resolve, reject) => {
      this.#moving = this.#move(async (step) => {
        if (step !== held) return
        resolve()
        await sleep(millis)
      })
      this.#moving.catch(reject)
    })
  }

  async #move(at: (step: Step, from: Redis, to: Redis) => Promise<void>): Promise<void> {
    const from = this.#cluster.ownerOf(this.#slot)
    const [one, other] = this.servers.filter((each) => each !== from)
    const to = this.#random.pick([one!, other!])
    // a node that never had the log does not know its functions
    if (this.#random.chance(0.3)) await to.forget()
    await this.#cluster.moveSlot(this.#slot, to, (step) => at(step, from, to))
    this.#moves++
  }

  /** The node that has the log dies, or one of the two between which it is. */
  readonly strike = async ({ end }: Process): Promise<void> => {
    this.#deaths++
    const owner = await this.owner()
    const dies = async (server: Redis): Promise<void> => {
      await this.#count(server)
      await server.kill()
      await end()
      await server.restart()
      await this.#cluster.healthy()
    }
    const when = this.#random.pick(["between moves", ...steps])
    if (when === "between moves") return dies(owner)
    await this.#move(async (step, from, to) => {
      if (step === when) await dies(this.#random.pick([from, to]))
    })
  }

  /** Adds what a server has counted since it was asked before. */
  async #count(server: Redis): Promise<void> {
    const counted = await server.text("INFO", "errorstats")
    for (const name of redirections) {
      this.#met[name] += Number(new RegExp(`errorstat_${name}:count=(\\d+)`).exec(counted)?.[1] ?? 0)
    }
    await server.cli("CONFIG", "RESETSTAT")
  }

  /** How often it was moved and its nodes died, and what they have answered because of that. */
  readonly met = async (): Promise<Readonly<Record<string, number>>> => {
    await this.settled()
    for (const server of this.servers) await this.#count(server)
    return { ...this.#met, moves: this.#moves, deaths: this.#deaths }
  }
}
