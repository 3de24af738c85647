/** The logs by name. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type EnqueueItem, JobLog, type JobLogOperations } from "../../src/log/JobLog.ts"
import type { LogError } from "../../src/log/LogError.ts"
import * as JobQueue from "../../src/scheduler/JobQueue.ts"
import type { LogName, Order } from "../Measurement.ts"
import { makePayload } from "../Payload.ts"
import { BareJob, BenchJob, queue } from "./BenchJob.ts"
import * as NullLog from "./NullLog.ts"

/** Loads only what the log needs, so that memory figures hold no other log's code. */
const layerOf = async (order: Order, directory: string, jobs: number): Promise<Layer.Layer<JobLog, LogError>> => {
  switch (order.log) {
    case "null":
      return NullLog.layer(jobs, order.bare)
    case "memory": {
      const MemoryLog = await import("../../src/backends/memory/MemoryLog.ts")
      return MemoryLog.layer()
    }
    case "file": {
      const FileLog = await import("../../src/backends/file/FileLog.ts")
      return FileLog.layer({ directory })
    }
  }
}

/** Opens the log in the current scope. */
export const openLog = Effect.fnUntraced(function* (order: Order, directory: string, jobs: number) {
  const layer = yield* Effect.promise(() => layerOf(order, directory, jobs))
  const context = yield* Layer.build(layer)
  return yield* Effect.provide(JobLog, context)
})

/** Logs that begin empty in each process and have to be filled in it. */
export const isVolatile = (log: LogName): boolean => log === "memory"

const fillBatch = 1_000

/** Enqueues jobs numbered from 0. */
export const fill = Effect.fnUntraced(function* (log: JobLogOperations, jobs: number, bare: boolean) {
  const jobQueue = JobQueue.make(log)
  for (let at = 0; at < jobs; at += fillBatch) {
    const count = Math.min(fillBatch, jobs - at)
    const items: Array<EnqueueItem> = []
    for (let index = 0; index < count; index++) {
      items.push(yield* bare ? BareJob.item(undefined) : BenchJob.item(makePayload(at + index)))
    }
    yield* jobQueue.enqueue(items)
  }
})

/** Jobs of the queue that are not terminal. */
export const unfinished = Effect.fnUntraced(function* (log: JobLogOperations) {
  const [counts] = yield* JobQueue.make(log).counts(queue)
  return counts === undefined ? 0 : counts.ready + counts.scheduled + counts.leased
})
