/** graphile-worker with batches, as its own performance test sets it up. */
import { EventEmitter } from "node:events"
import { Logger, makeWorkerUtils, run, type WorkerEvents } from "graphile-worker"
import type { Payload } from "../Payload.ts"
import type { Adapter } from "../queues/Adapter.ts"
import { count } from "./Sql.ts"

const task = "bench"

export const adapter: Adapter = {
  open: async (url) => {
    // it tells of each job that it could not start or finish
    const logger = new Logger(() => (level, message) => {
      if (level === "error") console.error(message)
    })
    const utils = await makeWorkerUtils({ connectionString: url, logger })
    await utils.migrate()
    return {
      enqueue: (payload) => utils.addJob(task, payload),
      enqueueAll: (payloads) => utils.addJobs(payloads.map((payload) => ({ identifier: task, payload }))),
      work: async (hands) => {
        const events: WorkerEvents = new EventEmitter()
        // of a batch it tells before the batch is stored, in its favour
        events.on("job:success", () => hands.done(1))
        const runner = await run({
          preset: {
            worker: {
              connectionString: url,
              concurrentJobs: 24,
              maxPoolSize: 25,
              localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
              completeJobBatchDelay: 0,
              failJobBatchDelay: 0
            }
          },
          events,
          logger,
          noHandleSignals: true,
          crontab: "",
          taskList: {
            // payloads are those of addJob
            [task]: async (payload) => hands.started(payload as Payload)
          }
        })
        return () => runner.stop()
      },
      unfinished: () => count(url, "SELECT count(*) FROM graphile_worker.jobs"),
      close: async () => utils.release()
    }
  }
}
