/** The self-check of a Redis log, on private servers that are well and on such that are not. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { afterAll, assert, beforeAll, describe, it, vi } from "vitest"
import { connect } from "../../../src/backends/redis/Connection.ts"
import type { Confirmation, Server } from "../../../src/backends/redis/ConnectionOptions.ts"
import { diagnose, durabilityOf, evictionPolicy } from "../../../src/backends/redis/Doctor.ts"
import { Check, type Report } from "../../../src/backends/redis/DoctorReport.ts"
import { linesOf, serverChecks, survived } from "../../../src/backends/redis/DoctorServer.ts"
import { hasFunctions, onlyScripts, Redis } from "../../support/servers/Redis.ts"
import { RedisCluster } from "../../support/servers/RedisCluster.ts"
import { cli, library, replicaOf, running, started } from "./ConnectionSupport.ts"

const connected = (url: Redacted.Redacted) => connect({ server: { _tag: "Url", url } }, library, "leasehold")

const diagnosed = (server: Server, confirmation?: Confirmation) =>
  Effect.flatMap(connect({ server }, library, "leasehold"), (connection) =>
    diagnose(connection, "leasehold", confirmation)
  )

const atUrl = (url: Redacted.Redacted): Server => ({ _tag: "Url", url })

const levels = (report: Report) =>
  Object.fromEntries(report.findings.filter(({ level }) => level !== "ok").map(({ check, level }) => [check, level]))

const found = (report: Report, check: Check) => report.findings.find((finding) => finding.check === check)

describe("the self-check", () => {
  let redis: Redis
  beforeAll(async () => {
    redis = await Redis.start({ settings: { requirepass: "hush-hush" } })
  })
  afterAll(() => redis.close())

  it("finds nothing amiss with a server that syncs always, in the order of the checks, and nothing secret", () =>
    running(
      Effect.gen(function* () {
        const report = yield* diagnosed(atUrl(redis.url()))
        assert.deepStrictEqual(levels(report), {})
        assert.strictEqual(report.level, "ok")
        assert.deepStrictEqual(
          report.findings.map(({ check }) => check),
          [...Check.literals]
        )
        assert.notInclude(JSON.stringify(report), "hush-hush")
        assert.include(found(report, "functions")?.found, hasFunctions ? "functions" : "scripts")
        assert.include(found(report, "news")?.found, "back after")
      })
    ))

  it("tells what an acknowledged operation survives, as it is set", () =>
    running(
      Effect.gen(function* () {
        const connection = yield* connected(redis.url())
        assert.strictEqual(yield* durabilityOf(connection), "powerLoss")
        assert.strictEqual(yield* evictionPolicy(connection), "noeviction")
        const level = Effect.map(diagnose(connection, "leasehold"), (report) => found(report, "durability")?.level)
        const synced = { count: 0, synced: true }
        const levelSynced = Effect.map(
          diagnose(connection, "leasehold", synced),
          (report) => found(report, "durability")?.level
        )
        yield* cli(redis, "CONFIG", "SET", "no-appendfsync-on-rewrite", "yes")
        assert.deepStrictEqual([yield* durabilityOf(connection), yield* level], ["process", "warn"])
        yield* cli(redis, "CONFIG", "SET", "no-appendfsync-on-rewrite", "no")
        yield* cli(redis, "CONFIG", "SET", "appendfsync", "everysec")
        assert.deepStrictEqual([yield* durabilityOf(connection), yield* level], ["none", "warn"])
        assert.deepStrictEqual([yield* durabilityOf(connection, synced), yield* levelSynced], ["powerLoss", "ok"])
        yield* cli(redis, "CONFIG", "SET", "appendfsync", "no")
        assert.deepStrictEqual([yield* durabilityOf(connection), yield* level], ["process", "warn"])
        assert.strictEqual(yield* levelSynced, "fail")
        yield* cli(redis, "CONFIG", "SET", "appendonly", "no")
        assert.deepStrictEqual([yield* durabilityOf(connection), yield* level], ["none", "fail"])
        assert.strictEqual(yield* durabilityOf(connection, synced), "none")
      }).pipe(
        Effect.ensuring(
          Effect.andThen(
            cli(redis, "CONFIG", "SET", "appendonly", "yes"),
            cli(redis, "CONFIG", "SET", "appendfsync", "always")
          )
        )
      )
    ))

  it("finds eviction, and memory that runs out", () =>
    running(
      Effect.gen(function* () {
        yield* cli(redis, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        const evicting = yield* diagnosed(atUrl(redis.url()))
        assert.deepStrictEqual(levels(evicting), { eviction: "fail" })
        assert.strictEqual(evicting.level, "fail")
        assert.include(found(evicting, "eviction")?.remedy, "noeviction")
        yield* cli(redis, "CONFIG", "SET", "maxmemory-policy", "noeviction")
        const used = Number(yield* Effect.promise(() => redis.info("used_memory")))
        yield* cli(redis, "CONFIG", "SET", "maxmemory", used + 10_000)
        assert.deepStrictEqual(levels(yield* diagnosed(atUrl(redis.url()))), { memory: "warn" })
      }).pipe(
        Effect.ensuring(
          Effect.andThen(
            cli(redis, "CONFIG", "SET", "maxmemory-policy", "noeviction"),
            cli(redis, "CONFIG", "SET", "maxmemory", 0)
          )
        )
      )
    ))

  it("goes on where it may not look, and names what it needs", () =>
    running(
      Effect.gen(function* () {
        // the client says it on the console too
        yield* Effect.acquireRelease(
          Effect.sync(() => vi.spyOn(console, "warn").mockImplementation(() => undefined)),
          (it) => Effect.sync(() => it.mockRestore())
        )
        yield* cli(redis, "ACL", "SETUSER", "guest", "on", ">pw", "~*", "+@all", "-config", "-info", "resetchannels")
        const report = yield* diagnosed(atUrl(Redacted.make(`redis://guest:pw@127.0.0.1:${redis.port}`)))
        assert.strictEqual(found(report, "news")?.level, "warn")
        assert.include(found(report, "eviction")?.found, "could not be looked at")
        assert.include(found(report, "eviction")?.found, "info")
        yield* cli(redis, "ACL", "SETUSER", "hosted", "on", ">pw", "~*", "&*", "+@all", "-config", ...onlyScripts)
        const hosted = yield* diagnosed(atUrl(Redacted.make(`redis://hosted:pw@127.0.0.1:${redis.port}`)))
        assert.deepStrictEqual(levels(hosted), { durability: "warn" })
        assert.include(found(hosted, "durability")?.found, "appendfsync unknown")
        assert.include(found(hosted, "functions")?.found, "scripts")
      })
    ))
})

describe("servers of other kinds", () => {
  it("a replica, its master, and one that wants more replicas", () =>
    running(
      Effect.gen(function* () {
        const master = yield* started()
        const replica = yield* replicaOf(master)
        assert.strictEqual(levels(yield* diagnosed(atUrl(replica.url())))["role"], "fail")
        assert.deepStrictEqual(levels(yield* diagnosed(atUrl(master.url()))), { replication: "warn" })
        assert.deepStrictEqual(levels(yield* diagnosed(atUrl(master.url()), { count: 1 })), {})
        yield* cli(master, "CONFIG", "SET", "min-replicas-to-write", 2)
        assert.deepStrictEqual(levels(yield* diagnosed(atUrl(master.url()))), { replication: "fail" })
      })
    ))

  it("a Cluster in order", { timeout: 60_000 }, () =>
    running(
      Effect.gen(function* () {
        const cluster = yield* Effect.acquireRelease(
          Effect.promise(() => RedisCluster.start()),
          (it) => Effect.promise(() => it.close())
        )
        const report = yield* diagnosed({ _tag: "Cluster", nodes: cluster.nodes })
        assert.deepStrictEqual(levels(report), {})
        assert.include(found(report, "cluster")?.found, "in order")
      })
    )
  )
})

describe("facts that no server here gives", () => {
  const factsOf = (info: Record<string, string>, settings: Record<string, string> = {}) => ({
    info: new Map(Object.entries(info)),
    settings: new Map(Object.entries(settings))
  })

  it("reads lines as servers write them", () => {
    const lines = linesOf("# Server\r\nredis_version:7.2.4\r\nexecutable:/a:b\r\n\r\nbare\r\n")
    assert.deepStrictEqual(
      [...lines],
      [
        ["redis_version", "7.2.4"],
        ["executable", "/a:b"]
      ]
    )
  })

  it("knows versions", () => {
    const levelOf = (info: Record<string, string>) => {
      const { found, level } = serverChecks.server(factsOf(info))
      return [found, level]
    }
    assert.deepStrictEqual(levelOf({ redis_version: "6.0.16" }), ["Redis 6.0.16", "fail"])
    assert.deepStrictEqual(levelOf({ redis_version: "6.2.0" }), ["Redis 6.2.0", "ok"])
    assert.deepStrictEqual(levelOf({ redis_version: "10.0.1" }), ["Redis 10.0.1", "ok"])
    assert.deepStrictEqual(levelOf({ redis_version: "7.2.4", valkey_version: "8.1.0" }), ["Valkey 8.1.0", "ok"])
    assert.deepStrictEqual(levelOf({}), ["Redis unknown", "fail"])
  })

  it("knows a disk that fails, a Cluster that is broken, and full connections", () => {
    const aof = { aof_enabled: "1", aof_last_write_status: "err" }
    assert.strictEqual(serverChecks.disk(factsOf(aof)).level, "fail")
    const snapshot = { rdb_last_bgsave_status: "err" }
    assert.strictEqual(serverChecks.disk(factsOf(snapshot)).level, "fail")
    assert.strictEqual(serverChecks.disk(factsOf(snapshot, { save: "" })).level, "warn")
    assert.strictEqual(serverChecks.disk(factsOf({ aof_enabled: "1", aof_last_bgrewrite_status: "err" })).level, "warn")
    assert.strictEqual(serverChecks.cluster(factsOf({ cluster_enabled: "1" }), "fail").level, "fail")
    const full = { connected_clients: "95", maxclients: "100" }
    assert.strictEqual(serverChecks.connections(factsOf(full)).level, "warn")
    const crowded = { used_memory: "90", total_system_memory: "100", maxmemory: "0" }
    assert.strictEqual(serverChecks.memory(factsOf(crowded)).level, "warn")
    assert.strictEqual(survived(factsOf({ aof_enabled: "1" })), "none")
  })

  it("knows clocks that differ, as far as the way there lets it", () => {
    assert.strictEqual(serverChecks.clock(10_000, 9_990, 10_010).level, "ok")
    assert.strictEqual(serverChecks.clock(12_000, 9_990, 10_010).level, "warn")
    assert.strictEqual(serverChecks.clock(12_000, 9_000, 11_000).level, "ok")
  })
})
