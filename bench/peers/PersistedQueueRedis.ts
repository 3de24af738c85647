/** PersistedQueue on Redis. */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import { Redis } from "effect/persistence/Redis"
import type { Adapter } from "../queues/Adapter.ts"
import { socketOf } from "../redis/Url.ts"
import { openPersistedQueue, queueName } from "./Persisted.ts"

const prefix = "effectq:"

export const adapter: Adapter = {
  open: (url) =>
    openPersistedQueue({
      layer: PersistedQueue.layer.pipe(
        Layer.provide(PersistedQueue.layerStoreRedis({ prefix, pollInterval: "50 millis" })),
        Layer.provideMerge(NodeRedis.layer({ socket: { path: socketOf(url), tls: false } }))
      ),
      takers: 64,
      together: (offers) => offers,
      unfinished: Effect.gen(function* () {
        const redis = yield* Redis
        const key = `${prefix}${queueName}`
        const waiting = yield* redis.send<number>("LLEN", key)
        const pending = yield* redis.send<number>("HLEN", `${key}:pending`)
        const delayed = yield* redis.send<number>("ZCARD", `${key}:delayed`)
        return waiting + pending + delayed
      })
    })
}
