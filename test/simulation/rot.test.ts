import { describe, expect, test } from "vitest"
import { runFleet } from "../../src/simulation/Fleet.ts"
import { strikes } from "../../src/simulation/Strike.ts"
import type { FleetConfig } from "../../src/simulation/Swarm.ts"

const rotting: Partial<FleetConfig> = {
  strikes: ["bitRot"],
  strikeEvery: 5_000,
  segmentBytes: 4_096,
  duration: 60_000,
  jobs: 60,
  disk: { syncLatency: [0.1, 10], latency: [0, 0.2] }
}

describe("bit rot", () => {
  test("strikes the log's files, which it refuses or does without", { timeout: 300_000 }, () => {
    const counters = new Map<string, number>()
    for (let seed = 1; seed <= 12; seed++) {
      const result = runFleet({ seed, config: rotting })
      expect({ seed, violations: result.violations }).toEqual({ seed, violations: [] })
      for (const [name, count] of Object.entries(result.counters)) counters.set(name, (counters.get(name) ?? 0) + count)
    }
    const all = ["rot/closed", "rot/last", "rot/behindTheEnd", "rot/refused", "rot/opened"]
    const damage = ["bitFlip", "zeroSector", "staleSector", "cutFile"].map((kind) => `fault/disk/${kind}`)
    expect(["inFlight/bitRot", ...all, ...damage].filter((name) => (counters.get(name) ?? 0) === 0)).toEqual([])
    // nothing else struck, but that recovery crashes as it does after other losses of the process
    const others = strikes.filter((strike) => !["bitRot", "logPowerLoss", "logKill"].includes(strike))
    expect(others.filter((strike) => counters.has(`fault/${strike}`))).toEqual([])
  })

  test("strikes the same in every run of a seed", { timeout: 120_000 }, () => {
    const [first, second] = [runFleet({ seed: 3, config: rotting }), runFleet({ seed: 3, config: rotting })]
    expect(first.counters["rot/refused"]).toBeGreaterThan(0)
    expect(second.hash).toBe(first.hash)
  })
})
