/** pg-boss by its documented manual calls, fetch and complete. */
import { setTimeout } from "node:timers/promises"
import type { Payload } from "../Payload.ts"
import type { Adapter } from "../queues/Adapter.ts"
import { batchSize, openBoss, queueName } from "./Boss.ts"

const loops = 2
const idleMillis = 2

export const adapter: Adapter = {
  open: (url) =>
    openBoss(url, false, (boss) => async (hands) => {
      let isOver = false
      const loop = async (): Promise<void> => {
        while (!isOver) {
          const start = performance.now()
          const jobs = await boss.fetch<Payload>(queueName, { batchSize })
          if (jobs.length === 0) {
            await setTimeout(idleMillis)
            continue
          }
          hands.claimed?.(performance.now() - start)
          for (const job of jobs) hands.started(job.data)
          await boss.complete(
            queueName,
            jobs.map((job) => job.id)
          )
          hands.done(jobs.length)
        }
      }
      const running = Promise.all(Array.from({ length: loops }, loop))
      running.catch(() => {})
      return async () => {
        isOver = true
        await running
      }
    })
}
