import * as Effect from "effect/Effect"
import { describe, expect, test } from "vitest"
import { checkLog, formatReport, laws } from "../../properties/index.ts"
import { memoryHarness } from "../properties/memoryHarness.ts"
import { harmless, memoryMutants } from "./memoryMutants.ts"
import { mutate } from "./Mutant.ts"

describe("broken memory logs", () => {
  test.for(memoryMutants)("$law: $name", { timeout: 60_000 }, async (mutant) => {
    const result = await Effect.runPromise(
      laws[mutant.law].check(mutate(memoryHarness, mutant), { seed: 1, runs: mutant.within, shrink: false })
    )
    expect(result.outcome, `${mutant.law} does not notice: ${mutant.name}`).toBe("broken")
    // the history must be readable and replay from what the report names
    const report = formatReport({
      log: mutant.name,
      capabilities: {} as never,
      crashes: false,
      laws: [result],
      passed: false
    })
    expect(report).toContain("replay: ")
    const path = result.counterexample?.path
    const replayed = await Effect.runPromise(
      laws[mutant.law].check(mutate(memoryHarness, mutant), { seed: 1, path, shrink: false })
    )
    expect(replayed.counterexample?.message).toBe(result.counterexample?.message)
  })
})

describe("harmless wrappers", () => {
  test.for(harmless)("no law notices: $name", { timeout: 60_000 }, async (wrapper) => {
    const report = await Effect.runPromise(
      checkLog({ ...mutate(memoryHarness, wrapper), patience: 5000 }, { runs: 20 })
    )
    expect(report.passed, formatReport(report)).toBe(true)
  })
})
