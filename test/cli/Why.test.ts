/** What `jobs show` says about jobs that nobody runs, and which dead letters a command line means. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { afterAll, beforeAll } from "vitest"
import { reading } from "../../src/cli/Access.ts"
import { toSelection } from "../../src/cli/DeadLetters.ts"
import { pairs, table } from "../../src/cli/Table.ts"
import { span } from "../../src/cli/Time.ts"
import { explain } from "../../src/cli/Why.ts"
import * as MemoryLog from "../../src/backends/memory/MemoryLog.ts"
import { make as makeQueue } from "../../src/scheduler/JobQueue.ts"
import { id, seed } from "./harness.ts"

describe("why a job does not run", () => {
  const directory = mkdtempSync(join(tmpdir(), "leasehold-why-"))
  beforeAll(() => seed(directory))
  afterAll(() => rmSync(directory, { recursive: true }))

  const reasons: ReadonlyArray<readonly [n: number, code: string, detail: RegExp]> = [
    [1, "dead", /failure: no money.*`leasehold dead redrive`/s],
    [2, "waiting", /ready for .* waits for a free worker; its queue has 1 ready and 0 leased jobs/],
    [3, "delayed", /delayed until .*Z \(in 59m \d+s\)/],
    [4, "completed", /completed at/],
    [5, "cancelled", /cancelled at/],
    [6, "backingOff", /attempt 1 of 10 ended \(failure, GatewayDown\): 502; it backs off until/],
    [7, "paused", /queue stopped is paused; `leasehold queue resume`/]
  ]
  it.live.each(reasons)("job %i: %s", ([n, code, detail]) =>
    Effect.gen(function* () {
      const { log, queue } = yield* reading({
        log: Option.none(),
        directory: Option.some(directory),
        url: Option.none(),
        schema: Option.none(),
        logName: Option.none()
      })
      const { now } = yield* log.read({ _tag: "Counts" })
      const why = yield* explain(queue, yield* queue.show(id(n)), now)
      assert.deepStrictEqual(
        why.map((reason) => reason.code),
        [code]
      )
      assert.match(why[0]!.detail, detail)
    })
  )

  it.live("a group's head blocks it, and all that stands in the way is told", () =>
    Effect.gen(function* () {
      const log = yield* MemoryLog.make()
      const member = { queue: "q", name: "send", version: 1, payload: "{}", group: "g" }
      yield* log.enqueue([
        { ...member, id: id(1) },
        { ...member, id: id(2), deadline: 4e12 }
      ])
      const { id: session } = yield* log.open({ owner: "test", leaseDuration: 60_000 })
      const { grants } = yield* log.claim({ session, call: 1, queue: "q", limit: 1 })
      const cause = { kind: "failure", message: "no" } as const
      yield* log.settle({
        session,
        call: 2,
        items: [{ ...grants[0]!, settlement: { _tag: "Retry", delay: 1e6, cause } }]
      })
      yield* log.control([{ _tag: "Pause", queue: "q" }])
      const queue = makeQueue(log)
      const why = yield* explain(queue, yield* queue.show(id(2)), 4e12 + 1)
      assert.deepStrictEqual(
        why.map((reason) => reason.code),
        ["paused", "pastDeadline", "groupBlocked"]
      )
    })
  )
})

describe("which dead letters", () => {
  const none = {
    ids: [],
    queue: Option.none(),
    name: Option.none(),
    cause: Option.none(),
    limit: Option.none(),
    all: false
  }
  const all = { queue: undefined, name: undefined, cause: undefined, limit: undefined }

  it.effect("are named, or chosen, or all: never by default", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* toSelection({ ...none, ids: ["x"] }), { ids: ["x"] })
      assert.deepStrictEqual(yield* toSelection({ ...none, all: true }), all)
      assert.deepStrictEqual(yield* toSelection({ ...none, limit: Option.some(3) }), { ...all, limit: 3 })
      for (const wrong of [none, { ...none, ids: ["x"], all: true }, { ...none, ids: ["x"], name: Option.some("n") }]) {
        assert.strictEqual((yield* Effect.flip(toSelection(wrong)))._tag, "WrongUsage")
      }
    })
  )
})

describe("what people read", () => {
  const columns = [
    { title: "A", value: (row: readonly [string, string]) => row[0] },
    { title: "NUMBER", value: (row: readonly [string, string]) => row[1], align: "right" }
  ] as const
  const rows = [
    ["long text", "1"],
    ["x\u001b[2J", "1000"]
  ] as const

  it("is aligned, and whole where no terminal cuts it", () => {
    assert.strictEqual(table(rows, columns, {}), "A           NUMBER\nlong text        1\nx\\u{1b}[2J    1000")
    assert.strictEqual(
      table(rows, columns, { isTTY: true, columns: 8 }),
      "\u001b[1mA      …\u001b[0m\nlong te…\nx\\u{1b}…"
    )
    assert.strictEqual(
      pairs([
        ["a", "1"],
        ["none", undefined],
        ["bc", "2"]
      ]),
      "a   1\nbc  2"
    )
  })

  it("names a span by its two greatest units", () => {
    const spans = [0, 999, 1_000, 61_000, 3_600_000, 90_061_000]
    assert.deepStrictEqual(spans.map(span), ["0ms", "999ms", "1s", "1m 1s", "1h", "1d 1h"])
  })
})
