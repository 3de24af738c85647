import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nodeDisk } from "../../../../src/backends/file/journal/NodeDisk.ts"

const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "leasehold-disk-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const source = (name: string): string => new URL(`../../../../src/backends/file/journal/${name}`, import.meta.url).href

describe("nodeDisk", () => {
  it.effect("writes, reads, truncates and syncs a file", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryDirectory, "file")
      const file = yield* nodeDisk.open(path, "create")
      for (const length of [10, 64 * 1024, 300_000]) {
        const bytes = Buffer.alloc(length + 2, length)
        yield* file.write(bytes, 1, length, 5)
        yield* file.datasync
        const back = Buffer.alloc(length + 9)
        assert.strictEqual(yield* file.read(back, 4, length + 5, 5), length)
        assert.isTrue(back.subarray(4, 4 + length).equals(bytes.subarray(1, 1 + length)))
      }
      assert.strictEqual(yield* file.size, 300_005)
      yield* file.truncate(7)
      yield* file.sync
      yield* file.close
      assert.strictEqual(statSync(path).size, 7)
    })
  )

  it.effect("names the operation, the path and the system's code of a failure", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const path = join(directory, "file")
      const missing = yield* Effect.flip(nodeDisk.open(path, "readWrite"))
      assert.deepInclude(missing, { operation: "open", path, code: "ENOENT" })
      const file = yield* nodeDisk.open(path, "create")
      assert.strictEqual((yield* Effect.flip(nodeDisk.open(path, "create"))).code, "EEXIST")
      yield* file.close
      const reader = yield* nodeDisk.open(path, "read")
      for (const length of [1, 100_000]) {
        const refused = yield* Effect.flip(reader.write(Buffer.alloc(length), 0, length, 0))
        assert.deepInclude(refused, { operation: "write", path, code: "EBADF" })
      }
      yield* reader.close
      assert.isTrue(yield* nodeDisk.exists(path))
      assert.isFalse(yield* nodeDisk.exists(`${path}2`))
      yield* nodeDisk.rename(path, `${path}2`)
      yield* nodeDisk.syncDirectory(directory)
      assert.deepStrictEqual(yield* nodeDisk.list(directory), ["file2"])
      yield* nodeDisk.remove(`${path}2`)
      assert.strictEqual((yield* Effect.flip(nodeDisk.remove(path))).code, "ENOENT")
      assert.strictEqual((yield* Effect.flip(nodeDisk.syncDirectory(path))).code, "ENOENT")
      assert.isAbove(yield* nodeDisk.freeBytes(directory), 0)
      assert.match(yield* nodeDisk.fileSystemType(directory), /^[a-z]|^0x/)
    })
  )

  it.effect.skipIf(!existsSync("/dev/full"))("reports a full disk", () =>
    Effect.gen(function* () {
      const file = yield* nodeDisk.open("/dev/full", "readWrite")
      for (const length of [100, 100_000]) {
        const error = yield* Effect.flip(file.write(Buffer.alloc(length), 0, length, 0))
        assert.strictEqual(error.code, "ENOSPC")
      }
      yield* file.close
    })
  )

  it.effect("has at most one write per file in flight", () =>
    Effect.gen(function* () {
      const file = yield* nodeDisk.open(join(yield* temporaryDirectory, "file"), "create")
      const first = yield* Effect.forkChild(file.write(Buffer.alloc(200_000), 0, 200_000, 0), {
        startImmediately: true
      })
      const defect = yield* Effect.sandbox(file.write(Buffer.alloc(1), 0, 1, 0)).pipe(Effect.flip)
      assert.match(String(defect), /two writes in flight/)
      yield* Fiber.join(first)
      yield* file.write(Buffer.alloc(1), 0, 1, 0)
      yield* file.close
    })
  )

  it.effect.skipIf(process.platform !== "linux")(
    "fails a write that stays short, synchronous or not",
    () =>
      Effect.gen(function* () {
        const path = join(yield* temporaryDirectory, "file")
        // A limit on the file's size takes a part of a write first, as a full disk does.
        const script = `
          import * as Effect from ${JSON.stringify(import.meta.resolve("effect/Effect"))}
          import { nodeDisk } from ${JSON.stringify(source("NodeDisk.ts"))}
          process.on("SIGXFSZ", () => {})
          const file = await Effect.runPromise(nodeDisk.open(${JSON.stringify(path)}, "create"))
          for (const length of [20000, 200000]) {
            const error = await Effect.runPromise(Effect.flip(file.write(Buffer.alloc(length, 1), 0, length, 0)))
            console.log(error.code)
          }
        `
        const run = spawnSync("bash", [
          "-c",
          `ulimit -f 8; exec "$0" --input-type=module -e "$1"`,
          process.execPath,
          script
        ])
        assert.strictEqual(run.stdout.toString(), "EFBIG\nEFBIG\n", run.stderr.toString())
        assert.isAbove(readFileSync(path).length, 0)
        assert.isBelow(readFileSync(path).length, 20000)
      }),
    30_000
  )
})
