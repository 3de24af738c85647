import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { describe, expect, test } from "vitest"
import { formatReport, lawNames, laws } from "../../properties/index.ts"
import type { Harness, LawName, LawResult } from "../../properties/index.ts"
import * as VirtualClock from "../../properties/VirtualClock.ts"
import * as FileLog from "../../src/backends/file/FileLog.ts"
import { fileHarness } from "./fileHarness.ts"
import { runs, seed } from "./runs.ts"

const expectPassed = (harness: Harness, result: LawResult, notClaimed: ReadonlyArray<LawName> = []): void => {
  const report = { log: harness.name, capabilities: FileLog.capabilities, crashes: true, laws: [result], passed: false }
  expect(result.outcome, formatReport(report)).toBe(notClaimed.includes(result.name) ? "notClaimed" : "passed")
}

describe("file log on a disk that loses what was not synced", () => {
  test.for(lawNames)("%s", { timeout: 300_000 }, async (name) => {
    const options = { seed: seed(), runs: runs(25), strict: true }
    expectPassed(fileHarness, await Effect.runPromise(laws[name].check(fileHarness, options)))
  })
})

const crashes = [
  "crash during a call: answered",
  "crash during a call: unknown",
  "crash during a call: kept",
  "crash during a call: lost"
]

test("crashes meet calls before, in the middle of and after their becoming durable", { timeout: 120_000 }, async () => {
  const { coverage } = await Effect.runPromise(laws.recoveryIsLegalPrefix.check(fileHarness, { seed: 11, runs: 50 }))
  expect(crashes.filter((what) => (coverage[what] ?? 0) === 0)).toEqual([])
})

test(
  "syncs fail under calls that end as unknown and as refused, and compaction gives files up",
  { timeout: 120_000 },
  async () => {
    const options = { seed: 5, runs: 25 }
    const failed = await Effect.runPromise(laws.poisonOnSyncError.check(fileHarness, options))
    const endings = ["refused", "unknown"].map((how) => `failed sync during a call: ${how}`)
    expect(endings.filter((what) => (failed.coverage[what] ?? 0) === 0)).toEqual([])
    const compacted = await Effect.runPromise(laws.compactionKeepsAll.check(fileHarness, options))
    expect(compacted.coverage["compacted"]).toBeGreaterThan(0)
  }
)

/** The file log on this machine's files, each in a fresh directory; nothing crashes here. */
const realHarness: Harness = {
  name: "file, real disk",
  make: Effect.gen(function* () {
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "leasehold-laws-"))),
      (made) => Effect.sync(() => fs.rmSync(made, { recursive: true, force: true }))
    )
    const clock = VirtualClock.make()
    const log = yield* Effect.provideService(FileLog.make({ directory }), Clock.Clock, clock)
    return { log: VirtualClock.runLogOn(clock, log), advance: clock.advance }
  })
}

describe("file log on real files", () => {
  const few: ReadonlyArray<LawName> = ["atLeastOnce", "staleTokenRefused", "groupFifo", "payloadIntact", "noLostWakeUp"]
  test.for(few)("%s", { timeout: 300_000 }, async (name) => {
    const options = { seed: seed(), runs: runs(5), strict: true }
    expectPassed(realHarness, await Effect.runPromise(laws[name].check(realHarness, options)))
  })
})
