import * as Effect from "effect/Effect"
import { expect, test } from "vitest"
import { formatReport, laws } from "../../properties/index.ts"
import * as FileLog from "../../src/backends/file/FileLog.ts"
import { fileHarness } from "./fileHarness.ts"

/** Seeds whose histories once found a mistake. */
const pinned = [{ name: "keyDeduplicates", seed: 31, runs: 80 }] as const

test.for(pinned)("$name, seed $seed", { timeout: 300_000 }, async ({ name, seed, runs }) => {
  const result = await Effect.runPromise(laws[name].check(fileHarness, { seed, runs, strict: true }))
  const { capabilities } = FileLog
  const report = { log: fileHarness.name, capabilities, crashes: true, laws: [result], passed: false }
  expect(result.outcome, formatReport(report)).toBe("passed")
})
