/** Effect's own PersistedQueue on SQL. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { SqlClient } from "effect/sql/SqlClient"
import type { Adapter } from "../postgres/Adapter.ts"
import { countOf } from "../postgres/Adapter.ts"

const takers = 256

const schema = Schema.Struct({
  n: Schema.Int,
  customer: Schema.String,
  cents: Schema.Int,
  currency: Schema.String,
  note: Schema.String
})

export const adapter: Adapter = {
  open: async (url) => {
    const scope = Scope.makeUnsafe()
    const client = PgClient.layer({ url: Redacted.make(url), maxConnections: 10, multiplex: true })
    const layer = PersistedQueue.layer.pipe(
      Layer.provide(PersistedQueue.layerStoreSql({ pollInterval: "50 millis" })),
      Layer.provideMerge(client)
    )
    const context = await Effect.runPromise(Layer.buildWithScope(layer, scope))
    const run = Effect.runPromiseWith(context)
    const sql = Context.get(context, SqlClient)
    const queue = await run(PersistedQueue.make({ name: "bench", schema }))
    return {
      enqueue: (payload) => run(queue.offer(payload)),
      enqueueAll: (payloads) =>
        run(
          sql.withTransaction(
            Effect.forEach(payloads, (payload) => queue.offer(payload), { concurrency: "unbounded", discard: true })
          )
        ),
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
      unfinished: async () => {
        const rows = await run(
          sql`SELECT count(*)::int4 AS count FROM effect_queue WHERE state NOT IN ('completed', 'failed')`
        )
        return countOf(rows[0]?.["count"])
      },
      close: () => Effect.runPromise(Scope.close(scope, Exit.void))
    }
  }
}
