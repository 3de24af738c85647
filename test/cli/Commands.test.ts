/** Each command in the form for people and in the form for programs, on a log that nobody has open. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { id, makePlace, seed } from "./harness.ts"

vi.setConfig({ testTimeout: 60_000 })

const place = makePlace({ kept: true })
const log = place.fresh()
beforeAll(() => seed(log))
afterAll(place.remove)

const at = (directory: string) => ["--directory", directory]

describe("reading commands", () => {
  it("stats: counts by queue and state", async () => {
    const [people, program] = await Promise.all([
      place.leasehold(["stats", ...at(log)]),
      place.json(["stats", "--queue", "mail", ...at(log)])
    ])
    expect(people.code).toBe(0)
    const [heading, mail, stopped] = people.out.split("\n")
    expect(heading).toMatch(/^QUEUE +READY +SCHEDULED +LEASED +COMPLETED +DEAD +CANCELLED +OLDEST READY$/)
    expect(mail).toMatch(/^mail +1 +2 +0 +1 +3 +1 +\S/)
    expect(stopped).toMatch(/^stopped +1 +0 +0 +0 +0 +0 .* paused$/)
    expect(program.value.queues).toMatchObject([
      { queue: "mail", paused: false, ready: 1, scheduled: 2, leased: 0, completed: 1, deadLettered: 3, cancelled: 1 }
    ])
  })

  it("jobs list: filters and pages", async () => {
    const [people, first] = await Promise.all([
      place.leasehold(["jobs", "list", "--state", "DeadLettered", ...at(log)]),
      place.json(["jobs", "list", "--queue", "mail", "--limit", "5", ...at(log)])
    ])
    const rows = people.out.trimEnd().split("\n").slice(1)
    expect(rows.map((row) => row.slice(0, 36))).toEqual([id(1), id(8), id(9)])
    // what a job says cannot drive the terminal
    expect(rows[0]).toContain("failure Declined: no money⏎\\u{1b}[31m")
    expect(first.value.jobs.map((job) => job.id)).toEqual([id(1), id(4), id(8), id(9), id(6)])
    const rest = await place.json(["jobs", "list", "--queue", "mail", "--after", String(first.value.next), ...at(log)])
    expect(rest.value.jobs.map((job) => job.id)).toEqual([id(2), id(3), id(5)])
    expect(rest.value).not.toHaveProperty("next")
  })

  it("jobs show: everything, and why it is not running", async () => {
    const { code, value } = await place.json(["jobs", "show", id(7), ...at(log)])
    expect(code).toBe(0)
    expect(value.job).toMatchObject({ id: id(7), queue: "stopped", state: "Ready", payload: '{"n":7}' })
    expect(value.why.map((reason) => reason.code)).toEqual(["paused"])
  })

  it("jobs show: for people", async () => {
    const { code, out } = await place.leasehold(["jobs", "show", id(4), ...at(log)])
    expect(code).toBe(0)
    expect(out).toMatch(/^state +Completed$/m)
    expect(out).toMatch(/^result +"sent"$/m)
    expect(out).toMatch(/^completed +it completed at/m)
  })

  it("dead list and preview", async () => {
    const [list, preview, people] = await Promise.all([
      place.json(["dead", "list", ...at(log)]),
      place.json(["dead", "preview", "--cause", "Declined", ...at(log)]),
      place.leasehold(["dead", "preview", id(2), id(8), id(77), ...at(log)])
    ])
    expect(list.value.jobs.map((job) => job.id)).toEqual([id(1), id(8), id(9)])
    expect(preview.value).toEqual({ redrive: [id(1), id(9)], refused: [] })
    expect(people.out).toMatch(new RegExp(`^${id(2)} +notDeadLettered$`, "m"))
    expect(people.out).toMatch(new RegExp(`^${id(77)} +unknownJob$`, "m"))
    expect(people.out).toMatch(/^1 would be redriven, 2 would be refused$/m)
  })

  it("takes the directory from the environment", async () => {
    const { code, out } = await place.leasehold(["dead", "list"], { LEASEHOLD_DIRECTORY: log })
    expect(code).toBe(0)
    expect(out).toContain(id(1))
  })
})

describe("writing commands", () => {
  it("jobs cancel: all, or which not and why", async () => {
    const directory = place.copy(log)
    const some = await place.json(["jobs", "cancel", id(2), id(4), id(77), ...at(directory)])
    expect(some.value).toEqual({
      cancelled: [id(2)],
      refused: [
        { id: id(4), reason: "completed" },
        { id: id(77), reason: "unknownJob" }
      ]
    })
    expect(some.code).toBe(1)
    expect(some.err).toBe("leasehold: 2 of 3 jobs were not cancelled\n")
    const one = await place.leasehold(["jobs", "cancel", id(3), ...at(directory)])
    expect(one).toEqual({ code: 0, out: `${id(3)} cancelled\n`, err: "" })
  })

  it("queue pause and resume: durably", async () => {
    const directory = place.copy(log)
    expect((await place.json(["queue", "pause", "mail", ...at(directory)])).value).toEqual({
      queue: "mail",
      paused: true
    })
    const people = await place.leasehold(["queue", "resume", "stopped", ...at(directory)])
    expect(people).toEqual({ code: 0, out: "stopped is open\n", err: "" })
    const { value } = await place.json(["stats", ...at(directory)])
    expect(value.queues.map((each) => [each.queue, each.paused])).toEqual([
      ["mail", true],
      ["stopped", false]
    ])
  })

  it("dead redrive: back to the queue", async () => {
    const directory = place.copy(log)
    const redriven = await place.json(["dead", "redrive", "--queue", "mail", "--cause", "deadline", ...at(directory)])
    expect(redriven).toMatchObject({ code: 0, value: { redriven: [id(8)], refused: [] } })
    const refused = await place.leasehold(["dead", "redrive", id(8), id(9), ...at(directory)])
    expect(refused.code).toBe(1)
    expect(refused.out).toMatch(/^1 redriven, 1 refused$/m)
    expect(refused.err).toBe("leasehold: 1 dead letters were refused\n")
    const { value } = await place.json(["jobs", "show", id(8), ...at(directory)])
    expect(value.job).toMatchObject({ state: "Ready", generation: 2, attempts: 0 })
  })

  it("dead purge: only when it is said twice", async () => {
    const directory = place.copy(log)
    const bare = await place.leasehold(["dead", "purge", "--all", ...at(directory)])
    expect(bare.code).toBe(2)
    expect(bare.err).toMatch(/^leasehold: nothing was removed: look with --preview .* say --yes/)
    const preview = await place.json(["dead", "purge", "--all", "--preview", ...at(directory)])
    expect(preview.value).toEqual({ purge: [id(1), id(8), id(9)], refused: [] })
    const purged = await place.leasehold(["dead", "purge", "--name", "send", "--limit", "2", "--yes", ...at(directory)])
    expect(purged).toEqual({ code: 0, out: "2 purged, 0 refused\n", err: "" })
    const left = await place.json(["dead", "list", ...at(directory)])
    expect(left.value.jobs.map((job) => job.id)).toEqual([id(9)])
  })
})

describe("what is wrong is said in one line", () => {
  const wrong: ReadonlyArray<readonly [what: string, args: ReadonlyArray<string>, code: number, err: RegExp]> = [
    [
      "an unknown id",
      ["jobs", "show", id(77), ...at(log)],
      1,
      /^leasehold: no job 0{8}-.*: it was never enqueued here/
    ],
    [
      "an id that is none",
      ["jobs", "show", "77", ...at(log)],
      2,
      /<id>: "77"\. Expected a UUID in lower case\n.*--help$/
    ],
    ["an unknown flag", ["stats", "--loud", ...at(log)], 2, /^leasehold: Unrecognized flag: --loud/],
    [
      "a value out of bounds",
      ["jobs", "list", "--limit", "0", ...at(log)],
      2,
      /--limit: "0"\. Expected a value between/
    ],
    ["no directory", ["stats"], 2, /^leasehold: which log\? Give its directory, or set LEASEHOLD_DIRECTORY$/],
    [
      "flags of two logs",
      ["stats", "--schema", "s", ...at(log)],
      2,
      /^leasehold: --directory is a file log's, --schema a Postgres log's, --log-name a Redis log's, and --url /
    ],
    ["no database", ["stats", "--log", "postgres"], 2, /^leasehold: which database\? Set LEASEHOLD_POSTGRES_URL, or/],
    ["no server", ["stats", "--log", "redis"], 2, /^leasehold: which Redis server\? Set LEASEHOLD_REDIS_URL, or/],
    [
      "neither server",
      ["doctor"],
      2,
      /^leasehold: which server\? Set LEASEHOLD_POSTGRES_URL or LEASEHOLD_REDIS_URL, or/
    ],
    ["a log's name that cannot be", ["stats", "--log-name", "a b"], 2, /^leasehold: --log-name is not a name of at/],
    ["a schema's name that cannot be", ["stats", "--schema", "A b"], 2, /^leasehold: --schema is not a lower-case/],
    [
      "what is no connection string, unsaid",
      ["stats", "--log", "postgres", "--url", "mysql://secret@host/db"],
      2,
      /^leasehold: --url is not a connection string such as postgres:\S+$/
    ],
    [
      "what is no URL of a Redis server, unsaid",
      ["stats", "--log", "redis", "--url", "mysql://secret@host/db"],
      2,
      /^leasehold: --url is not a URL such as redis:\/\/user:password@host:6379, or rediss:\/\/ for TLS$/
    ],
    [
      "what is no URL of any server, unsaid",
      ["stats", "--url", "mysql://secret@host/db"],
      2,
      /^leasehold: --url is neither a connection string such as postgres:\S+ nor a URL such as redis:/
    ],
    [
      "a directory that is not there",
      ["stats", ...at("nowhere")],
      1,
      /^leasehold: there is no log in .*nowhere: ENOENT/
    ],
    ["a queue's name that cannot be", ["queue", "pause", "a b", ...at(log)], 1, /^leasehold: control: .*queue/]
  ]
  it.each(wrong)("%s", async (_, args, code, err) => {
    const ended = await place.leasehold(args)
    expect({ code: ended.code, out: ended.out }).toEqual({ code, out: "" })
    expect(ended.err.trimEnd()).toMatch(err)
    expect(ended.err).not.toMatch(/^\s+at /m)
    expect(ended.err.trimEnd().split("\n").length).toBeLessThanOrEqual(2)
  })

  it("and as JSON where JSON was asked for", async () => {
    const { code, value } = await place.json(["jobs", "show", id(77), ...at(log)])
    expect(code).toBe(1)
    expect(value).toMatchObject({ error: { tag: "JobNotFound" } })
  })

  it("and does not make a log of an empty directory", async () => {
    const ended = await place.leasehold(["queue", "pause", "mail", ...at(place.root)])
    expect(ended.code).toBe(1)
    expect(ended.err).toMatch(/^leasehold: there is no log in .*: no segment file is in it\n$/)
  })
})

describe("the command line itself", () => {
  it("has help, completions, and the package's version", async () => {
    const [help, completions, version] = await Promise.all([
      place.leasehold(["dead", "purge", "--help"], {}),
      place.leasehold(["--completions", "bash"]),
      place.leasehold(["--version"], {})
    ])
    expect(help.code).toBe(0)
    expect(help.out).toContain("--yes")
    expect(completions.code).toBe(0)
    expect(completions.out).toContain("complete -F")
    const manifest: unknown = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"))
    expect(manifest).toMatchObject({ version: /v(\S+)/.exec(version.out)?.[1] })
  })
})
