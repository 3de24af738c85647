import * as Effect from "effect/Effect"
import { describe, expect, test } from "vitest"
import { laws } from "../../properties/index.ts"
import { copySources, harnessOf, sourceMutants } from "./sources.ts"

describe("broken transitions", () => {
  test.for(sourceMutants)("$law: $name", { timeout: 60_000 }, async (mutant) => {
    const sources = copySources(mutant)
    try {
      const harness = await harnessOf(mutant.name, sources.directory)
      const result = await Effect.runPromise(
        laws[mutant.law].check(harness, { seed: 1, runs: mutant.within, shrink: false })
      )
      expect(result.outcome, `${mutant.law} does not notice: ${mutant.name}`).toBe("broken")
    } finally {
      sources.remove()
    }
  })
})
