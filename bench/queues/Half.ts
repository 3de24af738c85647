/** Latency at half of what the queue can do at most. */
import { setTimeout } from "node:timers/promises"
import { stopwatch } from "../Measurement.ts"
import { percentiles } from "../Statistics.ts"
import type { Adapter } from "./Adapter.ts"
import { Ledger } from "./Ledger.ts"
import { batchJobs, Done, expectDone, payloadsFrom, startLoad, warmUp } from "./Load.ts"
import type { Order, Values } from "./Order.ts"
import { serverStopwatch } from "./Parent.ts"

/** Milliseconds between the enqueues of a steady rate. */
const tickMillis = 5

/** Parts of the time: to warm up, to find the peak, and of the steady rate what is not looked at. */
const peakShare = 1 / 3
const ignoredShare = 1 / 10

export const half = async (adapter: Adapter, order: Order): Promise<Values> => {
  const queue = await adapter.open(order.url)
  const done = new Done()
  const ledger = new Ledger()
  const latencies: Array<number> = []
  /** When each job of the steady rate was due, by its number from `base`. */
  let due: Array<number> = []
  let base = Number.POSITIVE_INFINITY
  let lookFrom = Number.POSITIVE_INFINITY
  const stop = await queue.work(
    {
      started: (payload) => {
        ledger.run(payload)
        const at = due[payload.n - base]
        if (at !== undefined && at >= lookFrom) latencies.push(performance.now() - at)
      },
      done: (count) => done.add(count)
    },
    { churning: true }
  )

  const peakMillis = order.seconds * peakShare * 1000
  const stopLoad = startLoad(queue, done, 0)
  await warmUp(done, peakMillis / 2)
  const before = done.count
  const began = performance.now()
  await setTimeout(peakMillis)
  const peak = ((done.count - before) / (performance.now() - began)) * 1000
  base = await stopLoad()
  await expectDone(done, base)

  const rate = peak / 2
  let next = base
  let failure: unknown
  const pending = new Set<Promise<unknown>>()
  const serverCpu = await serverStopwatch()
  const lap = stopwatch()
  const start = performance.now()
  lookFrom = start + order.seconds * ignoredShare * 1000
  for (let tick = 1; tick * tickMillis <= order.seconds * 1000 && failure === undefined; tick++) {
    // a tick that comes late is due when it should have come: whoever calls does not wait for this process
    const at = start + tick * tickMillis
    const wait = at - performance.now()
    if (wait > 0) await setTimeout(wait)
    const jobs = Math.floor((rate * tick * tickMillis) / 1000) - (next - base)
    for (let sent = 0; sent < jobs; sent += batchJobs) {
      const count = Math.min(batchJobs, jobs - sent)
      const payloads = payloadsFrom(next, count)
      for (let index = 0; index < count; index++) due.push(at)
      next += count
      const call: Promise<unknown> = queue.enqueueAll(payloads).then(
        () => pending.delete(call),
        (error: unknown) => (failure ??= error)
      )
      pending.add(call)
    }
  }
  await Promise.all(pending)
  if (failure !== undefined) throw failure
  await expectDone(done, next)
  const { cpuMicros } = lap()
  const serverCpuMicros = await serverCpu()
  await stop()
  ledger.expectAll(next)
  due = []
  const latency = percentiles(latencies)
  if (latency === undefined) throw new Error("no job was measured")
  await queue.close()
  return {
    peak,
    rate,
    p50: latency.p50,
    p95: latency.p95,
    p99: latency.p99,
    nodeCpu: cpuMicros / (next - base),
    serverCpu: serverCpuMicros / (next - base)
  }
}
