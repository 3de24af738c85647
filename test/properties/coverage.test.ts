import * as Effect from "effect/Effect"
import { expect, test } from "vitest"
import { checkLog, formatReport, reportToJson } from "../../properties/index.ts"
import { fileHarness } from "./fileHarness.ts"
import { memoryHarness } from "./memoryHarness.ts"
import { plainHarness, prefixHarness } from "./otherLogs.ts"

const harnesses = [memoryHarness, fileHarness, plainHarness, prefixHarness]

test.for(harnesses)("every cell that $name can reach is reached", { timeout: 120_000 }, async (harness) => {
  const options = { runs: 1, strict: true, requireCoverage: true, only: ["transitionsKept"] as const }
  const report = await Effect.runPromise(checkLog(harness, options))
  expect(report.coverage.empty).toEqual([])
  expect(report.passed, formatReport(report)).toBe(true)
  const total = Object.keys(report.coverage.cells).length
  expect(total).toBeGreaterThan(150)
  expect(formatReport(report)).toContain(`coverage: ${total} of ${total} cells`)
})

test("an empty cell fails where coverage is required, and is named", async () => {
  const options = { runs: 1, only: ["singleOwner"] as const }
  const report = await Effect.runPromise(checkLog(fileHarness, { ...options, requireCoverage: true }))
  expect(report.passed).toBe(false)
  expect(report.laws.map((law) => law.outcome)).toEqual(["passed"])
  expect(formatReport(report)).toContain("never: ready × claim × none")
  expect((await Effect.runPromise(checkLog(fileHarness, options))).passed).toBe(true)
})

test("a report as JSON keeps its shape and names the command that replays", async () => {
  const boasting = { ...plainHarness, capabilities: { ...(await capabilitiesOf()), groups: true } }
  const report = await Effect.runPromise(checkLog(boasting, { runs: 20, seed: 7, only: ["groupFifo", "singleOwner"] }))
  const replayWith = (law: string, seed: number, path: string): string => `replay ${law} ${seed} ${path}`
  const json = JSON.parse(JSON.stringify(reportToJson(report, { replayWith }))) as ReturnType<typeof reportToJson>
  expect(Object.keys(json)).toEqual(["format", "log", "passed", "capabilities", "hands", "totals", "laws", "coverage"])
  expect(json.format).toBe(1)
  expect(json.passed).toBe(false)
  expect(json.totals).toMatchObject({ passed: 0, broken: 1, notClaimed: 1, untested: 0 })
  const [broken, left] = json.laws
  expect(broken).toMatchObject({ name: "groupFifo", outcome: "broken", seed: 7 })
  expect(broken?.commands).toBeGreaterThan(0)
  expect(broken?.counterexample?.replay).toBe(`replay groupFifo 7 ${broken?.counterexample?.path}`)
  expect(left).toMatchObject({ name: "singleOwner", outcome: "notClaimed", reason: "the capabilities do not claim it" })
  expect(json.coverage.expected - json.coverage.hit).toBe(json.coverage.empty.length)
})

const capabilitiesOf = () =>
  Effect.runPromise(Effect.scoped(Effect.map(plainHarness.make, ({ log }) => log.capabilities)))
