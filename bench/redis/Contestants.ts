/** Who is measured on Redis, and how each is set up. */
import { type Contestant, fromHere, fromPeers } from "../queues/Contestant.ts"

export const contestants: ReadonlyArray<Contestant> = [
  {
    name: "leasehold",
    kind: "own",
    ...fromHere(() => import("./Leasehold.ts")),
    packages: ["effect", "ioredis"],
    configuration: "RedisLog.layerUrl and JobScheduler.layerWith({ concurrency: 16 }), every other option its default"
  },
  {
    name: "raw",
    kind: "limit",
    ...fromHere(() => import("./Raw.ts")),
    packages: ["ioredis"],
    configuration:
      "ioredis; one stream with one group; bulk = XADD 500 times in one pipeline; XREADGROUP COUNT 500 BLOCK, then XACK " +
      "and XDEL of them in one pipeline, on 2 connections; singles by XADD, those of one turn of the event loop in one " +
      "pipeline (enableAutoPipelining)"
  },
  {
    name: "bullmq",
    kind: "peer",
    ...fromPeers("BullMqRedis.ts"),
    packages: ["bullmq", "ioredis"],
    configuration: "Worker concurrency 100, removeOnComplete: true; addBulk(500) for bulk; ioredis"
  },
  {
    name: "persisted-queue",
    kind: "peer",
    ...fromPeers("PersistedQueueRedis.ts"),
    packages: ["effect", "@effect/platform-node", "redis"],
    configuration:
      "PersistedQueue.layerStoreRedis({ pollInterval 50 ms, default 1 s }) on NodeRedis; 64 takers; for bulk, as it has " +
      "none, 500 offers at once, which node-redis sends together"
  },
  {
    name: "effect-mq",
    kind: "peer",
    ...fromPeers("EffectMqRedis.ts"),
    packages: ["effect-mq", "effect", "@effect/platform-node", "redis"],
    configuration:
      "RedisJobStore.layer({ indexes: false }) on NodeRedis; Worker concurrency 10, keep { completed: { count: 0 } }; enqueueMany(500) for bulk; its " +
      "import of effect/unstable/persistence is answered with effect/persistence, as that module is called by now"
  },
  {
    name: "platformatic",
    kind: "peer",
    ...fromPeers("Platformatic.ts"),
    packages: ["@platformatic/job-queue", "iovalkey"],
    configuration:
      "RedisStorage; concurrency 100; for bulk, as it has none, 500 calls of enqueue at once; results kept for an hour, " +
      "its default"
  }
]
