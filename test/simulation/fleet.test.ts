import { describe, expect, test } from "vitest"
import { runFleet } from "../../src/simulation/Fleet.ts"
import { fleetLaws } from "../../src/simulation/FleetLaws.ts"
import { strikes } from "../../src/simulation/Strike.ts"

const seeds = 150

describe("fleets", () => {
  test(`keep their promises under faults, and heal: ${seeds} seeds`, { timeout: 300_000 }, () => {
    const counters = new Map<string, number>()
    const play = (seed: number): void => {
      const result = runFleet({ seed })
      expect({ seed, violations: result.violations }).toEqual({ seed, violations: [] })
      for (const [name, count] of Object.entries(result.counters)) counters.set(name, (counters.get(name) ?? 0) + count)
    }
    for (let seed = 1; seed <= seeds; seed++) play(seed)
    // a fault that never meets an operation tests nothing
    const network = ["requestLost", "replyLost", "duplicated", "partition"]
    const disk = ["error", "noSpace", "shortWrite", "failedSyncForget", "lostWrite", "tornWrite", "stall"]
    const missed = [...strikes, ...network, ...disk.map((kind) => `disk/${kind}`)].filter(
      (fault) => (counters.get(`inFlight/${fault}`) ?? 0) === 0
    )
    expect(missed).toEqual([])
    const operations = ["open", "renew", "close", "enqueue", "claim", "settle", "reclaim", "control", "read"]
    const cells = ["requestLost", "replyLost"].flatMap((fault) =>
      operations.map((operation) => `${fault}/${operation}`)
    )
    expect(cells.filter((cell) => !counters.has(`cell/${cell}`))).toEqual([])
    const states = strikes.flatMap((strike) => ["waiting", "leased", "ended"].map((state) => `${strike}/${state}`))
    expect(states.filter((cell) => !counters.has(`state/${cell}`))).toEqual([])
  })

  test("have laws with a name and a statement each", () => {
    expect(new Set(fleetLaws.map(({ name }) => name)).size).toBe(fleetLaws.length)
    for (const { statement } of fleetLaws) expect(statement).toMatch(/^[A-Z].*\.$/)
  })

  test("that never come to an end are stopped", () => {
    const { violations } = runFleet({ seed: 1, maxSteps: 1_000 })
    expect(violations).toEqual(["noEnd: no end after 1000 steps"])
  })
})
