/** The commands on a Redis log: the same answers as on a file log, and what only a server of its kind needs. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import { Redis as Client } from "ioredis"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import * as RedisLog from "../../src/backends/redis/RedisLog.ts"
import * as ConfiguredLog from "../../src/ConfiguredLog.ts"
import { JobLog } from "../../src/log/JobLog.ts"
import { Redis } from "../support/servers/Redis.ts"
import { type Answer, fill, id, makePlace, type Place, seed } from "./harness.ts"

vi.setConfig({ testTimeout: 60_000 })

const entry = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url))

let server: Redis
let place: Place
let fileLog: string
let environment: Readonly<Record<string, string>>
let count = 0

const newName = (): string => `log-${++count}`

/** A filled log under a name of its own. */
const filled = async (): Promise<string> => {
  const name = newName()
  await Effect.runPromise(
    Effect.flatMap(JobLog, fill).pipe(Effect.provide(RedisLog.layerUrl({ url: server.url(), name })))
  )
  return name
}

const byName = (queues: Answer["queues"]): Answer["queues"] => queues.toSorted((a, b) => (a.queue < b.queue ? -1 : 1))

let log: string

beforeAll(async () => {
  server = await Redis.start()
  environment = { LEASEHOLD_REDIS_URL: Redacted.value(server.url()), LEASEHOLD_LOG: "redis" }
  place = makePlace({ kept: true, env: environment })
  fileLog = place.fresh()
  await seed(fileLog)
  log = await filled()
})
afterAll(async () => {
  place?.remove()
  await server?.close()
})

describe("commands answer as on a file log", () => {
  /** What differs by nature: times, and what a log calls its own. */
  const comparable = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value, (name, each: unknown) =>
        /^(?:now|next|token|session|sequence|detail|\w*(?:At|Since))$/.test(name) ? undefined : each
      )
    )

  /** The port leaves open in which order queues are counted. */
  const inOrder = ({ value, ...ended }: Awaited<ReturnType<Place["json"]>>): unknown => ({
    ...ended,
    value: "queues" in value ? { ...value, queues: byName(value.queues) } : value
  })

  it.each([
    [["stats"]],
    [["jobs", "list"]],
    [["jobs", "list", "--queue", "mail", "--state", "DeadLettered"]],
    [["jobs", "show", id(6)]],
    [["jobs", "show", id(7)]],
    [["dead", "list", "--queue", "mail"]],
    [["dead", "preview", "--cause", "Declined"]],
    [["dead", "purge", "--all", "--preview"]],
    [["jobs", "show", id(77)]]
  ])("%j", async (command) => {
    const file = await place.json([...command, "--directory", fileLog])
    const redis = await place.json([...command, "--log-name", log])
    expect(comparable(inOrder(redis))).toEqual(comparable(inOrder(file)))
  })

  it("pages", async () => {
    const first = await place.json(["jobs", "list", "--limit", "5", "--log-name", log])
    const rest = await place.json(["jobs", "list", "--after", String(first.value.next), "--log-name", log])
    expect([...first.value.jobs, ...rest.value.jobs].map((job) => job.id)).toEqual([1, 4, 8, 9, 6, 2, 3, 5, 7].map(id))
  })

  it("changes", async () => {
    const at = ["--log-name", await filled()]
    const cancelled = await place.json(["jobs", "cancel", id(2), id(4), ...at])
    expect(cancelled).toMatchObject({ code: 1, value: { cancelled: [id(2)], refused: [{ id: id(4) }] } })
    expect(await place.leasehold(["queue", "resume", "stopped", ...at])).toMatchObject({ out: "stopped is open\n" })
    expect(await place.leasehold(["queue", "pause", "mail", ...at])).toMatchObject({ code: 0 })
    const redriven = await place.json(["dead", "redrive", "--cause", "Declined", ...at])
    expect(redriven.value).toEqual({ redriven: [id(1), id(9)], refused: [] })
    expect((await place.leasehold(["dead", "purge", "--all", "--yes", ...at])).out).toBe("1 purged, 0 refused\n")
    const { value } = await place.json(["stats", ...at])
    expect(byName(value.queues)).toMatchObject([
      { queue: "mail", paused: true, ready: 2, cancelled: 2, deadLettered: 0 },
      { queue: "stopped", paused: false }
    ])
  })

  it("tells whoever waits", async () => {
    const name = await filled()
    const listener = new Client(Redacted.value(server.url()))
    try {
      await listener.subscribe(`{${name}}:news`)
      const heard = new Promise((resolve) => listener.once("message", (_, message) => resolve(message)))
      await place.leasehold(["queue", "resume", "stopped", "--log-name", name])
      expect(await heard).toMatch(/^(?:Q|q stopped)$/)
    } finally {
      listener.disconnect()
    }
  })

  it("on a server that a service would refuse as well", async () => {
    await server.cli("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try {
      expect(await place.json(["jobs", "show", id(7), "--log-name", log])).toMatchObject({ code: 0, err: "" })
    } finally {
      await server.cli("CONFIG", "SET", "maxmemory-policy", "noeviction")
    }
  })

  it("and make no log where there is none", async () => {
    const name = newName()
    const ended = await place.json(["queue", "pause", "mail", "--log-name", name])
    expect(ended).toMatchObject({ code: 1, value: { error: { tag: "NoLog" } } })
    expect(ended.err).toBe(`leasehold: there is no log named ${name} on the server: nobody has opened it there\n`)
    expect(await server.cli("KEYS", `*${name}*`)).toEqual([])
  })
})

