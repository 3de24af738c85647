/** Requests at the edge of every log: what is refused, and how the refusal names the offender. */
import { describe, expect, it } from "vitest"
import type { ControlCommand, EnqueueItem, ReadQuery, Settlement } from "../../src/log/JobLog.ts"
import * as Validate from "../../src/log/Validate.ts"
import { isSameRest, restOf } from "../../src/log/StoredRequest.ts"
import { Limits } from "../../src/model/Limits.ts"

const id = "0190a1b2-c3d4-7e5f-8a9b-000000000001"
const item = (options?: object): EnqueueItem =>
  // tests pass what types forbid as well: callers without types do so, too
  ({ id, queue: "q", name: "job", version: 1, payload: "{}", ...options }) as EnqueueItem
const trace = { traceId: "a".repeat(32), spanId: "b".repeat(16), sampled: false }
const cause = { kind: "failure", message: "no" } as const

describe("utf8Length", () => {
  it("agrees with an encoder", () => {
    const encoder = new TextEncoder()
    for (const text of ["", "abc", "é", "€", "😀", "a😀é€z", "\u07ff\u0800\uffff", "𐀀".repeat(9)]) {
      expect(Validate.utf8Length(text)).toBe(encoder.encode(text).length)
    }
  })
})

describe("enqueue", () => {
  it("accepts everything within the limits, also at the limits", () => {
    const items = [
      item(),
      item({ payload: "x".repeat(Limits.payloadBytes) }),
      item({ payload: "€".repeat(Math.floor(Limits.payloadBytes / 3)) }),
      item({ queue: "n".repeat(Limits.nameBytes), name: "A.b_c:d/e-f9" }),
      item({ priority: -Limits.priority, delay: Limits.durationMillis, maxAttempts: Limits.attempts }),
      item({ priority: Limits.priority, at: 0, maxAttempts: 1, maxDeliveries: 1, deadline: 8_640_000_000_000_000 }),
      item({ leaseDuration: Limits.leaseMinMillis, timeout: 1, group: "g", version: 0 }),
      item({ leaseDuration: Limits.leaseMaxMillis, key: { value: "k".repeat(Limits.keyBytes), window: 0 } }),
      item({ key: { value: "k", window: Limits.durationMillis, onConflict: "replace" }, metadata: {}, trace }),
      item({ metadata: { a: "x".repeat(Limits.metadataBytes - 1) }, priority: undefined, delay: undefined })
    ]
    for (const one of items) expect(Validate.enqueue([one])).toBeUndefined()
    expect(Validate.enqueue([])).toBeUndefined()
    expect(Validate.enqueue(Array.from({ length: Limits.batchItems }, () => item()))).toBeUndefined()
  })

  const refused: ReadonlyArray<readonly [field: string, options: object]> = [
    ["id", { id: "x" }],
    ["id", { id: id.toUpperCase() }],
    ["id", { id: `${id}\n` }],
    ["queue", { queue: "" }],
    ["queue", { queue: "-q" }],
    ["queue", { queue: "a b" }],
    ["queue", { queue: "q\n" }],
    ["queue", { queue: "q".repeat(Limits.nameBytes + 1) }],
    ["name", { name: "ü" }],
    ["name", { name: undefined }],
    ["version", { version: -1 }],
    ["version", { version: 1.5 }],
    ["payload", { payload: { a: 1 } }],
    ["payload", { payload: "x".repeat(Limits.payloadBytes + 1) }],
    ["payload", { payload: "€".repeat(Math.ceil(Limits.payloadBytes / 3) + 1) }],
    ["payload", { payload: "\ud800" }],
    ["priority", { priority: Limits.priority + 1 }],
    ["priority", { priority: Number.NaN }],
    ["delay", { delay: -1 }],
    ["delay", { delay: 0.5 }],
    ["delay", { delay: Number.POSITIVE_INFINITY }],
    ["delay", { delay: Limits.durationMillis + 1 }],
    ["at", { at: -1 }],
    ["at", { at: 1, delay: 1 }],
    ["maxAttempts", { maxAttempts: 0 }],
    ["maxAttempts", { maxAttempts: Limits.attempts + 1 }],
    ["maxDeliveries", { maxDeliveries: 0 }],
    ["leaseDuration", { leaseDuration: Limits.leaseMinMillis - 1 }],
    ["leaseDuration", { leaseDuration: Limits.leaseMaxMillis + 1 }],
    ["timeout", { timeout: 0 }],
    ["deadline", { deadline: "tomorrow" }],
    ["group", { group: "" }],
    ["group", { group: "g".repeat(Limits.keyBytes + 1) }],
    ["key.value", { key: { value: "", window: 0 } }],
    ["key.value", { key: { value: "\udc00", window: 0 } }],
    ["key.window", { key: { value: "k", window: -1 } }],
    ["key.onConflict", { key: { value: "k", window: 0, onConflict: "drop" } }],
    ["key", { key: "k" }],
    ["metadata", { metadata: ["a"] }],
    ["metadata.a", { metadata: { a: 1 } }],
    ["metadata", { metadata: { "": "x" } }],
    ["metadata", { metadata: { a: "\ud800" } }],
    ["metadata", { metadata: { a: "x".repeat(Limits.metadataBytes) } }],
    ["trace.traceId", { trace: { ...trace, traceId: "0" } }],
    ["trace.spanId", { trace: { ...trace, spanId: "B".repeat(16) } }],
    ["trace.sampled", { trace: { ...trace, sampled: 1 } }]
  ]
  it.for(refused)("refuses %s of %o", ([field, options]) => {
    const problem = Validate.enqueue([item(), item(options)])
    expect(problem?.field).toBe(`items[1].${field}`)
    expect(problem?.detail).not.toBe("")
  })

  it("names the limit and what to do", () => {
    expect(Validate.enqueue([item({ payload: "x".repeat(Limits.payloadBytes + 1) })])?.message).toBe(
      "items[0].payload: has 1048577 bytes, the limit is 1048576; store large data elsewhere and pass a reference"
    )
  })

  it("refuses too many jobs, too many bytes, and what is no list of jobs", () => {
    const many = Array.from({ length: Limits.batchItems + 1 }, () => item())
    expect(Validate.enqueue(many)?.field).toBe("items")
    const megabyte = item({ payload: "x".repeat(Limits.payloadBytes) })
    expect(Validate.enqueue(Array.from({ length: 8 }, () => megabyte))).toBeUndefined()
    expect(Validate.enqueue([...Array.from({ length: 8 }, () => megabyte), item()])?.field).toBe("items")
    expect(Validate.enqueue([null as unknown as EnqueueItem])?.field).toBe("items[0]")
    expect(Validate.enqueue("x" as unknown as ReadonlyArray<EnqueueItem>)?.field).toBe("items")
  })
})

