/** effect-mq, on any of its stores. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { Job, type JobStore, Worker } from "effect-mq"
import type { Queue } from "../queues/Adapter.ts"

class Bench extends Job.make("bench", {
  payload: {
    n: Schema.Int,
    customer: Schema.String,
    cents: Schema.Int,
    currency: Schema.String,
    note: Schema.String
  },
  queue: "bench",
  defaults: { keep: { completed: { count: 0 } } }
}) {}

interface Options<R> {
  /** The store, and what else the rest needs. */
  readonly layer: Layer.Layer<R | JobStore.JobStore, unknown>
  readonly prepare: Effect.Effect<void, unknown, R>
  readonly unfinished: Effect.Effect<number, unknown, R | JobStore.JobStore>
}

export const openEffectMq = async <R>({ layer, prepare, unfinished }: Options<R>): Promise<Queue> => {
  const scope = Scope.makeUnsafe()
  const context = await Effect.runPromise(Layer.buildWithScope(layer, scope))
  const run = Effect.runPromiseWith(context)
  await run(prepare)
  return {
    enqueue: (payload) => run(Bench.enqueue(payload)),
    enqueueAll: (payloads) => run(Bench.enqueueMany(payloads)),
    callers: (count, next, answered) => {
      const caller = Effect.gen(function* () {
        for (let payload = next(); payload !== undefined; payload = next()) {
          const start = performance.now()
          yield* Bench.enqueue(payload)
          answered(performance.now() - start)
        }
      })
      return run(
        Effect.all(
          Array.from({ length: count }, () => caller),
          { concurrency: "unbounded", discard: true }
        )
      )
    },
    work: async (hands) => {
      const working = Scope.makeUnsafe()
      const handler = Bench.toLayer((payload) =>
        Effect.sync(() => {
          hands.started(payload)
          // it tells nobody when that is stored: this is before, in its favour
          hands.done(1)
        })
      )
      const worker = handler.pipe(
        Layer.provideMerge(Worker.layer({ concurrency: 10 })),
        Layer.provide(Layer.succeedContext(context))
      )
      await Effect.runPromise(Layer.buildWithScope(worker, working))
      return () => Effect.runPromise(Scope.close(working, Exit.void))
    },
    unfinished: () => run(unfinished),
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}
