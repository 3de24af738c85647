/** Enqueue and drain at full rate for long, with or without a session that keeps the server from cleaning up. */
import { setTimeout } from "node:timers/promises"
import { stopwatch } from "../Measurement.ts"
import type { Adapter } from "./Adapter.ts"
import { Ledger } from "./Ledger.ts"
import { Done, expectDone, startLoad, warmUp } from "./Load.ts"
import type { Order, Values } from "./Order.ts"
import { ask, serverStopwatch } from "./Parent.ts"

/** Slots of a window. */
const slots = 10

/** Sums of so many neighbouring slots. */
const windows = (counts: ReadonlyArray<number>): ReadonlyArray<number> =>
  Array.from({ length: counts.length - slots + 1 }, (_, from) =>
    counts.slice(from, from + slots).reduce((sum, count) => sum + count, 0)
  )

export const churn = async (adapter: Adapter, order: Order): Promise<Values> => {
  const queue = await adapter.open(order.url)
  const done = new Done()
  const ledger = new Ledger()
  const stop = await queue.work(
    { started: (payload) => ledger.run(payload), done: (count) => done.add(count) },
    { churning: true }
  )
  const windowMillis = Math.min(10_000, (order.seconds * 1000) / 6)
  const stopLoad = startLoad(queue, done, 0)
  await warmUp(done, windowMillis / 5)

  if (order.pinned) await ask("pin")
  const bytesBefore = await ask("storedBytes")
  const serverCpu = await serverStopwatch()
  const lap = stopwatch()
  const start = performance.now()
  const before = done.count
  const counts: Array<number> = []
  let counted = before
  const slotMillis = windowMillis / slots
  while (counts.length * slotMillis < order.seconds * 1000) {
    await setTimeout(Math.max(0, start + (counts.length + 1) * slotMillis - performance.now()))
    counts.push(done.count - counted)
    counted = done.count
  }
  const { cpuMicros, millis } = lap()
  const jobs = counted - before
  const serverCpuMicros = await serverCpu()
  const bytesAfter = await ask("storedBytes")
  const enqueued = await stopLoad()
  await expectDone(done, enqueued)
  if (order.pinned) await ask("unpin")
  await setTimeout(order.restSeconds * 1000)
  const bytesLater = await ask("storedBytes")
  await stop()
  ledger.expectAll(enqueued)
  if (jobs === 0) throw new Error("no job was done in time")
  await queue.close()

  const sums = windows(counts)
  const perSecond = (sum: number): number => (sum / windowMillis) * 1000
  const first = sums[0]!
  return {
    rate: (jobs / millis) * 1000,
    first: perSecond(first),
    last: perSecond(sums.at(-1)!),
    worst: perSecond(Math.min(...sums)),
    lastShare: sums.at(-1)! / first,
    worstShare: Math.min(...sums) / first,
    growth: (bytesAfter - bytesBefore) / jobs,
    later: (bytesLater - bytesBefore) / 2 ** 20,
    nodeCpu: cpuMicros / jobs,
    serverCpu: serverCpuMicros / jobs,
    jobs
  }
}
