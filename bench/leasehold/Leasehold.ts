/** Leasehold's side of every figure. */
import * as Effect from "effect/Effect"
import { expectEqual, type Measurement, type Order, stopwatch } from "../Measurement.ts"
import { drain } from "./Drain.ts"
import { bulk, idle, single } from "./Enqueue.ts"
import { fill, openLog, unfinished } from "./OpenLog.ts"

const fillDirectory = Effect.fnUntraced(function* (order: Order) {
  const log = yield* openLog(order, order.directories[0]!, 0)
  const stop = stopwatch()
  yield* fill(log, order.jobs, order.bare)
  const measurement: Measurement = { jobs: order.jobs, ...stop(), latency: undefined, ...memory() }
  return measurement
}, Effect.scoped)

const memory = () => ({
  residentBytes: process.memoryUsage.rss(),
  peakBytes: process.resourceUsage().maxRSS * 1024
})

/** From nothing to the first answer about the backlog. */
const recover = Effect.fnUntraced(function* (order: Order) {
  const stop = stopwatch()
  const log = yield* openLog(order, order.directories[0]!, 0)
  const found = yield* unfinished(log)
  const measured = stop()
  expectEqual("recovered jobs", found, order.backlog)
  const measurement: Measurement = { jobs: found, ...measured, latency: undefined, ...memory() }
  return measurement
}, Effect.scoped)

export const run = (order: Order): Promise<Measurement> => {
  switch (order.task) {
    case "fill":
      return Effect.runPromise(fillDirectory(order))
    case "drain":
      return Effect.runPromise(drain(order))
    case "bulk":
      return Effect.runPromise(bulk(order))
    case "single":
      return Effect.runPromise(single(order))
    case "idle":
      return Effect.runPromise(idle(order))
    case "recover":
      return Effect.runPromise(recover(order))
  }
}
