/** Filling a database, and working through what another process put there. */
import { stopwatch } from "../Measurement.ts"
import { percentiles } from "../Statistics.ts"
import type { Adapter } from "./Adapter.ts"
import { Ledger } from "./Ledger.ts"
import { batchJobs, Done, expectDone, payloadsFrom } from "./Load.ts"
import type { Order, Values } from "./Order.ts"
import { ask, serverStopwatch } from "./Parent.ts"

/** Two bulk calls at a time, so that a million jobs do not take a slow queue the day. */
const fillers = 2

export const fill = async (adapter: Adapter, order: Order): Promise<Values> => {
  const queue = await adapter.open(order.url)
  const before = await ask("storedBytes")
  let next = 0
  const filler = async (): Promise<void> => {
    while (next < order.backlog) {
      const at = next
      next = Math.min(order.backlog, at + batchJobs)
      await queue.enqueueAll(payloadsFrom(at, next - at))
    }
  }
  await Promise.all(Array.from({ length: fillers }, filler))
  const found = await queue.unfinished()
  if (found !== order.backlog) throw new Error(`${found} jobs are stored instead of ${order.backlog}`)
  const stored = ((await ask("storedBytes")) - before) / order.backlog
  await queue.close()
  return { stored }
}

/** Works off a few jobs, so that Node has compiled what runs. */
const warmUp = async (adapter: Adapter, url: string, jobs: number): Promise<void> => {
  const queue = await adapter.open(url)
  const done = new Done()
  const ledger = new Ledger()
  for (let at = 0; at < jobs; at += batchJobs) await queue.enqueueAll(payloadsFrom(at, Math.min(batchJobs, jobs - at)))
  const stop = await queue.work(
    { started: (payload) => ledger.run(payload), done: (count) => done.add(count) },
    { churning: false }
  )
  await expectDone(done, jobs)
  await stop()
  ledger.expectAll(jobs)
  await queue.close()
}

/** From the start of the worker until so many jobs are done, or the time is up. */
export const drain = async (adapter: Adapter, order: Order): Promise<Values> => {
  if (order.warmupUrl !== undefined && order.warmup > 0) await warmUp(adapter, order.warmupUrl, order.warmup)
  const queue = await adapter.open(order.url)
  const found = await queue.unfinished()
  if (found !== order.backlog) throw new Error(`${found} jobs are waiting instead of ${order.backlog}`)
  const done = new Done()
  const ledger = new Ledger()
  const claims: Array<number> = []
  const serverCpu = await serverStopwatch()
  const lap = stopwatch()
  const stop = await queue.work(
    {
      started: (payload) => ledger.run(payload),
      done: (count) => done.add(count),
      claimed: (claimMillis) => claims.push(claimMillis)
    },
    { churning: false }
  )
  await done.reach(Math.min(order.jobs, order.backlog), order.limitMillis)
  const { cpuMicros, millis } = lap()
  const jobs = done.count
  const serverCpuMicros = await serverCpu()
  const residentBytes = process.memoryUsage.rss()
  const claim = percentiles(claims)
  await stop()
  if (jobs === 0) throw new Error("no job was done in time")
  if (jobs === order.backlog) ledger.expectAll(order.backlog)
  // a job may be left although it ran, but none is gone that did not
  const left = await queue.unfinished()
  if (left + ledger.distinct < order.backlog) {
    throw new Error(`${order.backlog - left - ledger.distinct} jobs are gone that never ran`)
  }
  await queue.close()
  return {
    rate: (jobs / millis) * 1000,
    nodeCpu: cpuMicros / jobs,
    serverCpu: serverCpuMicros / jobs,
    ...(claim === undefined ? {} : { claimP95: claim.p95 }),
    resident: residentBytes / 2 ** 20,
    repeated: ledger.repeated
  }
}
