/** Who is measured, and how each is set up. */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import type { Adapter } from "./Adapter.ts"

export const peersDirectory = resolve(import.meta.dirname, "../peers")

/** A limit is hand-written SQL for exactly this work; a peer is another project's queue. */
type Kind = "own" | "limit" | "peer"

export interface Contestant {
  readonly name: string
  readonly kind: Kind
  /** From this folder. */
  readonly module: string
  /** Whose versions are printed. */
  readonly packages: ReadonlyArray<string>
  readonly configuration: string
}

const rawSql =
  "table (id bigserial primary key, payload text, state int2) with a partial index on ready ids; insert by unnest(500); " +
  "claim = UPDATE .. FOR UPDATE SKIP LOCKED LIMIT 500 RETURNING on 2 connections, from a watermark while churning; " +
  "DELETE .. = ANY(500); index plans forced, statements prepared; singles coalesced, at most 2 batches in flight"

export const contestants: ReadonlyArray<Contestant> = [
  {
    name: "leasehold",
    kind: "own",
    module: "./Leasehold.ts",
    packages: ["effect", "@effect/sql-pg"],
    configuration:
      "PostgresLog.layerUrl and JobScheduler.layerWith({ concurrency: 16 }), every other option its default"
  },
  {
    name: "raw",
    kind: "limit",
    module: "./RawEffect.ts",
    packages: ["@effect/sql-pg"],
    configuration: `@effect/sql-pg's connection, pipelining; ${rawSql}`
  },
  {
    name: "raw-pg",
    kind: "limit",
    module: "../peers/RawPg.ts",
    packages: ["pg"],
    configuration: `node-postgres; ${rawSql}`
  },
  {
    name: "graphile-worker",
    kind: "peer",
    module: "../peers/GraphileWorker.ts",
    packages: ["graphile-worker", "pg"],
    configuration:
      "concurrentJobs 24, maxPoolSize 25, localQueue { size 500, refetchDelay 10 ms }, completeJobBatchDelay 0, " +
      "failJobBatchDelay 0 (its own performance test's); addJobs(500) for bulk"
  },
  {
    name: "pg-boss",
    kind: "peer",
    module: "../peers/PgBoss.ts",
    packages: ["pg-boss", "pg"],
    configuration:
      "work({ batchSize 500, localConcurrency 2, burstWhenBatchFull, pollingIntervalSeconds 0.5 }), useListenNotify and " +
      "notify on the queue; insert(500) for bulk; 10 connections; completed rows kept, its default"
  },
  {
    name: "pg-boss-fetch",
    kind: "peer",
    module: "../peers/PgBossFetch.ts",
    packages: ["pg-boss", "pg"],
    configuration:
      "fetch({ batchSize 500 }) and complete(ids) in 2 loops that sleep 2 ms when there is nothing; insert(500) for " +
      "bulk; 10 connections; completed rows kept, its default"
  },
  {
    name: "bullmq",
    kind: "peer",
    module: "../peers/BullMq.ts",
    packages: ["bullmq", "pg"],
    configuration:
      "createPostgresBackend; Worker concurrency 100, removeOnComplete: true; addBulk(500) for bulk; pool of at most 10"
  },
  {
    name: "persisted-queue",
    kind: "peer",
    module: "../peers/PersistedQueue.ts",
    packages: ["effect", "@effect/sql-pg"],
    configuration:
      "PersistedQueue.layerStoreSql({ pollInterval 50 ms, default 1 s }) on PgClient { maxConnections 10, multiplex: true }; " +
      "256 takers; for bulk, as it has none, 500 offers in one transaction; completed rows kept, its default"
  },
  {
    name: "effect-mq",
    kind: "peer",
    module: "../peers/EffectMq.ts",
    packages: ["effect-mq", "drizzle-orm", "effect", "@effect/sql-pg"],
    configuration:
      "DrizzleJobStore on PgClient { maxConnections 10, multiplex: true }; Worker concurrency 10, " +
      "keep { completed: { count: 0 } }; enqueueMany(500) for bulk; its ready index with the claim's own order, " +
      "which drizzle-kit's migration misses"
  }
]

export const contestantNamed = (name: string): Contestant => {
  const contestant = contestants.find((one) => one.name === name)
  if (contestant === undefined) throw new Error(`nobody is called ${name}`)
  return contestant
}

/** Whether the packages of bench/peers are needed. */
export const isForeign = ({ module }: Contestant): boolean => module.startsWith("../peers/")

/** Loads only what the contestant needs. */
export const loadAdapter = async ({ module }: Contestant): Promise<Adapter> => {
  // each module of the list exports an adapter; the compiler must not follow those whose packages may be missing
  const { adapter } = (await import(new URL(module, import.meta.url).href)) as { readonly adapter: Adapter }
  return adapter
}

/** `name version` of each package that a contestant uses. */
export const versionsOf = (contestant: Contestant): ReadonlyArray<string> => {
  const base = isForeign(contestant) ? peersDirectory : resolve(import.meta.dirname, "../..")
  return contestant.packages.map((name) => {
    const path = resolve(base, "node_modules", name, "package.json")
    // every package's own file has its version
    const { version } = JSON.parse(readFileSync(path, "utf8")) as { readonly version: string }
    return `${name} ${version}`
  })
}
