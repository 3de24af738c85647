/** PersistedQueue on PostgreSQL. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Redacted from "effect/Redacted"
import { SqlClient } from "effect/sql/SqlClient"
import { type Adapter, countOf } from "../queues/Adapter.ts"
import { openPersistedQueue } from "./Persisted.ts"

export const adapter: Adapter = {
  open: (url) =>
    openPersistedQueue({
      layer: PersistedQueue.layer.pipe(
        Layer.provide(PersistedQueue.layerStoreSql({ pollInterval: "50 millis" })),
        Layer.provideMerge(PgClient.layer({ url: Redacted.make(url), maxConnections: 10, multiplex: true }))
      ),
      takers: 256,
      together: (offers) => Effect.flatMap(SqlClient, (sql) => sql.withTransaction(offers)),
      unfinished: Effect.gen(function* () {
        const sql = yield* SqlClient
        const rows =
          yield* sql`SELECT count(*)::int4 AS count FROM effect_queue WHERE state NOT IN ('completed', 'failed')`
        return countOf(rows[0]?.["count"])
      })
    })
}
