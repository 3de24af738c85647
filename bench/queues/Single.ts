/** Many callers that each await one enqueue before the next. */
import { expectEqual, stopwatch } from "../Measurement.ts"
import { makePayload, type Payload } from "../Payload.ts"
import { percentiles } from "../Statistics.ts"
import type { Adapter, Queue } from "./Adapter.ts"
import type { Order, Values } from "./Order.ts"
import { serverStopwatch } from "./Parent.ts"

const promised =
  (queue: Queue): NonNullable<Queue["callers"]> =>
  async (count, next, answered) => {
    const caller = async (): Promise<void> => {
      for (let payload = next(); payload !== undefined; payload = next()) {
        const start = performance.now()
        await queue.enqueue(payload)
        answered(performance.now() - start)
      }
    }
    await Promise.all(Array.from({ length: count }, caller))
  }

export const single = async (adapter: Adapter, order: Order): Promise<Values> => {
  const queue = await adapter.open(order.url)
  const callers = queue.callers ?? promised(queue)
  let n = 0
  const call = async (jobs: number, limitMillis: number): Promise<ReadonlyArray<number>> => {
    const latencies: Array<number> = []
    const end = n + jobs
    const deadline = performance.now() + limitMillis
    const next = (): Payload | undefined => (n < end && performance.now() < deadline ? makePayload(n++) : undefined)
    await callers(order.callers, next, (millis) => latencies.push(millis))
    return latencies
  }
  await call(order.warmup, order.limitMillis)
  const serverCpu = await serverStopwatch()
  const lap = stopwatch()
  const latencies = await call(order.jobs, order.limitMillis)
  const { cpuMicros, millis } = lap()
  const serverCpuMicros = await serverCpu()
  const latency = percentiles(latencies)
  if (latency === undefined) throw new Error("no call was answered")
  expectEqual("stored jobs", await queue.unfinished(), n)
  await queue.close()
  return {
    rate: (latencies.length / millis) * 1000,
    p50: latency.p50,
    p99: latency.p99,
    nodeCpu: cpuMicros / latencies.length,
    serverCpu: serverCpuMicros / latencies.length
  }
}
