/** The Redis benchmark: its command line, what it stores its results as, and each workload once on private servers. */
import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { spawnSync } from "node:child_process"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { describe, expect, it } from "vitest"
import { UsageError } from "../../bench/Arguments.ts"
import { parseCommand } from "../../bench/queues/Arguments.ts"
import { figures, groupsOf } from "../../bench/queues/Figures.ts"
import { marksOf, mergeResults, readResults, type Results } from "../../bench/queues/Report.ts"
import { socketOf, urlOf } from "../../bench/redis/Url.ts"

const optionsOf = (...args: ReadonlyArray<string>) => {
  const command = parseCommand(["--store", "redis", ...args])
  if (command._tag !== "Measure") throw new Error(`a measuring command became ${command._tag}`)
  return command.options
}

describe("arguments", () => {
  it("measures every workload with each fsync, one right after the other", () => {
    const options = optionsOf("--backlogs", "5")
    expect(options.only).toContain("platformatic")
    expect(options.only).not.toContain("pg-boss")
    expect(groupsOf(options).map(({ name }) => name)).toEqual([
      ...[
        "drain 5, everysec",
        "drain 5, always",
        "single, everysec",
        "single, always",
        "idle, everysec",
        "idle, always"
      ],
      // nobody can keep this server from cleaning up
      ...["half, everysec", "half, always", "churn, everysec", "churn, always"]
    ])
  })

  it("takes one fsync", () => {
    const groups = groupsOf(optionsOf("--workloads", "idle", "--fsync", "always"))
    expect(groups).toMatchObject([{ name: "idle, always", sync: "always", order: { store: "redis" } }])
  })

  it.each([
    ["--fsync", "no"],
    ["--only", "pg-boss"],
    ["--backlogs", "0"]
  ])("refuses %s %s", (...args) => {
    expect(() => parseCommand(["--store", "redis", ...args])).toThrow(UsageError)
  })
})

describe("results", () => {
  it("of Postgres name no store where they are from before there was another", () => {
    const directory = mkdtempSync(join(tmpdir(), "leasehold-bench-test-"))
    try {
      const path = join(directory, "old.json")
      writeFileSync(path, JSON.stringify({ rows: [], contestants: [] }))
      expect(marksOf(readResults(path).store).begin).toContain("postgres results")
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  // nothing else is looked at
  const of = (store: string, commit: string) =>
    ({
      store,
      machine: { cpu: "a", commit },
      server: { version: "7" },
      contestants: [],
      rows: []
    }) as unknown as Results

  it("of two stores do not stand in one table", () => {
    expect(() => mergeResults([of("redis", "one"), of("postgres", "one")])).toThrow(/different/)
  })

  it("of two commits name both", () => {
    const merged = mergeResults([of("redis", "one"), of("redis", "two"), of("redis", "one")])
    expect(merged.machine.commit).toBe("one and two")
  })
})

describe("a database's address", () => {
  it("is its socket's", () => {
    expect(socketOf(urlOf("/run/a.sock"))).toBe("/run/a.sock")
    expect(() => socketOf("redis://127.0.0.1")).toThrow(/sockets/)
  })
})

describe("the program", () => {
  it("measures each workload on servers of its own and leaves nothing behind", () => {
    const place = realpathSync(mkdtempSync(join(tmpdir(), "leasehold-bench-test-")))
    const results = join(place, "results.json")
    try {
      const { status, stderr, stdout } = spawnSync(
        process.execPath,
        [
          resolve(import.meta.dirname, "../../bench/queues/main.ts"),
          ...["--store", "redis", "--quick", "--only", "leasehold,raw", "--fsync", "always"],
          ...["--backlogs", "600", "--jobs", "400", "--seconds", "1", "--json", results]
        ],
        { encoding: "utf8", timeout: 300_000, env: { ...process.env, TMPDIR: place } }
      )
      expect(status, stderr).toBe(0)
      expect(stdout).toContain("**churn, always**")
      expect(readdirSync(place)).toEqual(["results.json"])
      const { contestants, rows, server, store } = readResults(results)
      expect(store).toBe("redis")
      expect(server.settings).toMatchObject({ appendonly: "yes", "maxmemory-policy": "noeviction" })
      expect(contestants.map(({ name }) => name)).toEqual(["leasehold", "raw"])
      for (const row of rows) expect(row, `${row.group} ${row.contestant} ${row.figure}`).toMatchObject({ error: null })
      const counts = Object.values(figures).map((all) => all.length)
      expect(rows).toHaveLength(2 * counts.reduce((sum, count) => sum + count, 0))
      const claims = rows.filter((row) => row.figure === "claimP95")
      for (const row of claims) expect(row.median, row.contestant).toBeGreaterThan(0)
      const ratios = rows.filter((row) => row.figure === "rate" && row.contestant === "leasehold")
      for (const row of ratios) expect(row.toLimit?.median).toBeGreaterThan(0)
    } finally {
      rmSync(place, { recursive: true, force: true })
    }
  }, 320_000)
})