describe("the log that is meant", () => {
  const variables = (...names: ReadonlyArray<string>) => Object.fromEntries(names.map((name) => [name, ""]))

  it.each([
    ["by its URL's scheme", ["--url"], variables("LEASEHOLD_LOG", "LEASEHOLD_REDIS_URL")],
    ["by its name", ["--log-name"], variables("LEASEHOLD_LOG")],
    ["by the kind of log", ["--log", "redis"], { LEASEHOLD_LOG: "memory" }]
  ])("is found %s", async (_, [flag = "", ...rest], env) => {
    const value = flag === "--url" ? [Redacted.value(server.url())] : flag === "--log-name" ? [log] : rest
    const { code, out } = await place.leasehold(["jobs", "show", id(7), "--json", flag, ...value], {
      LEASEHOLD_REDIS_NAME: log,
      ...env
    })
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ job: { id: id(7), state: "Ready" } })
  })
})

describe("the configured log", () => {
  const build = (more: Readonly<Record<string, string>>) =>
    Effect.runPromise(
      Effect.map(JobLog, (built) => built.capabilities.log).pipe(
        Effect.provide(ConfiguredLog.layer, { local: true }),
        Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({ ...environment, ...more })),
        Effect.provideService(References.MinimumLogLevel, "None"),
        Effect.matchEffect({
          onSuccess: (name): Effect.Effect<unknown> => Effect.succeed(name),
          onFailure: (error) => Effect.succeed(error)
        })
      )
    )

  it("is the one under the name, made where it is missing", async () => {
    expect(await build({ LEASEHOLD_REDIS_NAME: newName() })).toBe("redis")
    expect(await build({ LEASEHOLD_REDIS_NAME: log })).toBe("redis")
  })
})

