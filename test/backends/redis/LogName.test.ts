/** Names of logs in Redis, the keys that follow, and what options become. */
import * as Redacted from "effect/Redacted"
import { assert, describe, it } from "vitest"
import { slotOf } from "../../../src/backends/redis/ConnectionCall.ts"
import { clientPlan, type ConnectionOptions, secretsOf } from "../../../src/backends/redis/ConnectionOptions.ts"
import { isLogName, keysOf } from "../../../src/backends/redis/LogName.ts"

const url = (text: string): ConnectionOptions => ({ server: { _tag: "Url", url: Redacted.make(text) } })

describe("a log's name", () => {
  it("is short, plain, and cannot break out of the braces", () => {
    for (const name of ["leasehold", "a", "0", "A.b-c_d", "x".repeat(48)]) assert.isTrue(isLogName(name), name)
    for (const name of ["", "-a", ".a", "a b", "{a}", "a}b", "a:b", "ä", "a\n", "x".repeat(49)]) {
      assert.isFalse(isLogName(name), name)
    }
  })

  it("keeps all keys in one slot of a Cluster", () => {
    const { first, news, none } = keysOf("leasehold")
    assert.strictEqual(slotOf(first), slotOf(none))
    assert.strictEqual(slotOf(first), slotOf(news))
    assert.strictEqual(slotOf(first), slotOf("leasehold"))
    assert.notStrictEqual(slotOf(first), slotOf(keysOf("other").first))
  })
})

describe("a URL", () => {
  it.each([
    ["redis://host", { host: "host", port: 6379, db: 0 }],
    ["redis://host:1234/5", { host: "host", port: 1234, db: 5 }],
    ["redis://host?db=5", { host: "host", port: 6379, db: 5 }],
    ["redis://[::1]:7000", { host: "::1", port: 7000, db: 0 }],
    ["redis://me:s%2Fx@host/", { host: "host", port: 6379, db: 0, username: "me", password: "s/x" }],
    ["redis://:s@host", { host: "host", port: 6379, db: 0, password: "s" }],
    ["rediss://host", { host: "host", port: 6379, db: 0, tls: {} }],
    ["redis+unix:///run/redis%20x.sock?db=2", { path: "/run/redis x.sock", db: 2 }],
    ["unix://:s@localhost/run/redis.sock", { path: "/run/redis.sock", db: 0, password: "s" }],
    // nothing else hides in it
    ["redis://host?enableOfflineQueue=true&keyPrefix=x", { host: "host", port: 6379, db: 0 }]
  ])("%s", (text, options) => {
    assert.deepStrictEqual(clientPlan(url(text)), { _tag: "Redis", options })
  })

  it("may be accompanied by options of the client, of which TLS completes its own", () => {
    const plan = clientPlan({ ...url("rediss://host"), redis: { tls: { ca: "x" }, family: 6 } })
    assert.deepStrictEqual(plan, {
      _tag: "Redis",
      options: { host: "host", port: 6379, db: 0, tls: { ca: "x" }, family: 6 }
    })
  })
})

describe("other servers", () => {
  const nodes = [{ host: "a", port: 1 }]

  it("need addresses", () => {
    const empty = [
      { _tag: "Cluster", nodes: [] },
      { _tag: "Sentinel", sentinels: [], master: "m" }
    ] as const
    for (const server of empty) assert.strictEqual(clientPlan({ server })._tag, "Invalid")
  })

  it("have secrets too, known in both spellings", () => {
    const password = Redacted.make("p/w")
    const cluster = clientPlan({ server: { _tag: "Cluster", nodes, password } })
    const sentinel = clientPlan({
      server: { _tag: "Sentinel", sentinels: nodes, master: "m", password, sentinel: { password: Redacted.make("s") } }
    })
    if (cluster._tag === "Invalid" || sentinel._tag === "Invalid") throw new Error("it is valid")
    assert.deepStrictEqual(secretsOf(cluster), ["p/w", "p%2Fw"])
    assert.deepStrictEqual(secretsOf(sentinel), ["p/w", "p%2Fw", "s", "s"])
  })

  it("keep names of nodes with TLS, whose certificates name them", () => {
    const plan = clientPlan({ server: { _tag: "Cluster", nodes, tls: true } })
    if (plan._tag !== "Cluster") throw new Error("it is a Cluster")
    let found: string | undefined
    plan.options.dnsLookup?.("name", (_, address) => {
      found = address
    })
    assert.strictEqual(found, "name")
  })
})
