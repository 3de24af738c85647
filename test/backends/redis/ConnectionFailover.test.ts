/** The connection of a log in Redis when servers die, freeze, and are replaced. */
import { setTimeout as sleep } from "node:timers/promises"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import { assert, describe, it } from "vitest"
import { connect, type Connection } from "../../../src/backends/redis/Connection.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import { hasFunctions, type Redis } from "../../support/servers/Redis.ts"
import { RedisCluster } from "../../support/servers/RedisCluster.ts"
import { RedisSentinel } from "../../support/servers/RedisSentinel.ts"
import { at, cli, failing, get, library, newName, put, running, server, started, waiting } from "./ConnectionSupport.ts"

/** Counts by several callers while something goes on; answers how many were acknowledged, and how many are unknown. */
const counting = (connection: Connection, meanwhile: Effect.Effect<void>) =>
  Effect.gen(function* () {
    const acknowledged = yield* Ref.make(0)
    const unknown = yield* Ref.make(0)
    let over = false
    const caller = Effect.gen(function* () {
      while (!over) {
        const result = yield* Effect.result(connection.call("enqueue", "count", []))
        if (result._tag === "Success") yield* Ref.update(acknowledged, (n) => n + 1)
        else if (result.failure.outcome === "unknown") yield* Ref.update(unknown, (n) => n + 1)
      }
    })
    const callers = yield* Effect.forkChild(Effect.all([caller, caller, caller, caller], { concurrency: "unbounded" }))
    yield* meanwhile
    over = true
    yield* Fiber.join(callers)
    return { acknowledged: yield* Ref.get(acknowledged), unknown: yield* Ref.get(unknown) }
  })

const exactly = Effect.fnUntraced(function* (redis: Redis, name: string, trouble: Effect.Effect<void>) {
  const connection = yield* at(redis.url(), {}, name)
  const { acknowledged, unknown } = yield* counting(connection, trouble)
  const counted = Number(yield* cli(redis, "GET", `{${name}}:m`))
  assert.isAtLeast(acknowledged, 1)
  assert.isAtLeast(counted, acknowledged)
  assert.isAtMost(counted, acknowledged + unknown)
})

describe("each call counts at most once, and once where it is acknowledged", () => {
  const redis = server()

  it("while connections are cut", () =>
    running(
      Effect.suspend(() => {
        const cut = Effect.andThen(cli(redis(), "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"), Effect.sleep(40))
        return exactly(redis(), newName(), Effect.asVoid(Effect.repeat(cut, { times: 20 })))
      })
    ))

  it("while the server is killed", () =>
    running(
      Effect.suspend(() => {
        const kill = Effect.promise(async () => {
          await sleep(100)
          await redis().kill()
          await redis().restart()
        })
        return exactly(redis(), newName(), Effect.asVoid(Effect.repeat(kill, { times: 4 })))
      })
    ))

  it("while functions are lost", () =>
    running(
      Effect.suspend(() => {
        const lose = Effect.andThen(
          Effect.promise(() => redis().forget()),
          Effect.sleep(10)
        )
        return exactly(redis(), newName(), Effect.asVoid(Effect.repeat(lose, { times: 20 })))
      })
    ))
})

describe("a server that dies", () => {
  const redis = server()

  it("is found again, and meanwhile calls are refused with the cause", () =>
    running(
      Effect.gen(function* () {
        const connection = yield* at(redis().url(), { readyTimeout: 100 })
        yield* put(connection, "kept")
        yield* Effect.promise(() => redis().kill())
        const { outcome, text } = yield* failing(put(connection, "lost"))
        assert.include(["refused Unavailable", "unknown Unavailable"], outcome)
        const again = yield* failing(put(connection, "lost"))
        assert.strictEqual(again.outcome, "refused Unavailable", text)
        assert.include(again.text, "ECONNREFUSED")
        yield* Effect.promise(() => redis().restart())
        const patient = Effect.gen(function* () {
          while (true) {
            const result = yield* Effect.result(get(connection))
            if (result._tag === "Success") return result.success
          }
        })
        assert.strictEqual(yield* Effect.timeout(patient, 5000), "kept")
      })
    ))

  it("is waited for at the start, no longer than told", () =>
    running(
      Effect.gen(function* () {
        yield* Effect.promise(() => redis().kill())
        const { outcome, text } = yield* failing(Effect.scoped(at(redis().url(), { connectTimeout: 200 })))
        assert.strictEqual(outcome, "refused Unavailable")
        assert.include(text, "ECONNREFUSED")
        const fiber = yield* Effect.forkScoped(at(redis().url()))
        yield* Effect.promise(() => sleep(100))
        yield* Effect.promise(() => redis().restart())
        const connection = yield* Fiber.join(fiber)
        assert.deepStrictEqual(yield* put(connection, "late"), [1, "late"])
      })
    ))
})

