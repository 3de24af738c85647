import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, it } from "vitest"
import * as Killing from "./Killing.ts"

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "leasehold-kill-"))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

it("25 kill -9 lose nothing that was acknowledged, and repeat nothing that ended", { timeout: 180_000 }, async () => {
  const report = await Killing.run({
    directory,
    goOn: (kills) => kills < 25,
    random: Math.random,
    life: 250
  })
  assert.deepStrictEqual(report.violations.slice(0, 10), [])
  assert.strictEqual(report.kills, 25)
  // the kills did fall into the middle of work
  assert.isAbove(report.enqueued, 500)
  assert.isAbove(report.repeated, 0)
})

it("the judge would notice: a log that forgets is found out", { timeout: 60_000 }, async () => {
  const report = await Killing.run({
    directory,
    goOn: (kills) => kills < 2,
    random: () => 0.5,
    life: 250,
    // there has to be something to forget
    since: ({ _tag }) => _tag === "Settled",
    onKill: (kills) => {
      if (kills === 2) rmSync(directory, { recursive: true, force: true })
    }
  })
  assert.isTrue(report.violations.some((violation) => violation.endsWith(" is lost")))
  assert.isTrue(report.violations.some((violation) => /token/.test(violation)))
})
