import { expect, test } from "vitest"
import { everyPoint } from "../../src/simulation/Exhaustive.ts"

test.for([
  ["logPowerLoss", 1, {}],
  ["logPowerLoss", 2, { embedded: true }],
  ["logKill", 3, {}],
  ["workerCrash", 4, {}],
  ["workerShutdown", 5, {}]
] as const)("%s before every step of the process", { timeout: 60_000 }, ([act, seed, config]) => {
  const { points, violations } = everyPoint(seed, act, config)
  expect(violations).toEqual([])
  expect(points).toBeGreaterThan(30)
})
