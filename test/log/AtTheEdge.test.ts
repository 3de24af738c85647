/** A log behind its edge refuses what its capabilities deny, and never sees it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { laws } from "../../properties/index.ts"
import type { Harness } from "../../properties/index.ts"
import { atTheEdge, followUpProblem, plainCapabilities } from "../../src/log/JobLog.ts"
import type { Capabilities, EnqueueItem, JobLogOperations } from "../../src/log/JobLog.ts"
import { memoryHarness } from "../properties/memoryHarness.ts"

const capabilities: Capabilities = {
  ...plainCapabilities,
  log: "plain",
  priorities: 3,
  maxDelay: 1000,
  maxLease: 60_000,
  maxPayload: 10,
  maxBatch: 2
}

const item: EnqueueItem = {
  id: "00000000-0000-4000-8000-000000000001",
  queue: "mail",
  name: "send",
  version: 1,
  payload: "{}"
}

const { id, queue } = item

/** Counts the calls that reach it. */
const behindTheEdge = (of: Capabilities = capabilities) => {
  let seen = 0
  const call = () => Effect.die(new Error(`call ${++seen}`))
  const log: JobLogOperations = {
    capabilities: of,
    ...{ open: call, renew: call, close: call, enqueue: call, claim: call, settle: call },
    ...{ reclaim: call, control: call, read: call, changes: call }
  }
  return { log: atTheEdge(log), seen: () => seen }
}

const denied: ReadonlyArray<readonly [string, string, (log: JobLogOperations) => Effect.Effect<unknown, unknown>]> = [
  ["a group", "Unsupported", (log) => log.enqueue([{ ...item, group: "g" }])],
  ["a key", "Unsupported", (log) => log.enqueue([item, { ...item, key: { value: "k", window: 0 } }])],
  ["a priority", "Unsupported", (log) => log.enqueue([{ ...item, priority: 2 }])],
  ["a delay", "Unsupported", (log) => log.enqueue([{ ...item, delay: 1001 }])],
  ["a payload", "InvalidRequest", (log) => log.enqueue([{ ...item, payload: "é".repeat(6) }])],
  ["a batch", "InvalidRequest", (log) => log.enqueue([item, item, item])],
  ["a lease", "InvalidRequest", (log) => log.open({ owner: "me", leaseDuration: 60_001 })],
  ["names", "Unsupported", (log) => log.claim({ session: "s", call: 1, queue, limit: 1, names: ["send"] })],
  ["another priority", "Unsupported", (log) => log.control([{ _tag: "Reschedule", id, priority: -2 }])],
  ["another delay", "Unsupported", (log) => log.control([{ _tag: "Reschedule", id, delay: 1001 }])],
  [
    "terms of groups",
    "Unsupported",
    (log) => log.control([{ _tag: "Configure", queue, policy: { groupConcurrency: 2 } }])
  ],
  ["a look", "Unsupported", (log) => log.read({ _tag: "Job", id })],
  ["nothing that can be", "InvalidRequest", (log) => log.reclaim({ limit: 0 })]
]

describe("atTheEdge", () => {
  for (const [name, reason, request] of denied) {
    it.effect(`refuses ${name}`, () =>
      Effect.gen(function* () {
        const { log, seen } = behindTheEdge()
        const error = yield* Effect.flip(request(log))
        assert.deepInclude(JSON.parse(JSON.stringify(error)), { _tag: "LogError", outcome: "refused" })
        assert.nestedPropertyVal(error, "reason._tag", reason)
        assert.strictEqual(seen(), 0)
      })
    )
  }

  it.effect("refuses an instant only where there are no delays at all", () =>
    Effect.gen(function* () {
      const at = { ...item, at: 5 }
      const without = behindTheEdge({ ...capabilities, maxDelay: 0 })
      assert.nestedPropertyVal(yield* Effect.flip(without.log.enqueue([at])), "reason._tag", "Unsupported")
      const { log, seen } = behindTheEdge()
      yield* Effect.exit(log.enqueue([at]))
      assert.strictEqual(seen(), 1)
    })
  )

  it.effect("lets through what the log has, and does not park where it cannot", () =>
    Effect.gen(function* () {
      const log = atTheEdge((yield* Effect.scoped(memoryHarness.make)).log)
      yield* log.enqueue([{ ...item, group: "g", key: { value: "k", window: 0 }, priority: 5 }])
      const plain = atTheEdge({ ...(yield* Effect.scoped(memoryHarness.make)).log, capabilities })
      const { id: session } = yield* plain.open({ owner: "me", leaseDuration: 1000 })
      const { grants } = yield* plain.claim({ session, call: 1, queue, limit: 1, park: true })
      assert.deepStrictEqual(grants, [])
    })
  )

  it("says what is wrong with follow-ups", () => {
    assert.isUndefined(followUpProblem(capabilities, [item]))
    assert.strictEqual(followUpProblem(capabilities, [item, { ...item, group: "g" }])?._tag, "Unsupported")
    assert.strictEqual(followUpProblem(capabilities, [{ ...item, name: "" }])?._tag, "InvalidRequest")
  })

  it.effect("is all that a plain log needs for the laws of the edge", () =>
    Effect.gen(function* () {
      const harness: Harness = {
        ...memoryHarness,
        make: Effect.map(memoryHarness.make, (test) => ({
          ...test,
          log: atTheEdge({
            ...test.log,
            // what no check at the edge can give or take
            capabilities: {
              ...plainCapabilities,
              log: "plain",
              atomic: "log",
              lateSettle: test.log.capabilities.lateSettle
            }
          })
        }))
      }
      for (const name of ["limitsAtTheEdge", "capabilitiesHonest"] as const) {
        assert.strictEqual((yield* laws[name].check(harness)).outcome, "passed", name)
      }
    })
  )
})
