/** @platformatic/job-queue on Redis. */
import { type Job, Queue, RedisStorage } from "@platformatic/job-queue"
import { Redis } from "iovalkey"
import type { Payload } from "../Payload.ts"
import type { Adapter } from "../queues/Adapter.ts"
import { socketOf } from "../redis/Url.ts"

const keyPrefix = "jq:"

/** Its own record of each job: whether it is done or given up is the word before the first colon. */
const unfinishedIn = async (client: Redis): Promise<number> => {
  let count = 0
  for await (const found of client.hscanStream(`${keyPrefix}jobs`, { count: 1_000 })) {
    // names and values by turns; an expiry has a record, and a name, of its own
    const pairs = found as ReadonlyArray<string>
    for (let at = 1; at < pairs.length; at += 2) {
      if (/^(?:queued|processing|failing):/.test(pairs[at]!)) count++
    }
  }
  return count
}

export const adapter: Adapter = {
  open: async (url) => {
    const path = socketOf(url)
    const open = () =>
      new Queue<Payload, null>({ storage: new RedisStorage({ url: path, keyPrefix }), concurrency: 100 })
    const producer = open()
    await producer.start()
    const client = new Redis(path)
    const enqueue = (payload: Payload) => producer.enqueue(String(payload.n), payload)
    return {
      enqueue,
      enqueueAll: (payloads) => Promise.all(payloads.map(enqueue)),
      work: async (hands) => {
        const worker = open()
        worker.on("completed", () => hands.done(1))
        worker.on("error", (error) => console.error(error.message))
        worker.execute(async ({ payload }: Job<Payload>) => {
          hands.started(payload)
          return null
        })
        await worker.start()
        return () => worker.stop()
      },
      unfinished: () => unfinishedIn(client),
      close: async () => {
        await producer.stop()
        client.disconnect()
      }
    }
  }
}
