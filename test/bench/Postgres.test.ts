/** The Postgres benchmark: its command line, its ratios, and each workload once on a private server. */
import { chmodSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs"
import { spawnSync } from "node:child_process"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { describe, expect, it } from "vitest"
import { UsageError } from "../../bench/Arguments.ts"
import { parseCommand } from "../../bench/queues/Arguments.ts"
import { figures, type Group, groupsOf } from "../../bench/queues/Figures.ts"
import { Ledger } from "../../bench/queues/Ledger.ts"
import { readResults } from "../../bench/queues/Report.ts"
import { rowsOf } from "../../bench/queues/Rows.ts"
import { contestantNamed } from "../../bench/queues/Stores.ts"
import { makePayload } from "../../bench/Payload.ts"

const optionsOf = (...args: ReadonlyArray<string>) => {
  const command = parseCommand(["--store", "postgres", ...args])
  if (command._tag !== "Measure") throw new Error(`a measuring command became ${command._tag}`)
  return command.options
}

describe("arguments", () => {
  it("measures everybody in everything, seven rounds, by default", () => {
    const options = optionsOf()
    expect(options).toMatchObject({ rounds: 7, quick: false, seconds: 60 })
    expect(options.only).toContain("pg-boss")
    expect(groupsOf(options).map(({ name }) => name)).toEqual([
      "drain 20,000",
      "drain 200,000",
      "drain 1,000,000",
      "single",
      "idle",
      "half",
      "churn",
      "churn, pinned"
    ])
  })

  it("takes what it is given", () => {
    const options = optionsOf("--workloads", "drain", "--only", "raw,leasehold", "--backlogs", "5,7", "--rounds", "2")
    expect(options).toMatchObject({ only: ["leasehold", "raw"], rounds: 2 })
    expect(groupsOf(options).map(({ backlog }) => backlog)).toEqual([5, 7])
  })

  it.each([
    [],
    ["--store", "tape"],
    ["--store", "postgres", "--only", "nobody"],
    ["--store", "postgres", "--fsync", "always"],
    ["--store", "postgres", "--workloads", "sleep"],
    ["--store", "postgres", "--backlogs", "many"]
  ])("refuses %s %s %s %s", (...args) => {
    expect(() => parseCommand(args)).toThrow(UsageError)
  })
})

describe("rows", () => {
  const group: Group = groupsOf(optionsOf("--workloads", "drain", "--backlogs", "5"))[0]!
  const contestants = ["leasehold", "raw", "raw-pg", "pg-boss", "bullmq"].map((name) =>
    contestantNamed("postgres", name)
  )
  const round = (...rates: ReadonlyArray<number>) =>
    new Map(
      rates.map((rate, index) => [
        contestants[index]!.name,
        { values: { rate, nodeCpu: 1000 / rate }, neighbours: 0.1 * index }
      ])
    )

  it("compares with the better limit and the best peer of the same round", () => {
    const rows = rowsOf(group, contestants, [round(10, 20, 40, 5, 1), round(30, 20, 10, 5, 60)], new Map())
    expect(rows.find((row) => row.figure === "rate" && row.contestant === "leasehold")).toMatchObject({
      median: 20,
      samples: [10, 30],
      toLimit: { median: 0.875, lowerQuartile: 0.5625, upperQuartile: 1.1875 },
      toPeer: { median: 1.25 },
      bestPeer: "bullmq"
    })
    // 100 by the 25 of the better limit, then 33 by 50
    expect(rows.find((row) => row.figure === "nodeCpu" && row.contestant === "leasehold")?.toLimit?.median).toBeCloseTo(
      (4 + 2 / 3) / 2
    )
    expect(rows.find((row) => row.contestant === "raw" && row.figure === "rate")?.toLimit).toBeNull()
  })

  it("has a reason instead of values for whoever failed", () => {
    const rows = rowsOf(group, contestants, [round(10, 20)], new Map([["leasehold", "3 of 5 jobs never ran"]]))
    expect(rows.find((row) => row.contestant === "leasehold")).toMatchObject({
      median: null,
      samples: [],
      toLimit: null,
      error: "3 of 5 jobs never ran"
    })
  })
})

describe("the ledger", () => {
  it("knows what ran, again or never", () => {
    const ledger = new Ledger()
    for (const n of [0, 1, 1]) ledger.run(makePayload(n))
    expect(ledger).toMatchObject({ distinct: 2, repeated: 1 })
    ledger.expectAll(2)
    // nobody enqueued it
    ledger.run(makePayload(200_000))
    expect(() => ledger.expectAll(2)).toThrow(/3 jobs ran instead of 2/)
  })

  it("refuses a figure whose jobs are missing", () => {
    const ledger = new Ledger()
    for (const n of [0, 2]) ledger.run(makePayload(n))
    expect(() => ledger.expectAll(3)).toThrow(/1 of 3 jobs never ran/)
  })
})

describe("the program", () => {
  it("measures each workload on a server of its own and leaves nothing behind", () => {
    const place = realpathSync(mkdtempSync(join(tmpdir(), "leasehold-bench-test-")))
    // the server may run as a user of its own, who has to get through
    chmodSync(place, 0o711)
    const results = join(place, "results.json")
    try {
      const { status, stderr, stdout } = spawnSync(
        process.execPath,
        [
          resolve(import.meta.dirname, "../../bench/queues/main.ts"),
          ...["--store", "postgres", "--quick", "--only", "leasehold,raw"],
          ...["--backlogs", "600", "--jobs", "400", "--seconds", "1", "--json", results]
        ],
        { encoding: "utf8", timeout: 300_000, env: { ...process.env, TMPDIR: place } }
      )
      expect(status, stderr).toBe(0)
      expect(stdout).toContain("**churn, pinned**")
      expect(readdirSync(place)).toEqual(["results.json"])
      const { contestants, rows, server } = readResults(results)
      expect(server.settings).toMatchObject({ fsync: "on", synchronous_commit: "on" })
      expect(contestants.map(({ name }) => name)).toEqual(["leasehold", "raw"])
      for (const row of rows) expect(row, `${row.group} ${row.contestant} ${row.figure}`).toMatchObject({ error: null })
      // drain once, churn twice: every figure of each, for both
      const counts = [figures.drain, figures.single, figures.idle, figures.half, figures.churn, figures.churn]
      expect(rows).toHaveLength(2 * counts.reduce((sum, all) => sum + all.length, 0))
      const ratios = rows.filter((row) => row.figure === "rate" && row.contestant === "leasehold")
      for (const row of ratios) expect(row.toLimit?.median).toBeGreaterThan(0)
    } finally {
      rmSync(place, { recursive: true, force: true })
    }
  }, 320_000)
})
