/** The demo on a server's log proves what it shows: its worker and its server die, and nothing is lost. */
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Redacted from "effect/Redacted"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { Postgres } from "../support/servers/Postgres.ts"
import { Redis } from "../support/servers/Redis.ts"
import { makePlace } from "./harness.ts"

vi.setConfig({ testTimeout: 120_000 })

const place = makePlace()
const files = join(place.root, "files")
const scratch = join(place.root, "scratch")
beforeAll(() => {
  mkdirSync(files)
  for (let n = 0; n < 60; n++) writeFileSync(join(files, `${n}.txt`), `file ${n}\n`.repeat(n))
  mkdirSync(scratch)
  // a server that does not run as root has to get through
  for (const path of [place.root, scratch]) chmodSync(path, 0o711)
})
afterAll(place.remove)

const demo = (log: "postgres" | "redis", words: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
  place.leasehold(["demo", "--log", log, "--dir", files, "--kills", "1", "--json", ...words], {
    TMPDIR: scratch,
    ...env
  })

const report = (out: string): unknown => JSON.parse(out.trimEnd().split("\n").at(-1) ?? "")

describe.each(["postgres", "redis"] as const)("the demo on %s", (log) => {
  it("kills a private server too, and leaves nothing behind", async () => {
    const { code, err, out } = await demo(log, [], {})
    expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" })
    expect(report(out)).toMatchObject({ jobs: 60, completed: 60, lost: 0, kills: 1 })
    expect(err).toMatch(/kill -9 number 1: the worker process died with \d+ jobs .*, and the server with it/)
    expect(err).toMatch(/^ +lost +0$/m)
    expect(readdirSync(scratch).filter((name) => name.startsWith("leasehold-"))).toEqual([])
  })

  it("needs a server of one's own to resume", async () => {
    const resume = await place.leasehold(["demo", "--log", log, "--resume"], {})
    expect(resume.code).toBe(2)
    expect(resume.err).toMatch(/^leasehold: a private server ends with its run: --resume needs one of your own\n$/)
  })
})

describe("the demo on a given server", () => {
  it("leaves it alone, and drops its schema in the end", async () => {
    const server = await Postgres.start()
    try {
      const env = { LEASEHOLD_POSTGRES_URL: Redacted.value(server.url()) }
      const { code, err, out } = await demo("postgres", ["--schema", "shown"], env)
      expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" })
      expect(report(out)).toMatchObject({ jobs: 60, completed: 60, lost: 0, kills: 1, serverKills: 0 })
      const stats = await place.leasehold(["stats", "--log", "postgres", "--schema", "shown"], env)
      expect(stats.err).toMatch(/schema shown cannot hold a log \(other\): it holds no log/)
      await place.leasehold(["migrate", "up", "--schema", "precious"], env)
      const refused = await demo("postgres", ["--schema", "precious"], env)
      expect(refused.code).toBe(1)
      expect(refused.err).toMatch(/schema precious holds something else than an earlier demo; choose another/)
    } finally {
      await server.close()
    }
  })

  it("leaves it alone, and removes its log in the end", async () => {
    const server = await Redis.start()
    try {
      const env = { LEASEHOLD_REDIS_URL: Redacted.value(server.url()) }
      await server.cli("SET", "{precious}:m", "somebody's")
      const { code, err, out } = await demo("redis", ["--log-name", "shown"], env)
      expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" })
      expect(report(out)).toMatchObject({ jobs: 60, completed: 60, lost: 0, kills: 1, serverKills: 0 })
      expect(await server.cli("KEYS", "*")).toEqual(["{precious}:m"])
      const refused = await demo("redis", ["--log-name", "precious"], env)
      expect(refused.code).toBe(1)
      expect(refused.err).toMatch(/something else than an earlier demo under precious; choose another with --log-name/)
    } finally {
      await server.close()
    }
  })
})

describe("the demo", () => {
  it("says what does not go together", async () => {
    const flags = await place.leasehold(["demo", "--schema", "s"], {})
    expect({ code: flags.code, out: flags.out }).toEqual({ code: 2, out: "" })
    expect(flags.err).toMatch(
      /^leasehold: --url is for --log postgres or redis, --schema for --log postgres, --log-name /
    )
  })
})
