/** Leasehold through its public modules, every feature at its default, on any log. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { JobLog, type JobLogOperations } from "../../src/log/JobLog.ts"
import type { LogError } from "../../src/log/LogError.ts"
import { JobQueue } from "../../src/scheduler/JobQueue.ts"
import { JobScheduler } from "../../src/scheduler/JobScheduler.ts"
import { BenchJob } from "../leasehold/BenchJob.ts"
import { unfinished } from "../leasehold/OpenLog.ts"
import { expectEqual } from "../Measurement.ts"
import type { Payload } from "../Payload.ts"
import type { Adapter, Hands } from "./Adapter.ts"

const concurrency = 16

/** The log's own answers say what is claimed, and what is durably done. */
const observed = (log: JobLogOperations, hands: Hands): JobLogOperations => ({
  ...log,
  claim: (request) =>
    Effect.suspend(() => {
      const start = performance.now()
      return Effect.map(log.claim(request), (result) => {
        if (result.grants.length > 0) hands.claimed?.(performance.now() - start)
        return result
      })
    }),
  settle: (request) =>
    Effect.map(log.settle(request), (results) => {
      const done = results.filter((result) => result._tag === "Settled" && result.state === "Completed").length
      if (done > 0) hands.done(done)
      return results
    })
})

const schedulerLayer = (log: JobLogOperations, hands: Hands) =>
  JobScheduler.layerWith({ concurrency }).pipe(
    Layer.provide(
      BenchJob.toLayer((payload) => {
        hands.started(payload)
        return Effect.void
      })
    ),
    Layer.provide(Layer.succeed(JobLog, observed(log, hands)))
  )

/** Fibers, as callers in a service are. */
const callers = Effect.fnUntraced(function* (
  count: number,
  next: () => Payload | undefined,
  answered: (millis: number) => void
) {
  const caller = Effect.gen(function* () {
    for (let payload = next(); payload !== undefined; payload = next()) {
      const start = performance.now()
      const answer = yield* BenchJob.enqueue(payload)
      expectEqual("answer", answer._tag, "Inserted")
      answered(performance.now() - start)
    }
  })
  yield* Effect.all(
    Array.from({ length: count }, () => caller),
    { concurrency: "unbounded", discard: true }
  )
})

export const leasehold = (layerAt: (url: string) => Layer.Layer<JobLog, LogError>): Adapter => ({
  open: async (url) => {
    const scope = Scope.makeUnsafe()
    const context = await Effect.runPromise(
      Layer.buildWithScope(JobQueue.layer.pipe(Layer.provideMerge(layerAt(url))), scope)
    )
    const run = Effect.runPromiseWith(context)
    const log = Context.get(context, JobLog)
    return {
      enqueue: (payload) => run(BenchJob.enqueue(payload)),
      enqueueAll: (payloads) => run(BenchJob.enqueueAll(payloads)),
      callers: (count, next, answered) => run(callers(count, next, answered)),
      work: async (hands) => {
        const working = Scope.makeUnsafe()
        await Effect.runPromise(Layer.buildWithScope(schedulerLayer(log, hands), working))
        return () => Effect.runPromise(Scope.close(working, Exit.void))
      },
      unfinished: () => Effect.runPromise(unfinished(log)),
      close: () => Effect.runPromise(Scope.close(scope, Exit.void))
    }
  }
})
