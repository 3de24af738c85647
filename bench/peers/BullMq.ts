/** BullMQ on its own PostgreSQL backend. */
import { createPostgresBackend, Queue, Worker } from "bullmq"
import type { Payload } from "../Payload.ts"
import type { Adapter } from "../queues/Adapter.ts"

const name = "bench"

export const adapter: Adapter = {
  open: async (url) => {
    const connection = { connectionString: url, max: 10, migrate: true }
    const defaultJobOptions = { removeOnComplete: true }
    const queue = new Queue(name, { connection, defaultJobOptions }, createPostgresBackend)
    await queue.waitUntilReady()
    return {
      enqueue: (payload) => queue.add(name, payload),
      enqueueAll: (payloads) => queue.addBulk(payloads.map((data) => ({ name, data }))),
      work: async (hands) => {
        const worker = new Worker(
          name,
          // payloads are those of add
          async (job) => hands.started(job.data as Payload),
          { connection, concurrency: 100 },
          createPostgresBackend
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
