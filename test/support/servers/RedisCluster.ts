/** A private Cluster of three masters, whose slots are moved while it works. */
import type * as PrivateRedis from "../../../src/cli/demo/PrivateRedis.ts"
import { Redis, until } from "./Redis.ts"

export interface Options {
  /** Directives of all nodes' configuration. */
  readonly settings?: PrivateRedis.Settings | undefined
  /** Another program than the one that is found. */
  readonly program?: string | undefined
}

/** While a slot is moved: it is opened, half of its keys are at the new node, all are. */
export type Step = "opened" | "half" | "moved"

const slots = 16_384

/** A node's second port is ten thousand above its first: not every free port has one. */
const startNode = async ({ program, settings }: Options): Promise<Redis> => {
  for (let tries = 1; ; tries++) {
    try {
      return await Redis.start({
        program,
        settings: {
          "cluster-enabled": "yes",
          "cluster-config-file": "nodes.conf",
          "cluster-node-timeout": 2_000,
          ...settings
        }
      })
    } catch (error) {
      if (tries === 30 || !/port number too high|Failed listening|bind:/i.test(String(error))) throw error
    }
  }
}

const texts = (reply: unknown): ReadonlyArray<string> => (Array.isArray(reply) ? reply.map(String) : [])

export class RedisCluster {
  readonly masters: ReadonlyArray<Redis>
  readonly #ids: ReadonlyMap<Redis, string>
  /** The node of each slot. */
  readonly #owners: Array<Redis>

  private constructor(masters: ReadonlyArray<Redis>, ids: ReadonlyMap<Redis, string>, owners: Array<Redis>) {
    this.masters = masters
    this.#ids = ids
    this.#owners = owners
  }

  static async start(options: Options = {}): Promise<RedisCluster> {
    const masters: Array<Redis> = []
    try {
      while (masters.length < 3) masters.push(await startNode(options))
      const share = Math.ceil(slots / masters.length)
      const owners = Array.from({ length: slots }, (_, slot) => masters[Math.floor(slot / share)]!)
      for (const [at, node] of masters.entries()) {
        const own = owners.flatMap((owner, slot) => (owner === node ? [slot] : []))
        await node.cli("CLUSTER", "ADDSLOTS", ...own)
        // so that they need not settle it among themselves
        await node.cli("CLUSTER", "SET-CONFIG-EPOCH", at + 1)
      }
      for (const node of masters.slice(1)) await node.cli("CLUSTER", "MEET", "127.0.0.1", masters[0]!.port)
      const ids = new Map<Redis, string>()
      for (const node of masters) ids.set(node, await node.text("CLUSTER", "MYID"))
      const cluster = new RedisCluster(masters, ids, owners)
      await cluster.healthy()
      return cluster
    } catch (error) {
      await Promise.all(masters.map((each) => each.close()))
      throw error
    }
  }

  /** Where clients begin. */
  get nodes(): ReadonlyArray<{ readonly host: string; readonly port: number }> {
    return this.masters.map(({ port }) => ({ host: "127.0.0.1", port }))
  }

  /** Waits until all nodes see all others and every slot. */
  async healthy(): Promise<void> {
    await until("the Cluster is whole", async () => {
      const seen = await Promise.all(this.masters.map((node) => node.text("CLUSTER", "INFO")))
      return seen.every((info) =>
        ["cluster_state:ok", "cluster_known_nodes:3", "cluster_slots_ok:16384"].every((line) => info.includes(line))
      )
    })
  }

  /** The slot of a key, such as `{leasehold}:m`. */
  async slotOf(key: string): Promise<number> {
    return Number(await this.masters[0]!.text("CLUSTER", "KEYSLOT", key))
  }

  /** The node that a slot belongs to. */
  ownerOf(slot: number): Redis {
    return this.#owners[slot]!
  }

  /** One of the nodes that a slot does not belong to. */
  otherThan(node: Redis): Redis {
    return this.masters.find((each) => each !== node)!
  }

  /** Moves a slot with all its keys to another node, as an operator's tool does. It may be held up at each step. */
  async moveSlot(slot: number, to: Redis, at: (step: Step) => Promise<void> = async () => {}): Promise<void> {
    const from = this.ownerOf(slot)
    const id = this.#ids.get(to)!
    await to.cli("CLUSTER", "SETSLOT", slot, "IMPORTING", this.#ids.get(from)!)
    await from.cli("CLUSTER", "SETSLOT", slot, "MIGRATING", id)
    await at("opened")
    const move = async (limit: number): Promise<boolean> => {
      const keys = texts(await from.cli("CLUSTER", "GETKEYSINSLOT", slot, limit))
      if (keys.length === 0) return false
      await from.cli("MIGRATE", "127.0.0.1", to.port, "", 0, 60_000, "KEYS", ...keys)
      return true
    }
    await move(Math.ceil(Number(await from.text("CLUSTER", "COUNTKEYSINSLOT", slot)) / 2) || 1)
    await at("half")
    while (await move(100)) continue
    await at("moved")
    const rest = this.masters.filter((each) => each !== to && each !== from)
    // first who gets it, so that it is never nobody's
    for (const node of [to, from, ...rest]) await node.cli("CLUSTER", "SETSLOT", slot, "NODE", id)
    this.#owners[slot] = to
  }

  async close(): Promise<void> {
    await Promise.all(this.masters.map((each) => each.close()))
  }
}
