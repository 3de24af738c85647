/** The loops around single calls, the same for every side. */
import { setImmediate, setTimeout } from "node:timers/promises"
import { Bench } from "tinybench"
import { type Measurement, type Order, stopwatch } from "./Measurement.ts"
import { percentiles } from "./Statistics.ts"

export const nextTurn = (): Promise<void> => setImmediate()

/** Long enough for every side to fall asleep before the next job. */
export const idlePause = (): Promise<void> => setTimeout(2)

const samplesOf = (bench: Bench): ReadonlyArray<number> => {
  const result = bench.tasks[0]?.result
  if (result?.state === "errored") throw result.error
  if (result?.state !== "completed" || result.latency.samples === undefined) {
    throw new Error(`the benchmark ended ${result?.state ?? "without a task"}`)
  }
  return result.latency.samples
}

/** Runs a benchmark of one task whose samples are the latencies. */
export const idleSample = async (bench: Bench): Promise<Measurement> => {
  const stop = stopwatch()
  await bench.run()
  const samples = samplesOf(bench)
  return { jobs: samples.length, ...stop(), latency: percentiles(samples) }
}

/** Calls `call` for a batch at a time, one call after the other. */
export const callLatencies = async (order: Order, call: () => Promise<void>): Promise<Measurement> => {
  const bench = new Bench({
    iterations: Math.ceil(order.jobs / order.batch),
    time: 0,
    warmupIterations: Math.ceil(order.warmup / order.batch),
    warmupTime: 0,
    retainSamples: true
  })
  let stop = stopwatch()
  bench.add("batch", call, {
    async: true,
    beforeAll: () => {
      stop = stopwatch()
    }
  })
  await bench.run()
  const measured = stop()
  const samples = samplesOf(bench)
  return { jobs: samples.length * order.batch, ...measured, latency: percentiles(samples) }
}

/** `callers` callers that each await one call before the next, until `jobs` calls were made. */
export const concurrently = async (
  jobs: number,
  callers: number,
  call: (n: number) => Promise<unknown>
): Promise<Measurement> => {
  const latencies: Array<number> = []
  let next = 0
  const caller = async (): Promise<void> => {
    while (next < jobs) {
      const start = performance.now()
      await call(next++)
      latencies.push(performance.now() - start)
    }
  }
  const stop = stopwatch()
  await Promise.all(Array.from({ length: callers }, caller))
  return { jobs, ...stop(), latency: percentiles(latencies) }
}
