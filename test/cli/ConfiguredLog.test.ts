/** The log that the environment names is the one that is built. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as ConfiguredLog from "../../src/ConfiguredLog.ts"
import { JobLog } from "../../src/log/JobLog.ts"

const build = (environment: Readonly<Record<string, string>>) =>
  Effect.map(JobLog, (log) => log.capabilities.log).pipe(
    Effect.provide(ConfiguredLog.layer, { local: true }),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(environment))
  )

describe("the configured log", () => {
  it.live("is a file log in the directory, unless it is told otherwise", () =>
    Effect.gen(function* () {
      const root = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "leasehold-configured-"))),
        (made) => Effect.sync(() => rmSync(made, { recursive: true }))
      )
      const directory = join(root, "log")
      assert.strictEqual(yield* build({ LEASEHOLD_DIRECTORY: directory }), "file")
      assert.isTrue(readdirSync(directory).some((name) => name.endsWith(".seg")))
      assert.strictEqual(yield* build({ LEASEHOLD_DIRECTORY: directory, LEASEHOLD_LOG: "file" }), "file")
    })
  )

  it.live("is a memory log where that is named", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* build({ LEASEHOLD_LOG: "memory" }), "memory")
    })
  )

  it.live("fails at the start where the name or the directory is missing or wrong", () =>
    Effect.gen(function* () {
      for (const environment of [
        {},
        { LEASEHOLD_LOG: "postgres" },
        { LEASEHOLD_LOG: "redis" },
        { LEASEHOLD_LOG: "redis", LEASEHOLD_REDIS_URL: "http://127.0.0.1:6379" },
        { LEASEHOLD_LOG: "redis", LEASEHOLD_REDIS_URL: "redis://127.0.0.1:1", LEASEHOLD_REDIS_NAME: "a b" },
        { LEASEHOLD_LOG: "file", LEASEHOLD_DIRECTORY: "" }
      ]) {
        assert.strictEqual((yield* Effect.flip(build(environment)))._tag, "ConfigError")
      }
    })
  )
})
