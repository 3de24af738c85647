/** A private master with a replica, and three Sentinels that make the replica master when the master is dead. */
import type * as PrivateRedis from "../../../src/cli/demo/PrivateRedis.ts"
import { Redis, until } from "./Redis.ts"

export interface Options {
  /** Directives of the two servers' configuration. */
  readonly settings?: PrivateRedis.Settings | undefined
  /** Another program than the one that is found. */
  readonly program?: string | undefined
  /** Milliseconds of silence after which a Sentinel takes the master for dead; default 500. */
  readonly downAfter?: number | undefined
}

/** What the Sentinels call the master. */
const group = "leasehold"

/** A flat list of names and values. */
const fields = (reply: unknown): ReadonlyMap<string, string> => {
  const all = Array.isArray(reply) ? reply.map(String) : []
  return new Map(all.flatMap((name, at) => (at % 2 === 0 ? [[name, all[at + 1] ?? ""] as const] : [])))
}

export class RedisSentinel {
  /** The two servers, by turns master and replica. */
  readonly servers: ReadonlyArray<Redis>
  readonly sentinels: ReadonlyArray<Redis>

  private constructor(servers: ReadonlyArray<Redis>, sentinels: ReadonlyArray<Redis>) {
    this.servers = servers
    this.sentinels = sentinels
  }

  static async start({ downAfter = 500, program, settings }: Options = {}): Promise<RedisSentinel> {
    const started: Array<Redis> = []
    const keep = async (starting: Promise<Redis>): Promise<Redis> => {
      const one = await starting
      started.push(one)
      return one
    }
    try {
      const master = await keep(Redis.start({ program, settings }))
      const replica = await keep(
        Redis.start({ program, settings: { ...settings, replicaof: `127.0.0.1 ${master.port}` } })
      )
      await until("the replica follows its master", async () => (await replica.info("master_link_status")) === "up")
      const watching = () =>
        keep(
          Redis.start({
            program,
            sentinel: true,
            settings: {
              "sentinel monitor": `${group} 127.0.0.1 ${master.port} 2`,
              "sentinel down-after-milliseconds": `${group} ${downAfter}`,
              "sentinel failover-timeout": `${group} 3000`
            }
          })
        )
      const sentinels = await Promise.all([watching(), watching(), watching()])
      await until("the Sentinels know each other and the replica", async () => {
        const seen = await Promise.all(sentinels.map((each) => each.cli("SENTINEL", "MASTER", group)))
        return seen.map(fields).every((of) => of.get("num-other-sentinels") === "2" && of.get("num-slaves") === "1")
      })
      return new RedisSentinel([master, replica], sentinels)
    } catch (error) {
      await Promise.all(started.map((each) => each.close()))
      throw error
    }
  }

  /** What clients ask the Sentinels for. */
  get name(): string {
    return group
  }

  /** Where the Sentinels listen. */
  get nodes(): ReadonlyArray<{ readonly host: string; readonly port: number }> {
    return this.sentinels.map(({ port }) => ({ host: "127.0.0.1", port }))
  }

  /** The server that all Sentinels call the master. */
  async master(): Promise<Redis> {
    const ports = await Promise.all(
      this.sentinels.map(async (each) => {
        const address = await each.cli("SENTINEL", "GET-MASTER-ADDR-BY-NAME", group)
        return Array.isArray(address) ? Number(address[1]) : 0
      })
    )
    const found = this.servers.find(({ port }) => ports.every((each) => each === port))
    if (found === undefined) throw new Error("the Sentinels do not agree")
    return found
  }

  /** SIGKILL to the master; answers which one it was, while the Sentinels have yet to notice. */
  async killMaster(): Promise<Redis> {
    const master = await this.master()
    await master.kill()
    return master
  }

  /** Waits until another one is master, and takes writes. */
  async failedOver(from: Redis): Promise<Redis> {
    await until("another master", async () => {
      const master = await this.master()
      return master !== from && (await master.info("role")) === "master"
    })
    return this.master()
  }

  /** Waits until the replica follows the master, which may have been down. */
  async replicating(): Promise<void> {
    const master = await this.master()
    const replica = this.servers.find((each) => each !== master)!
    await until("the replica follows its master", async () => (await replica.info("master_link_status")) === "up")
  }

  /** Makes the replica the master while both live, once it has all that the master has; nothing may write meanwhile. */
  async switchOver(): Promise<Redis> {
    const from = await this.master()
    const to = this.servers.find((each) => each !== from)!
    await until("the replica has all that its master has", async () => {
      const [told, had, link] = await Promise.all([
        from.info("master_repl_offset"),
        to.info("slave_repl_offset"),
        to.info("master_link_status")
      ])
      return link === "up" && told === had
    })
    await until("the Sentinels begin", async () => {
      // it may not know the replica yet, which was the master before
      await this.sentinels[0]!.cli("SENTINEL", "FAILOVER", group)
      return true
    })
    await this.failedOver(from)
    // as the Sentinels would tell it to later
    await from.cli("REPLICAOF", "127.0.0.1", to.port)
    await this.replicating()
    return to
  }

  async close(): Promise<void> {
    await Promise.all([...this.sentinels, ...this.servers].map((each) => each.close()))
  }
}
