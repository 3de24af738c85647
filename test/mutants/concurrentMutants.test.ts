import * as Effect from "effect/Effect"
import { expect, test } from "vitest"
import { laws } from "../../properties/index.ts"
import { memoryHarness } from "../properties/memoryHarness.ts"
import { fileHarness } from "../properties/fileHarness.ts"
import { concurrentFileMutants } from "./concurrent/crashes.ts"
import { concurrentMutants } from "./concurrentMutants.ts"
import { mutate } from "./Mutant.ts"

test.for(concurrentMutants)("$law: $name", { timeout: 60_000 }, async (mutant) => {
  const harness = { ...mutate(memoryHarness, mutant), patience: 5000 }
  const law = laws[mutant.law]
  const result = await Effect.runPromise(law.check(harness, { seed: 1, runs: mutant.within, shrink: false }))
  expect(result.outcome, `${mutant.law} does not notice: ${mutant.name}`).toBe("broken")
  // the interleaving is a part of the input, so that it comes again
  const path = result.counterexample?.path
  const replayed = await Effect.runPromise(law.check(harness, { seed: 1, path, shrink: false }))
  expect(replayed.counterexample?.history).toEqual(result.counterexample?.history)
  // the same histories say nothing against the log itself
  const original = await Effect.runPromise(law.check(memoryHarness, { seed: 1, runs: result.runs, strict: true }))
  expect(original.outcome, original.counterexample?.message).toBe("passed")
})

test.for(concurrentFileMutants)(
  "$law: $name",
  { timeout: 60_000 },
  async ({ harness, law: name, name: what, within }) => {
    const law = laws[name]
    const result = await Effect.runPromise(law.check(harness, { seed: 1, runs: within, shrink: false }))
    expect(result.outcome, `${name} does not notice: ${what}`).toBe("broken")
    const original = await Effect.runPromise(law.check(fileHarness, { seed: 1, runs: result.runs, strict: true }))
    expect(original.outcome, original.counterexample?.message).toBe("passed")
  }
)
