import * as Effect from "effect/Effect"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { checkLog, formatReport, lawNames } from "../../properties/index.ts"
import { Redis } from "../support/servers/Redis.ts"
import { notClaimed, quiet, redisHarness } from "./redisHarness.ts"
import { runs, seed } from "./runs.ts"

let server: Redis
let harness: ReturnType<typeof redisHarness>
beforeAll(async () => {
  server = await Redis.start({ settings: quiet })
  harness = redisHarness({ name: "redis", server, killEvery: 20 })
})
afterAll(async () => {
  await harness.close()
  await server.close()
})

/** One run of the law that goes through all transitions suffices, and it is to meet every one of them. */
const thorough = "transitionsKept"

describe("redis log on a real server, whose process dies, or the server itself", () => {
  const others = lawNames.filter((name) => name !== thorough)
  test.for(others)("%s", { timeout: 300_000 }, async (name) => {
    const report = await Effect.runPromise(
      checkLog(harness, { seed: seed(), runs: runs(6), strict: true, only: [name] })
    )
    const wanted = notClaimed.includes(name) ? "notClaimed" : "passed"
    expect(report.laws[0]?.outcome, formatReport(report)).toBe(wanted)
  })

  test(thorough, { timeout: 300_000 }, async () => {
    const report = await Effect.runPromise(
      checkLog(harness, { seed: seed(), runs: 1, strict: true, requireCoverage: true, only: [thorough] })
    )
    expect(report.coverage.empty).toEqual([])
    expect(report.passed, formatReport(report)).toBe(true)
  })
})
