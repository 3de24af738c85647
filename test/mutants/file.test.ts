import * as Effect from "effect/Effect"
import { describe, expect, test } from "vitest"
import { laws } from "../../properties/index.ts"
import { fileHarness } from "../properties/fileHarness.ts"
import { fileMutants } from "./fileMutants.ts"

describe("broken file logs", () => {
  test.for(fileMutants)("$law: $name", { timeout: 60_000 }, async (mutant) => {
    const options = { seed: 1, runs: mutant.within, shrink: false }
    const result = await Effect.runPromise(laws[mutant.law].check(mutant.harness, options))
    expect(result.outcome, `${mutant.law} does not notice: ${mutant.name}`).toBe("broken")
    // the same histories say nothing against the log itself
    const original = await Effect.runPromise(laws[mutant.law].check(fileHarness, { ...options, runs: result.runs }))
    expect(original.outcome, original.counterexample?.message).toBe("passed")
  })
})