describe("settle", () => {
  const settle = (settlement: object, options?: object) =>
    Validate.settle({
      session: "s",
      call: 1,
      items: [{ id, token: 1n, receipt: "", settlement: settlement as Settlement }],
      ...options
    })

  it("accepts every kind of settlement", () => {
    expect(settle({ _tag: "Complete" })).toBeUndefined()
    expect(settle({ _tag: "Complete", result: "x".repeat(Limits.resultBytes) })).toBeUndefined()
    expect(settle({ _tag: "Retry", delay: 0, cause })).toBeUndefined()
    expect(settle({ _tag: "Release" })).toBeUndefined()
    expect(settle({ _tag: "Release", delay: 5, cause })).toBeUndefined()
    expect(settle({ _tag: "DeadLetter", cause: { ...cause, message: "\ud800".repeat(9999) } })).toBeUndefined()
  })

  it("refuses what is out of bounds", () => {
    const fields = [
      settle({ _tag: "Complete", result: "x".repeat(Limits.resultBytes + 1) }),
      settle({ _tag: "Complete", result: 1 }),
      settle({ _tag: "Retry", delay: -1, cause }),
      settle({ _tag: "Retry", delay: 1.5, cause }),
      settle({ _tag: "Retry", delay: 1 }),
      settle({ _tag: "DeadLetter", cause: { kind: "bad", message: "" } }),
      settle({ _tag: "Vanish" }),
      settle({ _tag: "Complete" }, { call: 0 }),
      settle({ _tag: "Complete" }, { session: "" }),
      settle({ _tag: "Complete" }, { items: [{ id, token: 1, receipt: "", settlement: { _tag: "Complete" } }] })
    ].map((problem) => problem?.field)
    expect(fields).toEqual([
      "items[0].settlement.result",
      "items[0].settlement.result",
      "items[0].settlement.delay",
      "items[0].settlement.delay",
      "items[0].cause",
      "items[0].cause.kind",
      "items[0].settlement",
      "call",
      "session",
      "items[0].token"
    ])
  })

  it("leaves follow-ups to their own check, apart from their bytes", () => {
    const big = item({ payload: "x".repeat(Limits.payloadBytes) })
    expect(settle({ _tag: "Complete", enqueue: [item({ id: "x" }), null] })).toBeUndefined()
    expect(Validate.followUps([item(), item({ id: "x" })])?.field).toBe("enqueue[1].id")
    expect(Validate.followUps([item()])).toBeUndefined()
    expect(settle({ _tag: "Complete", enqueue: Array.from({ length: 9 }, () => big) })?.field).toBe("items")
  })
})

