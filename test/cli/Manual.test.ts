/** The manual's tables say what the code does. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as ConfiguredLog from "../../src/ConfiguredLog.ts"
import { catalogue } from "../../src/scheduler/MetricsCatalogue.ts"
import { resolve } from "../../src/scheduler/SchedulerConfig.ts"
import { describe as describeError } from "../../src/scheduler/Setting.ts"

const manual = (page: string): string => readFileSync(join(import.meta.dirname, "../../docs", page), "utf8")

/** Rows of all tables whose first cell matches, cells without their code marks. */
const rows = (page: string, first: RegExp): ReadonlyArray<ReadonlyArray<string>> =>
  manual(page)
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim().replace(/^`(.*)`$/, "$1"))
    )
    .filter(([name]) => first.test(name ?? ""))

describe("docs/telemetry.md", () => {
  it("lists every metric with its kind, unit and attributes", () => {
    const documented = rows("telemetry.md", /^leasehold_/).map(([name, kind, unit, attributes]) => [
      name,
      { kind, unit, attributes: attributes === "" ? [] : attributes?.split(", ") }
    ])
    const coded = Object.entries(catalogue).map(([name, { attributes, kind, unit }]) => [
      name,
      { kind, unit, attributes }
    ])
    assert.deepStrictEqual(Object.fromEntries(documented), Object.fromEntries(coded))
  })

  it("says for each when it moves and what to do about it", () => {
    for (const row of rows("telemetry.md", /^leasehold_/))
      assert.isTrue(row.length === 6 && row.every((_, at) => at === 3 || row[at] !== ""), row[0])
  })
})

/** Everything that the environment sets, as one value. */
const read = (environment: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const scheduler = yield* resolve({})
    const log = yield* ConfiguredLog.logName
    const directory = yield* ConfiguredLog.directory
    const url = yield* ConfiguredLog.postgresUrl
    const redis = yield* ConfiguredLog.redisUrl
    const settings = {
      ...(yield* ConfiguredLog.fileSettings),
      ...(yield* ConfiguredLog.postgresSettings),
      ...(yield* ConfiguredLog.redisSettings)
    }
    return { ...scheduler, ...settings, log, directory: directory._tag, url: url._tag, redis: redis._tag }
  }).pipe(Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(environment)))

const settings = () => {
  const isScheduler = (row: ReadonlyArray<string>) => row.length === 6
  return rows("configuration.md", /^LEASEHOLD_/).map((row) => {
    const [name = "", option, fallback = "", least = "", most = ""] = isScheduler(row)
      ? row
      : [row[0], undefined, ...row.slice(1)]
    return { name, option, fallback, least, most }
  })
}

describe("docs/configuration.md", () => {
  it.effect("names exactly the variables that are read", () =>
    Effect.gen(function* () {
      const asked = new Set<string>()
      const spy = ConfigProvider.make((path) => {
        asked.add(path.join("."))
        return Effect.succeed(undefined)
      })
      yield* resolve({}).pipe(Effect.provideService(ConfigProvider.ConfigProvider, spy))
      yield* Effect.all([
        ConfiguredLog.logName,
        ConfiguredLog.directory,
        ConfiguredLog.fileSettings,
        ConfiguredLog.postgresUrl,
        ConfiguredLog.postgresSettings,
        ConfiguredLog.redisUrl,
        ConfiguredLog.redisSettings
      ]).pipe(Effect.provideService(ConfigProvider.ConfigProvider, spy))
      assert.deepStrictEqual(
        settings()
          .map(({ name }) => name)
          .toSorted(),
        [...asked].toSorted()
      )
    })
  )

  it.effect("gives the defaults and the options of the code", () =>
    Effect.gen(function* () {
      const unset = yield* read({})
      for (const { fallback, name, option } of settings()) {
        if (fallback !== "") assert.deepStrictEqual(yield* read({ [name]: fallback }), unset, name)
        if (option !== undefined) assert.property(unset, option)
      }
    })
  )

  it.effect("gives the bounds of the code", () =>
    Effect.gen(function* () {
      const beyond = (value: string, by: number) => value.replace(/\d+/, (digits) => String(Number(digits) + by))
      for (const { least, most, name } of settings()) {
        if (least === "") continue
        yield* read({ [name]: least })
        yield* read({ [name]: most })
        for (const wrong of [beyond(least, -1), beyond(most, 1), "many"]) {
          const error = yield* Effect.flip(read({ [name]: wrong }))
          assert.match(describeError(error), new RegExp(`^${name}: ".*" is not a .* from .* to `), wrong)
        }
      }
    })
  )

  it.effect("a log that is not built in fails and lists those that are", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(read({ LEASEHOLD_LOG: "carrier-pigeon" }))
      assert.strictEqual(
        describeError(error),
        'LEASEHOLD_LOG: "carrier-pigeon" is not a log of this release: choose file or memory or postgres or redis'
      )
    })
  )

  it.effect("what is no URL is not shown, and a schema's or log's name is", () =>
    Effect.gen(function* () {
      const url = yield* Effect.flip(read({ LEASEHOLD_POSTGRES_URL: "mysql://secret@host" }))
      assert.match(describeError(url), /^LEASEHOLD_POSTGRES_URL is not a connection string such as postgres:/)
      assert.notMatch(describeError(url), /secret/)
      const schema = yield* Effect.flip(read({ LEASEHOLD_POSTGRES_SCHEMA: "Jobs" }))
      assert.match(describeError(schema), /^LEASEHOLD_POSTGRES_SCHEMA: "Jobs" is not a lower-case identifier/)
      const redis = yield* Effect.flip(read({ LEASEHOLD_REDIS_URL: "https://secret@host" }))
      assert.match(describeError(redis), /^LEASEHOLD_REDIS_URL is not a URL such as redis:/)
      assert.notMatch(describeError(redis), /secret/)
      const name = yield* Effect.flip(read({ LEASEHOLD_REDIS_NAME: "{jobs}" }))
      assert.match(describeError(name), /^LEASEHOLD_REDIS_NAME: "\{jobs\}" is not a name of at most 48/)
    })
  )
})
