/** pg-boss with its workers. */
import type { Payload } from "../Payload.ts"
import type { Adapter } from "../queues/Adapter.ts"
import { batchSize, openBoss, queueName } from "./Boss.ts"

export const adapter: Adapter = {
  open: (url) =>
    openBoss(url, true, (boss) => async (hands) => {
      await boss.work<Payload>(
        queueName,
        { batchSize, localConcurrency: 2, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 },
        async (jobs) => {
          for (const job of jobs) hands.started(job.data)
          // of a batch it tells nobody when it is stored: this is before, in its favour
          hands.done(jobs.length)
        }
      )
      return () => boss.offWork(queueName, { wait: true })
    })
}
