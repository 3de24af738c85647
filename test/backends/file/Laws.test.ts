import * as Effect from "effect/Effect"
import { expect, test } from "vitest"
import { formatReport, lawNames, laws } from "../../../properties/index.ts"
import { runs, seed } from "../../properties/runs.ts"
import { fileHarness } from "./lawHarness.ts"

test.for(lawNames)("file: %s", { timeout: 120_000 }, async (name) => {
  const result = await Effect.runPromise(
    laws[name].check(fileHarness(4096), { seed: seed(), runs: runs(60), strict: true })
  )
  const report = { log: "file", capabilities: {} as never, crashes: true, laws: [result], passed: true }
  expect(result.outcome, formatReport(report)).toBe("passed")
})
