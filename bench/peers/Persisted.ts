/** Effect's own PersistedQueue, on any store. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { Payload } from "../Payload.ts"
import type { Queue } from "../queues/Adapter.ts"

const schema = Schema.Struct({
  n: Schema.Int,
  customer: Schema.String,
  cents: Schema.Int,
  currency: Schema.String,
  note: Schema.String
})

export const queueName = "bench"

interface Options<R> {
  /** The queues on their store, and what else the rest needs. */
  readonly layer: Layer.Layer<R | PersistedQueue.PersistedQueueFactory, unknown>
  readonly takers: number
  /** Offers of one bulk call as the store is best given them. */
  readonly together: (offers: Effect.Effect<void, unknown>) => Effect.Effect<unknown, unknown, R>
  readonly unfinished: Effect.Effect<number, unknown, R>
}

export const openPersistedQueue = async <R>({ layer, takers, together, unfinished }: Options<R>): Promise<Queue> => {
  const scope = Scope.makeUnsafe()
  const context = await Effect.runPromise(Layer.buildWithScope(layer, scope))
  const run = Effect.runPromiseWith(context)
  const factory = Context.get(context, PersistedQueue.PersistedQueueFactory)
  const queue = await Effect.runPromise(factory.make({ name: queueName, schema }))
  const offerAll = (payloads: ReadonlyArray<Payload>) =>
    Effect.forEach(payloads, (payload) => queue.offer(payload), { concurrency: "unbounded", discard: true })
  return {
    enqueue: (payload) => run(queue.offer(payload)),
    enqueueAll: (payloads) => run(together(offerAll(payloads))),
    callers: (count, next, answered) => {
      const caller = Effect.gen(function* () {
        for (let payload = next(); payload !== undefined; payload = next()) {
          const start = performance.now()
          yield* queue.offer(payload)
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
      let isOver = false
      const taker = Effect.gen(function* () {
        while (!isOver) {
          yield* queue.take((payload) => Effect.sync(() => hands.started(payload)))
          // it answers when the job is settled
          hands.done(1)
        }
      })
      const fiber = Effect.runForkWith(context)(
        Effect.all(
          Array.from({ length: takers }, () => taker),
          { concurrency: "unbounded", discard: true }
        )
      )
      return async () => {
        isOver = true
        await Effect.runPromise(Fiber.interrupt(fiber))
      }
    },
    unfinished: () => run(unfinished),
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}
