/** BullMQ on Redis. */
import { Queue, Worker } from "bullmq"
import type { Payload } from "../Payload.ts"
import type { Adapter } from "../queues/Adapter.ts"
import { socketOf } from "../redis/Url.ts"

const name = "bench"

export const adapter: Adapter = {
  open: async (url) => {
    const connection = { path: socketOf(url) }
    const queue = new Queue(name, { connection, defaultJobOptions: { removeOnComplete: true } })
    await queue.waitUntilReady()
    return {
      enqueue: (payload) => queue.add(name, payload),
      enqueueAll: (payloads) => queue.addBulk(payloads.map((data) => ({ name, data }))),
      work: async (hands) => {
        const worker = new Worker(
          name,
          // payloads are those of add
          async (job) => hands.started(job.data as Payload),
          { connection, concurrency: 100 }
        )
        worker.on("completed", () => hands.done(1))
        worker.on("error", (error) => console.error(error.message))
        await worker.waitUntilReady()
        return () => worker.close()
      },
      unfinished: () => queue.getJobCountByTypes("wait", "active", "delayed", "prioritized"),
      close: () => queue.close()
    }
  }
}
