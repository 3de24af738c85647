import * as Effect from "effect/Effect"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { checkLog, formatReport, lawNames } from "../../properties/index.ts"
import { RedisCluster } from "../support/servers/RedisCluster.ts"
import { clock, notClaimed, quiet, redisHarness } from "./redisHarness.ts"
import { Clustered } from "./redisPlaces.ts"
import { runs, seed } from "./runs.ts"

/** Histories per law, and crashes until one is a server's death, which takes seconds; many histories are for a single server. */
const few = 1
const killEvery = 5

let cluster: RedisCluster
let place: Clustered
let checked = 0
let harness: ReturnType<typeof redisHarness>
beforeAll(async () => {
  cluster = await RedisCluster.start({ settings: quiet })
  place = await Clustered.make(cluster, clock, seed())
  harness = redisHarness({ name: "redis, cluster", server: place, killEvery })
})
afterAll(async () => {
  try {
    const met = await place.met()
    console.log(met)
    // else the laws have said nothing about it
    if (checked === laws.length) for (const [what, times] of Object.entries(met)) expect(times, what).not.toBe(0)
  } finally {
    await harness.close()
    await cluster.close()
  }
})

/** All but the one that goes through every transition, which takes as long as the others together; a single server has it. */
const laws = lawNames.filter((name) => name !== "transitionsKept")

describe("redis log in a Cluster that moves it, whose process dies, or the node that has it", () => {
  test.for(laws)("%s", { timeout: 300_000 }, async (name) => {
    checked++
    const report = await Effect.runPromise(
      checkLog(harness, { seed: seed(), runs: runs(few), strict: true, only: [name] })
    )
    expect(report.laws[0]?.outcome, formatReport(report)).toBe(notClaimed.includes(name) ? "notClaimed" : "passed")
  })
})
