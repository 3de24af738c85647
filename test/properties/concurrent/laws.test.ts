import * as Effect from "effect/Effect"
import { afterAll, describe, expect, test } from "vitest"
import * as ConcurrentLaws from "../../../properties/concurrent/Laws.ts"
import { ConcurrentHistory, formatReport, laws } from "../../../properties/index.ts"
import type { Harness, LawResult } from "../../../properties/index.ts"
import * as FileLog from "../../../src/backends/file/FileLog.ts"
import { fileHarness } from "../fileHarness.ts"
import { memoryHarness } from "../memoryHarness.ts"
import { runs, seed } from "../runs.ts"

const names = Object.values(ConcurrentLaws).map((law) => law.name)

/** What has to be met by histories that are to say anything about several clients at once. */
const situations = [
  ...["claim", "enqueue", "settle", "renew", "close", "cancel", "reclaim"].flatMap((op) => [
    `lostRequest ${op}`,
    `lostReply ${op}`,
    `late ${op}`,
    `interrupt ${op}`
  ]),
  "duplicate claim",
  "duplicate enqueue",
  "duplicate settle",
  "duplicate renew",
  "repeated claim",
  "repeated enqueue",
  "repeated settle",
  "repeated renew",
  "claim: Unknown",
  "claim: Refused SessionDead",
  "settle: Refused SessionDead",
  "renew: Refused SessionDead",
  "empty claim beside another",
  "claim with grants beside another",
  "settle beside another settle or cancel of the job",
  "grant after a retry or release",
  "grant after a close",
  "grant after a lost lease",
  "grant after a redrive",
  "grant after one that nobody was told of",
  "Complete: Completed",
  "Complete: refused: stale",
  "Complete: refused: completed",
  "Complete: refused: cancelled",
  "Retry: DeadLettered",
  "Release: Cancelled",
  "cancel: Done",
  "cancel: completed",
  "cancel: unknownJob",
  "redrive: Done",
  "redrive: notDeadLettered"
]

const suite = (harness: Harness, count: number, required: ReadonlyArray<string>): void => {
  describe(harness.name, () => {
    const met = new Map<string, number>()
    const checked: Array<LawResult> = []
    test.for(names)("%s", { timeout: 300_000 }, async (name) => {
      const result = await Effect.runPromise(
        laws[name].check(harness, { seed: seed() + 1000, runs: runs(count), strict: true })
      )
      checked.push(result)
      for (const [what, times] of Object.entries(result.coverage)) met.set(what, (met.get(what) ?? 0) + times)
      const { capabilities } = FileLog
      const report = { log: harness.name, capabilities, crashes: true, laws: [result], passed: false }
      expect(result.outcome, formatReport(report)).toBe("passed")
      expect(result.coverage["search: undecided"] ?? 0).toBe(0)
    })
    afterAll(() => {
      // only a run of all laws can tell
      if (checked.length < names.length) return
      expect(required.filter((what) => (met.get(what) ?? 0) === 0)).toEqual([])
    })
  })
}

suite(memoryHarness, 150, situations)
// the programs are the same, and fewer: here it is the crashes that count
suite(fileHarness, 80, [
  "crash: Ok",
  "claim: Unknown",
  "settle: Unknown",
  "renew: Refused SessionDead",
  "repeated claim",
  "grant after a lost lease",
  "grant after one that nobody was told of"
])

test.for([memoryHarness, fileHarness])("$name: the same seed gives the same histories", async (harness) => {
  const record = ConcurrentHistory.record(harness, { seed: 7, runs: 20 })
  const first = await Effect.runPromise(record)
  expect(await Effect.runPromise(record)).toEqual(first)
  expect(first.flatMap((history) => ConcurrentHistory.checkHistory(history).findings)).toEqual([])
})
