import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import * as RedisLog from "../../../src/backends/redis/RedisLog.ts"
import { until } from "../../support/servers/Redis.ts"
import { RedisSentinel } from "../../support/servers/RedisSentinel.ts"
import * as Killing from "./Killing.ts"
import { item, newQueue, persisting, type Received, running, waitFor, worker } from "./TroubleSupport.ts"

describe("Sentinel, whose master dies by SIGKILL under load", { timeout: 90_000 }, () => {
  let sentinel: RedisSentinel
  beforeEach(async () => {
    sentinel = await RedisSentinel.start()
  })
  afterEach(() => sentinel.close())

  const options = (): RedisLog.Options => ({
    server: { _tag: "Sentinel", sentinels: sentinel.nodes, master: sentinel.name }
  })

  it("has its workers claim from the next master within seconds, with tokens greater than all before", () =>
    running(
      Effect.gen(function* () {
        const queue = newQueue()
        const received: Array<Received> = []
        for (let i = 0; i < 2; i++) {
          const log = yield* RedisLog.make(options())
          yield* Effect.forkScoped(worker(log, queue, received))
        }
        const producer = yield* RedisLog.make(options())
        let going = true
        const producing = yield* Effect.forkScoped(
          Effect.gen(function* () {
            while (going) {
              yield* persisting(producer.enqueue([item(queue), item(queue, { group: "one" })]))
              yield* Effect.sleep(5)
            }
          })
        )
        yield* waitFor(
          "work is done",
          Effect.sync(() => received.length > 100)
        )
        const killed = yield* Effect.promise(() => sentinel.killMaster())
        const before = [...received]
        const at = yield* Clock.currentTimeMillis
        yield* Effect.promise(() => sentinel.failedOver(killed))
        const promoted = yield* Clock.currentTimeMillis
        const more = Effect.sync(() => received.length > before.length + 100)
        yield* waitFor("work goes on", more, 20_000)
        going = false
        yield* Fiber.join(producing)

        const after = received.slice(before.length)
        const highest = before.reduce((most, { grant }) => (grant.token > most ? grant.token : most), 0n)
        for (const { grant } of after) assert.isTrue(grant.token > highest, `${grant.token} after ${highest}`)
        const tokens = received.map(({ grant }) => grant.token)
        assert.strictEqual(new Set(tokens).size, tokens.length)
        const [first] = after
        assert.isBelow(first!.at - promoted, 5000)
        console.log(
          `first grant ${first!.at - at} ms after the master's death, ${Math.max(0, first!.at - promoted)} ms after all Sentinels agreed on the next`
        )
      })
    ))

  it("loses nothing that was acknowledged, where each write waits for the replica", async () => {
    const strike = () =>
      Effect.promise(async () => {
        const killed = await sentinel.killMaster()
        const master = await sentinel.failedOver(killed)
        // it follows the other from now on, as the Sentinels would tell it to later
        await killed.restart()
        await killed.cli("REPLICAOF", "127.0.0.1", master.port)
        await until("the new master has a replica", async () => (await killed.info("master_link_status")) === "up")
      })
    const report = await Killing.run({
      log: { ...options(), replicas: { count: 1, timeout: 1000 } },
      strike,
      goOn: (strikes) => strikes < 1,
      random: Math.random
    })
    assert.deepStrictEqual(report.violations.slice(0, 10), [])
    assert.strictEqual(report.strikes, 1)
    assert.isAbove(report.unknown, 0)
    assert.isAbove(report.enqueued, 20)
  })
})
