import * as Effect from "effect/Effect"
import { describe, expect, test } from "vitest"
import { checkLog, formatReport } from "../../properties/index.ts"
import type { Harness, LawName, Report } from "../../properties/index.ts"
import { memoryHarness } from "./memoryHarness.ts"
import {
  advisoryHarness,
  brokeredHarness,
  connectedHarness,
  narrowHarness,
  plainHarness,
  prefixHarness,
  restlessHarness
} from "./otherLogs.ts"
import { runs, seed } from "./runs.ts"

/** What nothing that lives in memory claims. */
const ofDurability: ReadonlyArray<LawName> = [
  "recoveryIsLegalPrefix",
  "atomicBatch",
  "readYourDurability",
  "durabilityNamed",
  "recoveryIdempotent",
  "recoveryBound",
  "compactionKeepsAll",
  "poisonOnSyncError",
  "haltOnDamage",
  "versionSafe",
  "singleOwner",
  "quiescence"
]

/** These need a strict fence and single settlements throughout. */
const ofConcurrency: ReadonlyArray<LawName> = [
  "concurrentHistoriesExplained",
  "concurrentSingleLease",
  "concurrentClaimsDisjoint",
  "concurrentEndsOnce",
  "noFalseEmpty",
  "unknownOutcomesHonest",
  "nothingLostInADrain"
]

const others = (report: Report): ReadonlyArray<LawName> =>
  report.laws
    .filter((law) => law.outcome === "notClaimed")
    .map((law) => law.name)
    .filter((name) => !ofDurability.includes(name) && !ofConcurrency.includes(name))

describe("the laws fit other logs too", () => {
  test("one that lacks next to everything and says so", { timeout: 120_000 }, async () => {
    const report = await Effect.runPromise(checkLog(plainHarness, { seed: seed(), runs: runs(12), strict: true }))
    expect(report.passed, formatReport(report)).toBe(true)
    expect(others(report)).toEqual([
      "groupFifo",
      "keyDeduplicates",
      "readsAgree",
      "staleChangesNothing",
      "tickOnce",
      "retentionKeepsKeys",
      "outcomeTruth"
    ])
  })

  test("one whose time passes during its calls", { timeout: 120_000 }, async () => {
    const report = await Effect.runPromise(checkLog(restlessHarness, { seed: seed(), runs: runs(12), strict: true }))
    expect(report.passed, formatReport(report)).toBe(true)
  })

  test("one that settles by prefix only", { timeout: 120_000 }, async () => {
    const report = await Effect.runPromise(checkLog(prefixHarness, { seed: seed(), runs: runs(12), strict: true }))
    expect(report.passed, formatReport(report)).toBe(true)
    expect(others(report)).toEqual([])
    // both the accepted and the refused order were met
    const settled = report.laws.map((law) => law.coverage)
    expect(settled.some((met) => (met["settle: Unsupported"] ?? 0) > 0)).toBe(true)
    expect(settled.some((met) => (met["settle Complete: Completed"] ?? 0) > 0)).toBe(true)
  })

  test("one that has little of everything", { timeout: 120_000 }, async () => {
    const report = await Effect.runPromise(checkLog(narrowHarness, { seed: seed(), runs: runs(12), strict: true }))
    expect(report.passed, formatReport(report)).toBe(true)
    expect(others(report)).toEqual([])
  })

  test("one that counts deliveries for attempts", { timeout: 60_000 }, async () => {
    const only: ReadonlyArray<LawName> = ["attemptsBounded", "transitionsKept"]
    const report = await Effect.runPromise(checkLog(brokeredHarness, { seed: seed(), runs: runs(12), only }))
    expect(report.passed, formatReport(report)).toBe(true)
    expect(report.laws.map((law) => law.outcome)).toEqual(["notClaimed", "passed"])
  })

  test("one whose sessions end with their connection", { timeout: 120_000 }, async () => {
    const report = await Effect.runPromise(checkLog(connectedHarness, { seed: seed(), runs: runs(12), strict: true }))
    expect(report.passed, formatReport(report)).toBe(true)
    expect(report.laws.filter((law) => law.cutShort > 0)).toEqual([])
  })

  test("one whose fence is advisory", { timeout: 120_000 }, async () => {
    const report = await Effect.runPromise(checkLog(advisoryHarness, { seed: seed(), runs: runs(12), strict: true }))
    expect(report.passed, formatReport(report)).toBe(true)
    expect(others(report)).toEqual(["staleTokenRefused", "staleChangesNothing", "tokenBinding"])
    expect(report.laws.some((law) => (law.coverage["settle Complete: Unverified"] ?? 0) > 0)).toBe(true)
  })

  test(
    "one that claims to settle individually, and settles by prefix only, is found out",
    { timeout: 120_000 },
    async () => {
      const capabilities = { ...(await Effect.runPromise(Effect.scoped(memoryHarness.make))).log.capabilities }
      const boasting = { ...prefixHarness, capabilities }
      const report = await Effect.runPromise(checkLog(boasting, { runs: 20, only: ["completedStaysCompleted"] }))
      expect(report.laws.map((law) => law.outcome)).toEqual(["broken"])
    }
  )

  test("one that answers unverified behind a strict fence is found out", { timeout: 120_000 }, async () => {
    const capabilities = { ...(await Effect.runPromise(Effect.scoped(memoryHarness.make))).log.capabilities }
    const boasting = { ...advisoryHarness, capabilities }
    const report = await Effect.runPromise(
      checkLog(boasting, { runs: 40, strict: true, only: ["staleTokenRefused", "tokenBinding"] })
    )
    expect(report.laws.map((law) => law.outcome)).toEqual(["broken", "broken"])
  })

  test("one that claims what the harness has no hand for is untested, unless the harness says why", async () => {
    const capabilities = { ...(await Effect.runPromise(Effect.scoped(memoryHarness.make))).log.capabilities }
    const durable: Harness = { ...memoryHarness, capabilities: { ...capabilities, durability: "powerLoss" } }
    const only: ReadonlyArray<LawName> = ["recoveryIsLegalPrefix", "recoveryIdempotent"]
    const untested = await Effect.runPromise(checkLog(durable, { runs: 1, only }))
    expect(untested.passed).toBe(false)
    expect(untested.laws.map((law) => law.outcome)).toEqual(["untested", "untested"])
    expect(formatReport(untested)).toContain(
      'UNTESTED recoveryIsLegalPrefix    untested: the harness has no hand "crash"'
    )
    const cannot = { crash: "a hosted service", restart: "a hosted service" }
    const excused = await Effect.runPromise(checkLog({ ...durable, cannot }, { runs: 1, only }))
    expect(excused.passed).toBe(true)
    expect(excused.laws.map((law) => [law.outcome, law.reason])).toEqual([
      ["notClaimed", "crash: a hosted service"],
      ["notClaimed", "crash: a hosted service"]
    ])
    expect(formatReport(excused)).toContain("no crash (a hosted service)")
  })

  test("one that claims what it has not is found out", { timeout: 120_000 }, async () => {
    const capabilities = { ...(await Effect.runPromise(Effect.scoped(plainHarness.make))).log.capabilities }
    const boasting = { ...plainHarness, capabilities: { ...capabilities, groups: true, dedupe: true } }
    const report = await Effect.runPromise(checkLog(boasting, { runs: 20, only: ["groupFifo", "keyDeduplicates"] }))
    expect(report.laws.map((law) => law.outcome)).toEqual(["broken", "broken"])
  })
})
