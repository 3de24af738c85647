import { describe, expect, test } from "vitest"
import { runFleet } from "../../src/simulation/Fleet.ts"

describe("a fleet", () => {
  test("keeps its promises under faults, and heals", { timeout: 60_000 }, () => {
    for (let seed = 1; seed <= 30; seed++) {
      const { violations } = runFleet({ seed })
      expect({ seed, violations }).toEqual({ seed, violations: [] })
    }
  })

  test("takes the same steps for the same seed", { timeout: 60_000 }, () => {
    for (let seed = 1; seed <= 6; seed++) {
      const first = runFleet({ seed, keepLines: 20 })
      const again = runFleet({ seed })
      expect({ seed, hash: again.hash, steps: again.steps }).toEqual({ seed, hash: first.hash, steps: first.steps })
    }
  })
})