describe("Sentinel", { timeout: 90_000 }, () => {
  it("leads to the next master, when the old one dies or freezes", () =>
    running(
      Effect.gen(function* () {
        const sentinel = yield* Effect.acquireRelease(
          Effect.promise(() => RedisSentinel.start()),
          (it) => Effect.promise(() => it.close())
        )
        const connection = yield* connect(
          { server: { _tag: "Sentinel", sentinels: sentinel.nodes, master: sentinel.name } },
          library,
          newName()
        )
        const goesOn = Effect.gen(function* () {
          while (true) {
            const result = yield* Effect.result(put(connection, "again"))
            if (result._tag === "Success") return
          }
        })
        let live = false
        yield* connection.listen({ heard: () => undefined, changed: (now) => void (live = now) })
        yield* put(connection, "first")
        const first = yield* Effect.promise(() => sentinel.killMaster())
        yield* Effect.timeout(goesOn, 30_000)
        const second = yield* Effect.promise(() => sentinel.failedOver(first))
        yield* waiting("it listens", async () => live)
        yield* Effect.promise(() => first.restart())
        yield* waiting("it follows", async () => (await first.info("master_link_status")) === "up")
        second.freeze()
        // well before the call itself would be given up
        yield* Effect.timeout(goesOn, 25_000).pipe(Effect.ensuring(Effect.sync(() => second.thaw())))
      })
    ))
})

describe("a Cluster", { timeout: 90_000 }, () => {
  it("carries a log on one node, and on another after its slot was moved", () =>
    running(
      Effect.gen(function* () {
        const cluster = yield* Effect.acquireRelease(
          Effect.promise(() => RedisCluster.start()),
          (it) => Effect.promise(() => it.close())
        )
        const name = newName()
        const connection = yield* connect({ server: { _tag: "Cluster", nodes: cluster.nodes } }, library, name)
        assert.strictEqual(connection.calls(), hasFunctions ? "functions" : "scripts")
        yield* put(connection, "0")
        const slot = yield* Effect.promise(() => cluster.slotOf(`{${name}}:m`))
        const owner = cluster.ownerOf(slot)
        assert.strictEqual(yield* Effect.promise(() => owner.text("EXISTS", `{${name}}:m`)), "1")
        const heard: Array<string> = []
        let live = false
        yield* connection.listen({ heard: (it) => heard.push(it), changed: (now) => void (live = now) })
        yield* waiting("it listens", async () => live)

        let half: Fiber.Fiber<unknown, LogError> | undefined
        yield* Effect.promise(() =>
          cluster.moveSlot(slot, cluster.otherThan(owner), async (step) => {
            // the key is gone to the other node by then, which is not the slot's yet
            if (step === "half") half = Effect.runFork(connection.call("enqueue", "count", []))
            if (step === "moved") await sleep(300)
          })
        )
        assert.strictEqual(yield* Fiber.join(half!), 1)
        assert.strictEqual(yield* connection.call("enqueue", "count", []), 2)
        yield* connection.call("enqueue", "tell", [`{${name}}:news`, "moved"])
        yield* waiting("it is heard", async () => heard.includes("moved"))

        const { outcome, text } = yield* failing(
          Effect.flatMap(at(owner.url(), {}, name), (it) => put(it, "x")).pipe(Effect.scoped)
        )
        assert.strictEqual(outcome, "refused NotWritable")
        assert.include(text, "MOVED")
      })
    ))

  it("goes on at a replica of a node that dies", () =>
    running(
      Effect.gen(function* () {
        const cluster = yield* Effect.acquireRelease(
          Effect.promise(() => RedisCluster.start()),
          (it) => Effect.promise(() => it.close())
        )
        const name = newName()
        const slot = yield* Effect.promise(() => cluster.slotOf(`{${name}}:m`))
        const owner = cluster.ownerOf(slot)
        const id = yield* Effect.promise(() => owner.text("CLUSTER", "MYID"))
        const replica = yield* started({
          settings: { "cluster-enabled": "yes", "cluster-config-file": "nodes.conf", "cluster-node-timeout": 2000 }
        })
        yield* cli(replica, "CLUSTER", "MEET", "127.0.0.1", owner.port)
        yield* waiting("it replicates", async () => (await replica.text("CLUSTER", "REPLICATE", id)) === "OK")
        yield* waiting("it follows", async () => (await replica.info("master_link_status")) === "up")
        for (const node of cluster.masters) {
          yield* waiting("all know it", async () =>
            (await node.text("CLUSTER", "REPLICAS", id)).includes(`:${replica.port}@`)
          )
        }
        const connection = yield* connect(
          { server: { _tag: "Cluster", nodes: cluster.nodes }, replicas: { count: 1, timeout: 5000 } },
          library,
          name
        )
        yield* put(connection, "1")
        yield* Effect.promise(() => owner.kill())
        const failures: Array<LogError> = []
        while (true) {
          const result = yield* Effect.result(connection.call("read", "get", [], { readOnly: true }))
          if (result._tag === "Success") {
            assert.strictEqual(result.success, "1")
            break
          }
          failures.push(result.failure)
        }
        // the first may be written before the death is noticed
        assert.deepStrictEqual(
          failures.slice(1).filter(({ outcome }) => outcome !== "refused"),
          []
        )
      })
    ))

  it("is not taken for one where there is none", () =>
    running(
      Effect.gen(function* () {
        const redis = yield* started()
        const nodes = [{ host: "127.0.0.1", port: redis.port }]
        const { outcome, text } = yield* failing(
          Effect.scoped(connect({ server: { _tag: "Cluster", nodes } }, library, newName()))
        )
        assert.strictEqual(outcome, "refused NotWritable")
        assert.include(text, "cluster support disabled")
      })
    ))
})
