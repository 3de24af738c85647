import * as Effect from "effect/Effect"
import { describe, expect, test } from "vitest"
import { checkLog, formatReport } from "../../properties/index.ts"
import { plainHarness, restlessHarness } from "./otherLogs.ts"
import { runs, seed } from "./runs.ts"

describe("the laws fit other logs too", () => {
  test("one that lacks next to everything and says so", { timeout: 120_000 }, async () => {
    const report = await Effect.runPromise(checkLog(plainHarness, { seed: seed(), runs: runs(20), strict: true }))
    expect(report.passed, formatReport(report)).toBe(true)
    const left = report.laws.filter((law) => law.outcome === "notClaimed").map((law) => law.name)
    expect(left).toEqual(["groupFifo", "keyDeduplicates", "recoveryIsLegalPrefix", "readsAgree"])
  })

  test("one whose time passes during its calls", { timeout: 120_000 }, async () => {
    const report = await Effect.runPromise(checkLog(restlessHarness, { seed: seed(), runs: runs(20), strict: true }))
    expect(report.passed, formatReport(report)).toBe(true)
  })

  test("one that claims what it has not is found out", { timeout: 120_000 }, async () => {
    const capabilities = { ...(await Effect.runPromise(Effect.scoped(plainHarness.make))).log.capabilities }
    const boasting = { ...plainHarness, capabilities: { ...capabilities, groups: true, dedupe: true } }
    const report = await Effect.runPromise(checkLog(boasting, { runs: 20, only: ["groupFifo", "keyDeduplicates"] }))
    expect(report.laws.map((law) => law.outcome)).toEqual(["broken", "broken"])
  })
})
