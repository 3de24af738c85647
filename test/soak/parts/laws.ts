import * as Effect from "effect/Effect"
import { lawNames, laws } from "../../../properties/index.ts"
import type { Harness } from "../../../properties/index.ts"
import { fileHarness } from "../../properties/fileHarness.ts"
import { memoryHarness } from "../../properties/memoryHarness.ts"
import { add, type Part } from "../Part.ts"

/** Histories per case. */
const runs = 20

const harnesses: ReadonlyArray<Harness> = [fileHarness, memoryHarness]

/** Every law over generated histories; each case is one law on one log with a seed of its own. */
export const properties: Part = {
  name: "laws",
  unit: `laws on a log with ${runs} histories`,
  run: async ({ goOn, position }) => {
    const counters: Record<string, number> = {}
    const violations: Array<string> = []
    let at = position
    do {
      const seed = 1 + Math.floor(at / (lawNames.length * harnesses.length))
      const name = lawNames[Math.floor(at / harnesses.length) % lawNames.length]!
      const harness = harnesses[at % harnesses.length]!
      const result = await Effect.runPromise(laws[name].check(harness, { seed, runs }))
      add(counters, { histories: result.runs, commands: result.commands })
      if (result.outcome === "broken") {
        const { message = "", path = "" } = result.counterexample ?? {}
        violations.push(`${harness.name}: ${name}, seed ${seed}, path "${path}": ${message}`)
      }
      at++
    } while (violations.length === 0 && goOn())
    return { position: at, counters, violations }
  }
}
