/** Writes that are answered once they are synced, by servers that tell so, and what is said of such that do not. */
import * as Effect from "effect/Effect"
import { assert, describe, it } from "vitest"
import type { Confirmation } from "../../../src/backends/redis/ConnectionOptions.ts"
import * as RedisLog from "../../../src/backends/redis/RedisLog.ts"
import { type Redis, tellsSyncs } from "../../support/servers/Redis.ts"
import { at, cli, failing, get, put, replicaOf, running, server } from "./ConnectionSupport.ts"

const log = (redis: Redis, replicas: Confirmation) =>
  RedisLog.make({ server: { _tag: "Url", url: redis.url() }, replicas })

describe("a log whose writes are to be synced", () => {
  const redis = server()

  it("is refused by a server that cannot tell", () =>
    running(
      Effect.gen(function* () {
        if (tellsSyncs) yield* cli(redis(), "CONFIG", "SET", "appendonly", "no")
        const { outcome, text } = yield* failing(Effect.scoped(log(redis(), { count: 0, synced: true })))
        assert.strictEqual(outcome, "refused InvalidRequest")
        assert.include(text, "replicas.synced")
        assert.include(text, tellsSyncs ? "appendonly is disabled" : "unknown command")
        if (tellsSyncs) yield* cli(redis(), "CONFIG", "SET", "appendonly", "yes")
      })
    ))

  it("must have somebody who confirms, and the time for it", () =>
    running(
      Effect.gen(function* () {
        for (const replicas of [
          { count: 0 },
          { count: -1, synced: true },
          { count: 0.5, synced: true },
          { count: 1, timeout: 30_000 }
        ]) {
          assert.strictEqual((yield* failing(Effect.scoped(log(redis(), replicas)))).outcome, "refused InvalidRequest")
        }
      })
    ))

  it.runIf(tellsSyncs)("answers once the server has synced, and is unknown where it does not in time", () =>
    running(
      Effect.gen(function* () {
        yield* cli(redis(), "CONFIG", "SET", "appendfsync", "everysec")
        const { capabilities } = yield* log(redis(), { count: 0, synced: true })
        assert.strictEqual(capabilities.durability, "powerLoss")
        const patient = yield* at(redis().url(), { replicas: { count: 0, synced: true } })
        assert.deepStrictEqual(yield* put(patient, "synced"), [1, "synced"])
        const hasty = yield* at(redis().url(), { replicas: { count: 0, synced: true, timeout: 1 } })
        const { outcome, text } = yield* failing(Effect.forever(put(hasty, "written")))
        assert.strictEqual(outcome, "unknown Unavailable")
        assert.include(text, "did not sync its file within 1 ms")
        assert.strictEqual(yield* get(hasty), "written")
      }).pipe(Effect.ensuring(cli(redis(), "CONFIG", "SET", "appendfsync", "always")))
    )
  )

  it.runIf(tellsSyncs)("counts replicas only with what they have synced", () =>
    running(
      Effect.gen(function* () {
        const replica = yield* replicaOf(redis())
        const connection = yield* at(redis().url(), { replicas: { count: 1, synced: true, timeout: 10_000 } })
        assert.deepStrictEqual(yield* put(connection, "twice"), [1, "twice"])
        yield* cli(replica, "CONFIG", "SET", "appendonly", "no")
        const hasty = yield* at(redis().url(), { replicas: { count: 1, synced: true, timeout: 300 } })
        const { outcome, text } = yield* failing(put(hasty, "once"))
        assert.strictEqual(outcome, "unknown Unavailable")
        assert.include(text, "0 of 1")
        const received = yield* at(redis().url(), { replicas: { count: 1, timeout: 10_000 } })
        assert.deepStrictEqual(yield* put(received, "received"), [1, "received"])
      })
    )
  )
})
