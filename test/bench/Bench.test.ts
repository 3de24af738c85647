/** The benchmark's own arithmetic and command line, and one figure from end to end. */
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs"
import { spawnSync } from "node:child_process"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { describe, expect, it } from "vitest"
import { parseCommand, UsageError } from "../../bench/Arguments.ts"
import { groupsOf } from "../../bench/Figures.ts"
import type { Reading, RowKey } from "../../bench/Row.ts"
import { makeRow } from "../../bench/Row.ts"
import { readResults } from "../../bench/Results.ts"
import { median, percentiles, quantile } from "../../bench/Statistics.ts"
import { marks, renderRows, replaceTable } from "../../bench/Table.ts"

const optionsOf = (...args: ReadonlyArray<string>) => {
  const command = parseCommand(args)
  if (command._tag !== "Measure") throw new Error(`a measuring command became ${command._tag}`)
  return command.options
}

const key: RowKey = { name: "drain", log: "file", backlog: 2_000, workers: 4, unit: "jobs/s", better: "higher" }

const reading = (value: number, neighbours: number | null = 0): Reading => ({
  value,
  p50: 1,
  p95: 2,
  p99: 3,
  cpuMicrosPerJob: 4,
  neighbours
})

describe("statistics", () => {
  it("interpolates between neighbours", () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 3])).toBe(2.5)
    expect(quantile([10, 20, 30, 40, 50], 0.25)).toBe(20)
    expect(quantile([7], 0.99)).toBe(7)
  })

  it("has no quantile of nothing", () => {
    expect(() => median([])).toThrow(RangeError)
    expect(percentiles([])).toBeUndefined()
  })
})

describe("arguments", () => {
  it("measures everything in seven rounds by default", () => {
    const options = optionsOf()
    expect(options).toMatchObject({ only: [], rounds: 7, quick: false, log: undefined, backlogs: undefined })
    const names = groupsOf(options).map((group) => `${group.name} ${group.log} ${group.backlog ?? ""}`.trim())
    expect(names).toEqual([
      "enqueue.bulk500 file",
      "enqueue.bulk1000 file",
      "enqueue.single64 file",
      "idle file",
      "drain file 2000",
      "drain file 20000",
      "drain file 200000",
      "drain file 1000000",
      "recover file 1000000",
      "overhead memory 20000",
      "overhead null 200000",
      "overhead.bare null 200000"
    ])
  })

  it("takes what it is given", () => {
    const options = optionsOf(
      "--log",
      "memory",
      "--only",
      "drain",
      "--backlog",
      "500",
      "--rounds",
      "3",
      "--quiet",
      "0.5"
    )
    expect(options).toMatchObject({ log: "memory", only: ["drain"], backlogs: [500], rounds: 3, quiet: 0.5 })
    expect(groupsOf(options).map((group) => [group.name, group.log, group.backlog])).toEqual([["drain", "memory", 500]])
  })

  it("compares the file log, and no other, with the raw programs", () => {
    for (const group of groupsOf(optionsOf())) {
      expect(group.entrants.some((entrant) => entrant.order.side !== "leasehold")).toBe(group.log === "file")
    }
  })

  it.each([
    ["--rounds", "0"],
    ["--backlog", "many"],
    ["--log", "tape"],
    ["--quiet", "x"],
    ["--unknown"],
    ["--into", "x"]
  ])("refuses %s %s", (...args) => {
    expect(() => parseCommand(args)).toThrow(UsageError)
  })
})

describe("rows", () => {
  it("takes the ratio of each round before the median", () => {
    const row = makeRow(key, [
      { leasehold: reading(10), rawFile: reading(20), rawSqlite: reading(10) },
      { leasehold: reading(30), rawFile: reading(100, 1.5), rawSqlite: reading(10) },
      { leasehold: reading(20), rawFile: reading(20), rawSqlite: reading(10) }
    ])
    expect(row).toMatchObject({
      ...key,
      value: 20,
      min: 10,
      max: 30,
      raw: 20,
      ratio: 0.5,
      ratioLowerQuartile: 0.4,
      ratioUpperQuartile: 0.75,
      sqlite: 10,
      sqliteRatio: 2,
      p50: 1,
      p95: 2,
      p99: 3,
      neighbours: 1.5,
      rounds: 3,
      error: null
    })
    expect(row.samples).toEqual([
      [10, 20, 10],
      [30, 100, 10],
      [20, 20, 10]
    ])
  })

  it("has no figures but a reason when the work was not done", () => {
    const row = makeRow(key, [], "jobs left: 1 instead of 0")
    expect(row).toMatchObject({ value: null, ratio: null, rounds: 0, error: "jobs left: 1 instead of 0" })
    expect(renderRows([row])).toContain("error: jobs left: 1 instead of 0")
  })
})

describe("table", () => {
  it("shows the quartile that speaks against the figure", () => {
    const rounds = [1, 2, 3].map((value) => ({
      leasehold: reading(value),
      rawFile: reading(1),
      rawSqlite: undefined
    }))
    expect(renderRows([makeRow(key, rounds)])).toContain("2.00 (1.50)")
    expect(renderRows([makeRow({ ...key, better: "lower" }, rounds)])).toContain("2.00 (2.50)")
  })

  it("replaces what stands between the marks and nothing else", () => {
    const { begin, end } = marks
    const document = `before\n${begin}\nold\n${end}\nafter\n`
    expect(replaceTable(document, "new")).toBe(`before\n${begin}\n\nnew\n\n${end}\nafter\n`)
    expect(() => replaceTable("no marks", "new")).toThrow(/the document has no/)
  })
})

describe("the program", () => {
  it("measures a figure in processes of its own and leaves nothing behind", () => {
    const directory = realpathSync(mkdtempSync(join(tmpdir(), "leasehold-bench-test-")))
    try {
      const results = join(directory, "results.json")
      const place = mkdtempSync(join(directory, "place-"))
      const { status, stderr, stdout } = spawnSync(
        process.execPath,
        [
          resolve(import.meta.dirname, "../../bench/main.ts"),
          ...["--quick", "--log", "memory", "--only", "drain", "--backlog", "500"],
          ...["--json", results, "--directory", place]
        ],
        { encoding: "utf8", timeout: 60_000 }
      )
      expect(status, stderr).toBe(0)
      expect(stdout).toContain("drain.claim")
      expect(readdirSync(place)).toEqual([])
      const { machine, rows } = readResults(results)
      expect(machine.node).toBe(process.version)
      expect(rows.map((row) => [row.name, row.log, row.backlog, row.workers])).toEqual(
        [4, 16].flatMap((workers) =>
          ["drain", "drain.claim", "drain.cpu"].map((name) => [name, "memory", 500, workers])
        )
      )
      for (const row of rows) {
        expect(row).toMatchObject({ rounds: 1, error: null, raw: null, ratio: null })
        expect(row.value).toBeGreaterThan(0)
      }
      expect(
        readFileSync(results, "utf8")
          .split("\n")
          .filter((line) => line.includes('"name"'))
      ).toHaveLength(rows.length)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }, 60_000)
})
