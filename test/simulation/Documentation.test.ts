import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, test } from "vitest"

const root = join(import.meta.dirname, "../..")

/** The blocks of code in the page, by the name in their first line. */
const blocks = (): ReadonlyMap<string, string> => {
  const text = readFileSync(join(root, "docs/simulation.md"), "utf8")
  const found = new Map<string, string>()
  for (const [, name, code] of text.matchAll(/```ts\n\/\/ (\S+\.ts)\n([\s\S]*?)```/g)) found.set(name!, code!)
  return found
}

/** The package under its own name is what it is built from. */
const toSources = (code: string): string =>
  code.replaceAll(/"leasehold\/(\w+)"/g, (_, entry: string) => {
    if (entry === "simulation") return JSON.stringify(join(root, "src/simulation/index.ts"))
    return JSON.stringify(join(root, "src/scheduler", `${entry}.ts`))
  })

test("the examples of the page do what it says", { timeout: 120_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "leasehold-simulation-"))
  try {
    writeFileSync(join(directory, "package.json"), `{"type":"module"}`)
    symlinkSync(join(root, "node_modules"), join(directory, "node_modules"))
    for (const [name, code] of blocks()) writeFileSync(join(directory, name), toSources(code))
    const run = (name: string) => spawnSync(process.execPath, [join(directory, name)], { encoding: "utf8" })

    const naive = run("charge.ts")
    expect(naive.stderr).toBe("")
    expect(naive.stdout).toMatch(/FAILED at seed \d+ \(trace [0-9a-f]{16}\)\n {2}order \w was booked 2 times/)
    expect(naive.stdout).toMatch(/replay it with: Simulation\.replay\(scenario, \d+, /)
    expect(naive.status).toBe(1)

    const fenced = run("fenced-charge.ts")
    expect(fenced.stderr).toBe("")
    expect(fenced.stdout).toMatch(/^charging orders, fenced: 200 seeds[\s\S]*\npassed\n$/)
    expect(fenced.status).toBe(0)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
