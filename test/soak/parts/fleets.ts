import { runFleet } from "../../../src/simulation/Fleet.ts"
import { add, type Part } from "../Part.ts"

/** Of so many seeds one is run twice, and has to take the same steps. */
const replayOneIn = 100

/** Whole simulated fleets; each case is one seed. */
export const fleets: Part = {
  name: "fleets",
  unit: "seeds of a simulated fleet",
  run: async ({ goOn, position }) => {
    const counters: Record<string, number> = {}
    const violations: Array<string> = []
    let seed = position
    do {
      const result = runFleet({ seed })
      add(counters, { ...result.counters, "virtual milliseconds": Math.round(result.elapsed), steps: result.steps })
      violations.push(...result.violations.map((violation) => `seed ${seed}: ${violation}`))
      if (seed % replayOneIn === 0) {
        add(counters, { replays: 1 })
        const again = runFleet({ seed })
        if (again.hash !== result.hash) violations.push(`seed ${seed}: hash ${result.hash}, then ${again.hash}`)
      }
      seed++
    } while (violations.length === 0 && goOn())
    return { position: seed, counters, violations }
  }
}