describe("doctor", () => {
  it("says what is amiss, what it means and what helps", async () => {
    const careless = await Redis.start({ settings: { "maxmemory-policy": "allkeys-lru", appendonly: "no" } })
    try {
      const at = { LEASEHOLD_REDIS_URL: Redacted.value(careless.url()) }
      const amiss = await place.leasehold(["doctor", "--log-name", "jobs", "--json"], at)
      expect(JSON.parse(amiss.out)).toMatchObject({
        name: "jobs",
        level: "fail",
        findings: expect.arrayContaining([expect.objectContaining({ level: "fail", remedy: expect.any(String) })])
      })
      expect(amiss.code).toBe(1)
      expect(amiss.err).toMatch(/^leasehold: the log cannot be relied on: .*eviction/)
      const people = await place.leasehold(["doctor"], at)
      expect(people.code).toBe(1)
      expect(people.out).toMatch(/^CHECK +LEVEL +FOUND\nserver +ok +(?:Redis|Valkey) \d+/)
      expect(people.out).toMatch(/^fail: \w+ +\S.*\n +what helps +\S/m)
    } finally {
      await careless.close()
    }
  })

  it("is content with a server that keeps everything", async () => {
    const fine = await place.json(["doctor"])
    expect(fine).toMatchObject({ code: 0, err: "" })
    expect(await place.json(["doctor", "--log", "redis", "--log-name", log])).toMatchObject({ value: { name: log } })
  })
})

describe("the URL", () => {
  it("is better not given as a flag, and is never shown", async () => {
    const { code, err, out } = await place.leasehold(["stats", "--url", "redis://me:hidden@127.0.0.1:1/0"])
    expect({ code, out }).toEqual({ code: 1, out: "" })
    expect(err).toMatch(/^leasehold: warning: others on this machine can see --url; set LEASEHOLD_REDIS_URL instead\n/)
    expect(err).toMatch(/\nleasehold: open: the log is unavailable: .*ECONNREFUSED 127\.0\.0\.1:1\n$/)
    expect(err).not.toContain("hidden")
    const wrong = await place.leasehold(["doctor"], { LEASEHOLD_REDIS_URL: "mysql://me:hidden@host/db" })
    expect(wrong.code).toBe(1)
    expect(wrong.err).toMatch(/^leasehold: LEASEHOLD_REDIS_URL is not a URL such as redis:/)
    expect(wrong.err).not.toContain("hidden")
  })

  it("may hold a password, which is not shown where it is wrong", async () => {
    const locked = await Redis.start({ settings: { requirepass: "open-sesame" } })
    try {
      const name = "locked"
      await Effect.runPromise(
        Effect.flatMap(JobLog, fill).pipe(Effect.provide(RedisLog.layerUrl({ url: locked.url(), name })))
      )
      const url = Redacted.value(locked.url())
      const right = await place.leasehold(["stats", "--log-name", name], { LEASEHOLD_REDIS_URL: url })
      expect(right).toMatchObject({ code: 0, err: "" })
      const wrong = await place.leasehold(["stats", "--log-name", name], {
        LEASEHOLD_REDIS_URL: url.replace("open-sesame", "hidden")
      })
      expect(wrong.code).toBe(1)
      expect(wrong.err).toMatch(/WRONGPASS/)
      expect(wrong.err).not.toContain("hidden")
    } finally {
      await locked.close()
    }
  })

  it("is asked for", async () => {
    const ended = await place.leasehold(["stats"], { LEASEHOLD_REDIS_URL: "" })
    expect(ended).toMatchObject({ code: 2, out: "" })
    expect(ended.err).toBe("leasehold: which Redis server? Set LEASEHOLD_REDIS_URL, or give its --url\n")
  })
})

describe("the package", () => {
  it("that is not installed is named", async () => {
    const hooks = `import { registerHooks } from "node:module"
      registerHooks({ resolve: (name, context, next) => {
        if (name !== "ioredis") return next(name, context)
        const error = new Error("Cannot find package 'ioredis' imported from somewhere")
        throw Object.assign(error, { code: "ERR_MODULE_NOT_FOUND" })
      } })`
    const ended = await place.node([
      "--import",
      `data:text/javascript,${encodeURIComponent(hooks)}`,
      entry,
      ...["stats", "--log-name", log]
    ])
    expect(ended).toEqual({
      code: 2,
      out: "",
      err: "leasehold: the log redis needs the package ioredis: npm install ioredis\n"
    })
  })
})
