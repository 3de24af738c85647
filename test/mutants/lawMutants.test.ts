import * as Effect from "effect/Effect"
import { expect, test } from "vitest"
import { laws } from "../../properties/index.ts"
import { lawMutants } from "./lawMutants.ts"

test.for(lawMutants)("$law: $name", { timeout: 60_000 }, async (mutant) => {
  const law = laws[mutant.law]
  const options = { seed: 1, runs: mutant.within, shrink: false }
  const result = await Effect.runPromise(law.check(mutant.harness, options))
  expect(result.outcome, `${mutant.law} does not notice: ${mutant.name}`).toBe("broken")
  const path = result.counterexample?.path
  const replayed = await Effect.runPromise(law.check(mutant.harness, { ...options, path }))
  expect(replayed.counterexample?.message).toBe(result.counterexample?.message)
  // as many histories say nothing against the log itself
  const original = await Effect.runPromise(law.check(mutant.original, { ...options, runs: result.runs }))
  expect(original.outcome, original.counterexample?.message).toBe("passed")
})
