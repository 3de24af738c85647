/** How long a fleet may take for what is left after the last fault. */
import { describe, expect, test } from "vitest"
import type { EnqueueItem, Settlement } from "../../src/log/JobLog.ts"
import { attemptsLeft } from "../../src/simulation/AttemptsLeft.ts"
import { runFleet } from "../../src/simulation/Fleet.ts"
import { FleetHistory, type GrantRecord, type JobRecord } from "../../src/simulation/FleetHistory.ts"
import * as Generator from "../../src/simulation/kernel/Generator.ts"
import { draw } from "../../src/simulation/Swarm.ts"

const retry: Settlement = { _tag: "Retry", delay: 0, cause: { kind: "timeout", message: "" } }
const release: Settlement = { _tag: "Release" }

describe("a job of three attempts has", () => {
  const item: EnqueueItem = {
    id: "00000000-0000-7000-8000-000000000001",
    queue: "q",
    name: "n",
    version: 1,
    payload: "{}",
    maxAttempts: 3
  }
  const granted = (attempt: number, accepted?: Settlement): GrantRecord => ({
    grant: {
      ...item,
      token: BigInt(attempt),
      attempt,
      delivery: attempt,
      maxAttempts: 3,
      generation: 1,
      priority: 0,
      enqueuedAt: 0,
      readySince: 0,
      leaseDuration: undefined,
      timeout: undefined,
      deadline: undefined,
      group: undefined,
      metadata: undefined,
      trace: undefined,
      receipt: ""
    },
    session: "1-1",
    now: 0,
    answeredAt: attempt,
    claimedAt: 0,
    settleSentAt: undefined,
    accepted
  })
  const left = (grants: ReadonlyArray<GrantRecord>, more: Partial<JobRecord> = {}): number => {
    const history = new FleetHistory(() => {})
    history.attempt([item])
    return attemptsLeft([...history.jobs.values()].map((job) => ({ ...job, grants: [...grants], ...more })))
  }

  test.for([
    ["all of them left before its first grant", [], 3],
    ["all of them left while the first runs", [granted(1)], 3],
    ["two left when the first has failed", [granted(1, retry)], 2],
    ["two left when the second was given back", [granted(1, retry), granted(2, release)], 2],
    ["none left when the last has failed", [granted(3, retry)], 0],
    ["none left when the first has succeeded", [granted(1, { _tag: "Complete" })], 0]
  ] as const)("%s", ([, grants, expected]) => {
    expect(left(grants)).toBe(expected)
  })

  test("none left when it is cancelled, and all of them when an operator may have begun it anew", () => {
    expect(left([granted(1)], { cancelled: true })).toBe(0)
    expect(left([granted(3, retry)], { rescheduled: true })).toBe(3)
  })
})

test("a fleet without a fault that runs one job after the other, each to its timeout, is given the time that takes", () => {
  const { mix } = draw(Generator.make(1).split("swarm"))
  const { counters, elapsed, violations } = runFleet({
    seed: 1,
    config: {
      nodes: 1,
      concurrency: 1,
      jobs: 25,
      producers: 1,
      batch: 60,
      duration: 1_000,
      strikes: [],
      policy: undefined,
      operator: false,
      disk: {},
      mix: { ...mix, acts: ["hang"], timeout: 10_000, undecodable: 0, grouped: 0, keyed: 0, delayed: 0, deadline: 0 }
    }
  })
  expect(violations).toEqual([])
  expect(counters["runs"]).toBeGreaterThan(50)
  // it was busy for longer than a fleet may stand idle
  expect(elapsed).toBeGreaterThan(500_000)
})
