/** The limit of the same work on the same server: pipelined commands on a stream for exactly it. */
import { type ChainableCommander, Redis } from "ioredis"
import type { Payload } from "../Payload.ts"
import type { Adapter, Hands } from "../queues/Adapter.ts"
import { socketOf } from "./Url.ts"

const stream = "jobs"
const group = "workers"
const batchSize = 500
const loops = 2
/** A claim that finds nothing waits so long, and then looks whether it is to end. */
const blockMillis = 100

/** Throws what any of the commands failed with. */
const exec = async (pipeline: ChainableCommander): Promise<void> => {
  for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error
}

/** What nobody was given yet. */
const fresh = ["STREAMS", stream, ">"] as const

const workOn = async (client: Redis, consumer: string, hands: Hands, isOver: () => boolean): Promise<void> => {
  while (!isOver()) {
    const start = performance.now()
    const answer = await client.xreadgroup("GROUP", group, consumer, "COUNT", batchSize, "BLOCK", blockMillis, ...fresh)
    const entries = answer?.[0]?.[1]
    if (entries === undefined) continue
    hands.claimed?.(performance.now() - start)
    // an entry is written by xadd, with one field
    for (const [, fields] of entries) hands.started(JSON.parse(fields![1]!) as Payload)
    const ids = entries.map(([id]) => id)
    await exec(
      client
        .pipeline()
        .xack(stream, group, ...ids)
        .xdel(stream, ...ids)
    )
    hands.done(ids.length)
  }
}

export const adapter: Adapter = {
  open: async (url) => {
    const path = socketOf(url)
    const client = new Redis({ path, enableAutoPipelining: true })
    await client.xgroup("CREATE", stream, group, "0", "MKSTREAM").catch((error: unknown) => {
      if (!(error instanceof Error && error.message.startsWith("BUSYGROUP"))) throw error
    })
    return {
      enqueue: (payload) => client.xadd(stream, "*", "p", JSON.stringify(payload)),
      enqueueAll: (payloads) => {
        const pipeline = client.pipeline()
        for (const payload of payloads) pipeline.xadd(stream, "*", "p", JSON.stringify(payload))
        return exec(pipeline)
      },
      work: async (hands) => {
        let isOver = false
        const clients = Array.from({ length: loops }, () => new Redis({ path }))
        const working = Promise.all(clients.map((each, index) => workOn(each, `worker${index}`, hands, () => isOver)))
        // whoever stops the worker hears of it
        working.catch(() => {})
        return async () => {
          isOver = true
          await working
          for (const each of clients) each.disconnect()
        }
      },
      unfinished: () => client.xlen(stream),
      close: async () => client.disconnect()
    }
  }
}