describe("storedCause", () => {
  it("keeps what fits, cuts what does not, and mends what is ill-formed", () => {
    expect(Validate.storedCause(cause)).toBe(cause)
    const long = Validate.storedCause({ kind: "defect", tag: "t".repeat(999), message: "a" + "😀".repeat(5000) })
    expect(long.tag?.length).toBe(Limits.keyBytes)
    expect(Validate.utf8Length(long.message)).toBeGreaterThan(Limits.causeBytes - 4)
    expect(Validate.utf8Length(long.message)).toBeLessThanOrEqual(Limits.causeBytes)
    expect(long.message.isWellFormed()).toBe(true)
    expect(Validate.storedCause({ kind: "defect", message: "x\ud800y" }).message).toBe("x\ufffdy")
    // the cut may fall between the halves of a pair
    const halves = Validate.storedCause({ kind: "defect", message: "x".repeat(Limits.causeBytes) + "😀" })
    expect(halves.message).toBe("x".repeat(Limits.causeBytes))
  })
})

describe("the other requests", () => {
  it("open", () => {
    expect(Validate.open({ owner: "o", leaseDuration: 1000 })).toBeUndefined()
    expect(Validate.open({ owner: "", leaseDuration: 1000 })?.field).toBe("owner")
    expect(Validate.open({ owner: "o", leaseDuration: 1 })?.field).toBe("leaseDuration")
  })

  it("renew", () => {
    const request = { session: "s", call: 1, started: [1n], progress: [{ token: 1n, value: "50 %" }] }
    expect(Validate.renew(request)).toBeUndefined()
    expect(Validate.renew({ ...request, started: [1n, -1n] })?.field).toBe("started[1]")
    const value = "x".repeat(Limits.progressBytes + 1)
    expect(Validate.renew({ ...request, progress: [{ token: 1n, value }] })?.field).toBe("progress[0].value")
  })

  it("claim", () => {
    const request = { session: "s", call: 1, queue: "q", limit: 1 }
    expect(Validate.claim(request)).toBeUndefined()
    expect(Validate.claim({ ...request, limit: 0 })?.field).toBe("limit")
    expect(Validate.claim({ ...request, limit: Limits.claimItems + 1 })?.field).toBe("limit")
    expect(Validate.claim({ ...request, names: [] })?.field).toBe("names")
    expect(Validate.claim({ ...request, names: ["a", ""] })?.field).toBe("names[1]")
    expect(Validate.claim({ ...request, queue: "" })?.field).toBe("queue")
  })

  it("control", () => {
    const field = (command: object) => Validate.control([command as ControlCommand])?.field
    expect(field({ _tag: "Cancel", id })).toBeUndefined()
    expect(field({ _tag: "Configure", queue: "q", policy: { groupConcurrency: 2, maxBacklog: 0 } })).toBeUndefined()
    expect(field({ _tag: "Reschedule", id, priority: 3 })).toBeUndefined()
    expect(field({ _tag: "Redrive", id: "x" })).toBe("commands[0].id")
    expect(field({ _tag: "Pause", queue: "" })).toBe("commands[0].queue")
    expect(field({ _tag: "Reschedule", id })).toBe("commands[0]")
    expect(field({ _tag: "Reschedule", id, at: 1, delay: 1 })).toBe("commands[0].at")
    expect(field({ _tag: "Configure", queue: "q", policy: { groupConcurrency: 0 } })).toBe(
      "commands[0].policy.groupConcurrency"
    )
    expect(field({ _tag: "Configure", queue: "q", policy: { groupOnRetry: "wait" } })).toBe(
      "commands[0].policy.groupOnRetry"
    )
    const backlog = (maxBacklog: unknown) => field({ _tag: "Configure", queue: "q", policy: { maxBacklog } })
    expect(backlog("unlimited")).toBeUndefined()
    expect(backlog(Number.MAX_SAFE_INTEGER - 1)).toBeUndefined()
    for (const bad of [Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY, -1, 0.5, null, "many"]) {
      expect(backlog(bad)).toBe("commands[0].policy.maxBacklog")
    }
    expect(field({ _tag: "Explode" })).toBe("commands[0]._tag")
  })

  it("read, reclaim and changes", () => {
    const field = (query: object) => Validate.read(query as ReadQuery)?.field
    expect(field({ _tag: "Counts" })).toBeUndefined()
    expect(field({ _tag: "Jobs", limit: Limits.pageItems, state: "Ready" })).toBeUndefined()
    expect(field({ _tag: "Jobs", limit: Limits.pageItems + 1 })).toBe("limit")
    expect(field({ _tag: "Jobs", limit: 1, state: "Asleep" })).toBe("state")
    expect(field({ _tag: "Job", id: "x" })).toBe("id")
    expect(field({ _tag: "All" })).toBe("_tag")
    expect(Validate.reclaim({ limit: 0 })?.field).toBe("limit")
    expect(Validate.changes({ _tag: "Job", id: "x" })?.field).toBe("id")
    expect(Validate.changes({ _tag: "Queue", queue: "q", cursor: "1" })).toBeUndefined()
  })
})

describe("what is stored", () => {
  const undeclared = { state: { of: { any: "depth" } } }

  it("of a cause are its own fields", () => {
    expect(Validate.storedCause({ ...cause, ...undeclared } as typeof cause)).toEqual(cause)
    expect(Validate.storedCause({ ...cause, tag: "T", ...undeclared } as typeof cause)).toEqual({ ...cause, tag: "T" })
  })

  it("of a request are the fields that the port has", () => {
    const key = { value: "k", window: 1 } as const
    const rest = restOf(item({ ...undeclared, trace: { ...trace, ...undeclared }, key: { ...key, ...undeclared } }))
    expect(JSON.parse(rest ?? "")).toEqual({ trace, key })
    expect(isSameRest(rest, restOf(item({ trace, key })))).toBe(true)
    expect(restOf(item())).toBe(null)
    expect(restOf(item({ key: { ...key, onConflict: "replace" } }))).toBe(
      JSON.stringify({ key: { ...key, onConflict: "replace" } })
    )
  })
})
