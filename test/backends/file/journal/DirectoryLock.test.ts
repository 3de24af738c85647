import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { lockDirectory, notWritable } from "../../../../src/backends/file/journal/DirectoryLock.ts"
import { nodeDisk } from "../../../../src/backends/file/journal/NodeDisk.ts"
import { open, put, texts } from "../support/JournalHarness.ts"

const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "leasehold-lock-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const source = (name: string): string => new URL(`../../../../src/backends/file/journal/${name}`, import.meta.url).href

/** Another process that opens the journal, appends one text, says so, and then lives until it is killed. */
const ownerScript = (path: string): string => `
  import * as Effect from ${JSON.stringify(import.meta.resolve("effect/Effect"))}
  import { openJournal } from ${JSON.stringify(source("Journal.ts"))}
  import { nodeDisk } from ${JSON.stringify(source("NodeDisk.ts"))}
  const options = { disk: nodeDisk, directory: ${JSON.stringify(path)}, segmentBytes: 4096, onFrame: () => {}, now: () => 1 }
  const journal = await Effect.runPromise(openJournal(options))
  journal.begin(16, 1).string("from the child")
  journal.end()
  journal.commit((failure) => console.log(failure === undefined ? "durable" : "failed"))
  setInterval(() => {}, 1 << 30)
`

const startOwner = (path: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const child = spawn(process.execPath, ["--input-type=module", "-e", ownerScript(path)], {
        stdio: ["ignore", "pipe", "inherit"]
      })
      const [first] = (await once(child.stdout, "data")) as [Buffer]
      assert.strictEqual(first.toString(), "durable\n")
      return child
    }),
    (child) => Effect.promise(() => kill(child))
  )

const kill = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, "exit")
  child.kill("SIGKILL")
  await exited
}

describe("the lock of a directory", () => {
  it.effect("refuses a second owner of the process under any spelling, until the first gives it back", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory
      const alias = `${path}-alias`
      symlinkSync(path, alias)
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(alias)))
      const release = yield* lockDirectory(path)
      for (const spelling of [path, `${path}/.`, alias]) {
        const error = yield* Effect.flip(lockDirectory(spelling))
        assert.isTrue(error.outcome === "refused" && error.reason._tag === "OwnedBy")
        assert.include(error.message, `pid ${process.pid}`)
      }
      yield* release
      yield* release
      const again = yield* lockDirectory(alias)
      yield* release
      assert.strictEqual((yield* Effect.flip(lockDirectory(path))).reason._tag, "OwnedBy")
      yield* again
      assert.deepStrictEqual(readdirSync(path), ["lock.sqlite"])
    })
  )

  it.effect(
    "refuses while another process owns it, names that process, and is free the moment it is killed",
    () =>
      Effect.gen(function* () {
        const path = yield* temporaryDirectory
        const child = yield* startOwner(path)
        const error = yield* Effect.flip(open(nodeDisk, { directory: path }))
        assert.strictEqual(error.reason._tag, "OwnedBy")
        assert.include(error.message, `pid ${child.pid} on `)
        // A refused opening does not weaken the owner's lock.
        assert.strictEqual((yield* Effect.flip(open(nodeDisk, { directory: path }))).reason._tag, "OwnedBy")
        const beside = yield* open(nodeDisk, { directory: path, readOnly: true })
        assert.deepStrictEqual(texts(beside.frames), ["from the child"])
        yield* beside.journal.close
        yield* Effect.promise(() => kill(child))
        const { journal, frames } = yield* open(nodeDisk, { directory: path })
        assert.deepStrictEqual(texts(frames), ["from the child"])
        assert.isFalse(journal.recovery.closed)
        yield* put(journal, "from the parent")
        yield* journal.close
        assert.isFalse(existsSync(join(path, "owner.json")))
      }),
    30_000
  )

  it.effect("is given back when opening fails", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory
      writeFileSync(join(path, "0000000000000001.seg"), Buffer.alloc(100, 1))
      for (const _ of [1, 2]) {
        assert.strictEqual((yield* Effect.flip(open(nodeDisk, { directory: path }))).reason._tag, "Corrupt")
      }
    })
  )

  it.effect("creates a missing directory, and names what is no directory", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory
      const { journal } = yield* open(nodeDisk, { directory: join(path, "a", "b") })
      yield* journal.close
      writeFileSync(join(path, "file"), "")
      for (const target of [join(path, "file"), join(path, "file", "below")]) {
        const error = yield* Effect.flip(open(nodeDisk, { directory: target }))
        assert.isTrue(error.reason._tag === "NotWritable" && error.reason.cause === "notADirectory", error.message)
      }
      const error = yield* Effect.flip(lockDirectory(join(path, "missing")))
      assert.isTrue(error.reason._tag === "NotWritable" && error.reason.cause === "other")
    })
  )

  it.effect.skipIf(process.getuid?.() === 0)("names missing permissions", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory
      mkdirSync(join(path, "closed"), { mode: 0o500 })
      const error = yield* Effect.flip(open(nodeDisk, { directory: join(path, "closed") }))
      assert.isTrue(error.reason._tag === "NotWritable" && error.reason.cause === "permission")
    })
  )

  it("tells the causes apart by the system's code", () => {
    const cause = (code: string): string => {
      const { reason } = notWritable("/log", code, "")
      return reason._tag === "NotWritable" ? reason.cause : "none"
    }
    assert.deepStrictEqual(["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", "EIO"].map(cause), [
      "permission",
      "permission",
      "readOnly",
      "notADirectory",
      "notADirectory",
      "other"
    ])
  })

  it.effect("tolerates an owner that has not introduced itself", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory
      const child = yield* startOwner(path)
      assert.isDefined(child.pid)
      for (const content of ["", "{", "3", "null"]) {
        writeFileSync(join(path, "owner.json"), content)
        const error = yield* Effect.flip(lockDirectory(path))
        assert.include(error.message, "another process")
      }
      rmSync(join(path, "owner.json"))
      assert.include((yield* Effect.flip(lockDirectory(path))).message, "another process")
    })
  )
})
