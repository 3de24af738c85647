/** The laws of the Redis log where more than one server may have it, which die and make way for each other meanwhile. */
import * as Effect from "effect/Effect"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { checkLog, formatReport, lawNames } from "../../properties/index.ts"
import { notClaimed, redisHarness } from "./redisHarness.ts"
import type { Troubled } from "./redisPlaces.ts"
import { runs, seed } from "./runs.ts"

/** Histories per law, and crashes until one is a server's death, which takes seconds; many histories are for a single server. */
const few = 1
const killEvery = 5

interface Started {
  readonly place: Troubled
  readonly close: () => Promise<void>
}

/** Tests every law in a place. */
export const placeLaws = (name: string, title: string, start: () => Promise<Started>): void => {
  let started: Started
  let checked = 0
  let harness: ReturnType<typeof redisHarness>
  beforeAll(async () => {
    started = await start()
    harness = redisHarness({ name, server: started.place, killEvery })
  })
  afterAll(async () => {
    try {
      const met = await started.place.met()
      console.log(met)
      // else the laws have said nothing about it
      if (checked === lawNames.length) for (const [what, times] of Object.entries(met)) expect(times, what).not.toBe(0)
    } finally {
      await harness.close()
      await started.close()
    }
  })

  describe(title, () => {
    test.for(lawNames)("%s", { timeout: 300_000 }, async (law) => {
      checked++
      const report = await Effect.runPromise(
        checkLog(harness, { seed: seed(), runs: runs(few), strict: true, only: [law] })
      )
      expect(report.laws[0]?.outcome, formatReport(report)).toBe(notClaimed.includes(law) ? "notClaimed" : "passed")
    })
  })
}
