/** effect-mq on its Redis store. */
import { registerHooks } from "node:module"
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { JobStore } from "effect-mq"
import type { Adapter } from "../queues/Adapter.ts"
import { socketOf } from "../redis/Url.ts"
import { openEffectMq } from "./Mq.ts"

// it was built for a release candidate of effect, in which the module had another name
const moved = { from: "effect/unstable/persistence", to: "effect/persistence" }

registerHooks({
  resolve: (specifier, context, next) => next(specifier === moved.from ? moved.to : specifier, context)
})

export const adapter: Adapter = {
  open: async (url) => {
    // not above: what is imported there is found before the hook
    const { RedisJobStore } = await import("effect-mq/redis")
    return openEffectMq({
      layer: RedisJobStore.layer({ indexes: false }).pipe(
        Layer.provideMerge(NodeRedis.layer({ socket: { path: socketOf(url), tls: false } }))
      ),
      prepare: Effect.void,
      unfinished: Effect.gen(function* () {
        const store = yield* JobStore.JobStore
        const counts = yield* store.counts()
        return counts.waiting + counts.active + counts.delayed
      })
    })
  }
}
