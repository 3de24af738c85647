import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { expect, test } from "vitest"
import { runFleet } from "../../src/simulation/Fleet.ts"

test("a seed takes the same steps in another process, and after other seeds", { timeout: 60_000 }, () => {
  const elsewhere = execFileSync(process.execPath, [join(import.meta.dirname, "hashes.ts"), "1", "8"], {
    encoding: "utf8"
  })
  const here: Array<string> = []
  for (let seed = 8; seed >= 1; seed--) {
    // how much of the trace is kept makes no difference
    const { hash, steps } = runFleet({ seed, keepLines: seed * 10 })
    here.unshift(`${seed} ${hash} ${steps}`)
  }
  expect(here).toEqual(elsewhere.trimEnd().split("\n"))
  expect(new Set(here.map((line) => line.split(" ")[1])).size).toBe(8)
})
