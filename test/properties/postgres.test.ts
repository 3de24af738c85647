import * as Effect from "effect/Effect"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { checkLog, formatReport, lawNames } from "../../properties/index.ts"
import { Postgres } from "../support/servers/Postgres.ts"
import { postgresHarness, quiet } from "./postgresHarness.ts"
import { runs, seed } from "./runs.ts"

let server: Postgres
let harness: ReturnType<typeof postgresHarness>
beforeAll(async () => {
  server = await Postgres.start({ settings: quiet })
  harness = postgresHarness({ name: "postgres", server, schema: "laws", killEvery: 20 })
})
afterAll(async () => {
  await Effect.runPromise(harness.close)
  await server.close()
})

/** Laws that are not about such a log: those of a log with one owner, and those of storage that is its own. */
const notClaimed = ["singleOwner", "haltOnDamage", "poisonOnSyncError", "clockStepSafe"]

/** One run of the law that goes through all transitions suffices, and it is to meet every one of them. */
const thorough = "transitionsKept"

describe("postgres log on a real server, whose process dies, or the server itself", () => {
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

  test(
    "the death of its process meets calls before and after the server has done them",
    { timeout: 120_000 },
    async () => {
      const report = await Effect.runPromise(checkLog(harness, { seed: 11, runs: 20, only: ["recoveryIsLegalPrefix"] }))
      const coverage = report.laws[0]?.coverage ?? {}
      const met = ["unknown", "kept", "lost"].map((how) => `crash during a call: ${how}`)
      expect(met.filter((what) => (coverage[what] ?? 0) === 0)).toEqual([])
    }
  )
})
