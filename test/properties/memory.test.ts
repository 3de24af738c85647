import * as Effect from "effect/Effect"
import { expect, test } from "vitest"
import { formatReport, lawNames, laws } from "../../properties/index.ts"
import { memoryHarness } from "./memoryHarness.ts"
import { runs, seed } from "./runs.ts"

// a log in memory has no crash to recover from
const unclaimed = new Set<string>(["recoveryIsLegalPrefix"])

test.for(lawNames)("memory: %s", { timeout: 120_000 }, async (name) => {
  const result = await Effect.runPromise(
    laws[name].check(memoryHarness, { seed: seed(), runs: runs(80), strict: true })
  )
  const report = { log: "memory", capabilities: {} as never, crashes: false, laws: [result], passed: true }
  expect(result.outcome, formatReport(report)).toBe(unclaimed.has(name) ? "notClaimed" : "passed")
})
