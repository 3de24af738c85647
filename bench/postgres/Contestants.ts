/** Who is measured on PostgreSQL, and how each is set up. */
import { type Contestant, fromHere, fromPeers } from "../queues/Contestant.ts"

const rawSql =
  "table (id bigserial primary key, payload text, state int2) with a partial index on ready ids; insert by unnest(500); " +
  "claim = UPDATE .. FOR UPDATE SKIP LOCKED LIMIT 500 RETURNING on 2 connections, from a watermark while churning; " +
  "DELETE .. = ANY(500); index plans forced, statements prepared; singles coalesced, at most 2 batches in flight"

export const contestants: ReadonlyArray<Contestant> = [
  {
    name: "leasehold",
    kind: "own",
    ...fromHere(() => import("./Leasehold.ts")),
    packages: ["effect", "@effect/sql-pg"],
    configuration:
      "PostgresLog.layerUrl and JobScheduler.layerWith({ concurrency: 16 }), every other option its default"
  },
  {
    name: "raw",
    kind: "limit",
    ...fromHere(() => import("./RawEffect.ts")),
    packages: ["@effect/sql-pg"],
    configuration: `@effect/sql-pg's connection, pipelining; ${rawSql}`
  },
  {
    name: "raw-pg",
    kind: "limit",
    ...fromPeers("RawPg.ts"),
    packages: ["pg"],
    configuration: `node-postgres; ${rawSql}`
  },
  {
    name: "graphile-worker",
    kind: "peer",
    ...fromPeers("GraphileWorker.ts"),
    packages: ["graphile-worker", "pg"],
    configuration:
      "concurrentJobs 24, maxPoolSize 25, localQueue { size 500, refetchDelay 10 ms }, completeJobBatchDelay 0, " +
      "failJobBatchDelay 0 (its own performance test's); addJobs(500) for bulk"
  },
  {
    name: "pg-boss",
    kind: "peer",
    ...fromPeers("PgBoss.ts"),
    packages: ["pg-boss", "pg"],
    configuration:
      "work({ batchSize 500, localConcurrency 2, burstWhenBatchFull, pollingIntervalSeconds 0.5 }), useListenNotify and " +
      "notify on the queue; insert(500) for bulk; 10 connections; completed rows kept, its default"
  },
  {
    name: "pg-boss-fetch",
    kind: "peer",
    ...fromPeers("PgBossFetch.ts"),
    packages: ["pg-boss", "pg"],
    configuration:
      "fetch({ batchSize 500 }) and complete(ids) in 2 loops that sleep 2 ms when there is nothing; insert(500) for " +
      "bulk; 10 connections; completed rows kept, its default"
  },
  {
    name: "bullmq",
    kind: "peer",
    ...fromPeers("BullMq.ts"),
    packages: ["bullmq", "pg"],
    configuration:
      "createPostgresBackend; Worker concurrency 100, removeOnComplete: true; addBulk(500) for bulk; pool of at most 10"
  },
  {
    name: "persisted-queue",
    kind: "peer",
    ...fromPeers("PersistedQueue.ts"),
    packages: ["effect", "@effect/sql-pg"],
    configuration:
      "PersistedQueue.layerStoreSql({ pollInterval 50 ms, default 1 s }) on PgClient { maxConnections 10, multiplex: true }; " +
      "256 takers; for bulk, as it has none, 500 offers in one transaction; completed rows kept, its default"
  },
  {
    name: "effect-mq",
    kind: "peer",
    ...fromPeers("EffectMq.ts"),
    packages: ["effect-mq", "drizzle-orm", "effect", "@effect/sql-pg"],
    configuration:
      "DrizzleJobStore on PgClient { maxConnections 10, multiplex: true }; Worker concurrency 10, " +
      "keep { completed: { count: 0 } }; enqueueMany(500) for bulk; its ready index with the claim's own order, " +
      "which drizzle-kit's migration misses"
  }
]
