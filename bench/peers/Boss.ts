/** What both ways to use pg-boss share. */
import { PgBoss } from "pg-boss"
import type { Payload } from "../Payload.ts"
import type { Queue } from "../queues/Adapter.ts"
import { count } from "./Sql.ts"

export const queueName = "bench"

export const batchSize = 500

export const openBoss = async (url: string, notify: boolean, work: (boss: PgBoss) => Queue["work"]): Promise<Queue> => {
  const boss = new PgBoss({ connectionString: url, max: 10, useListenNotify: notify })
  boss.on("error", (error) => console.error(error.message))
  await boss.start()
  await boss.createQueue(queueName, { notify })
  return {
    enqueue: (payload) => boss.send(queueName, payload),
    enqueueAll: (payloads: ReadonlyArray<Payload>) =>
      boss.insert(
        queueName,
        payloads.map((data) => ({ data }))
      ),
    work: work(boss),
    unfinished: () => count(url, "SELECT count(*) FROM pgboss.job WHERE state < 'completed'"),
    close: () => boss.stop()
  }
}
