import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, test } from "vitest"
import { root } from "../tools/stage.ts"

test("a soak stops in time, writes what it did, and goes on from there", { timeout: 120_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "leasehold-soak-test-"))
  const report = join(directory, "report.json")
  const soak = () => {
    const files = ["--state", join(directory, "state.json"), "--report", report]
    const options = ["--minutes", "0.03", "--parts", "laws", ...files]
    const { status, stderr, stdout } = spawnSync(process.execPath, ["test/soak/main.ts", ...options], {
      cwd: root,
      encoding: "utf8"
    })
    expect(status, stdout + stderr).toBe(0)
    return JSON.parse(readFileSync(report, "utf8")) as {
      readonly commit: string
      readonly parts: { readonly laws: { readonly cases: number; readonly bound: number; readonly counters: object } }
    }
  }
  try {
    const first = soak()
    expect(first.parts.laws.cases).toBeGreaterThan(0)
    expect(first.parts.laws.bound).toBeCloseTo(3 / first.parts.laws.cases)
    expect(first.parts.laws.counters).toMatchObject({ histories: expect.any(Number), commands: expect.any(Number) })
    expect(soak().parts.laws.cases).toBeGreaterThan(first.parts.laws.cases)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
