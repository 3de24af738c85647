import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { assert, expect, test } from "vitest"
import * as FileLog from "../../../../src/backends/file/FileLog.ts"
import { nodeDisk } from "../../../../src/backends/file/journal/NodeDisk.ts"
import * as RemoteLog from "../../../../src/backends/file/control/RemoteLog.ts"
import { verifyDirectory } from "../../../../src/backends/file/VerifyLog.ts"

const id = "00000000-0000-4000-8000-000000000001"
const item = { id, queue: "q", name: "n", version: 1, payload: "p", metadata: { a: "b" } }

const temporary = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "leasehold-socket-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

const run = <E>(effect: Effect.Effect<void, E, Scope.Scope>): Promise<void> => Effect.runPromise(Effect.scoped(effect))

test("reads and commands go to the live owner", () =>
  run(
    Effect.gen(function* () {
      const directory = yield* temporary
      const log = yield* FileLog.make({ directory })
      yield* log.enqueue([item])
      const session = yield* log.open({ owner: "o", leaseDuration: 60_000 })
      yield* log.claim({ session: session.id, call: 1, queue: "q", limit: 1 })
      const socket = Fs.statSync(Path.join(directory, "control.sock"))
      assert.strictEqual(socket.mode & 0o777, 0o600)
      const remote = yield* RemoteLog.openForControl({ directory })
      const query = { _tag: "Job", id } as const
      const there = yield* remote.read(query)
      const here = yield* log.read(query)
      if (there._tag !== "Job" || here._tag !== "Job") throw new Error("another answer")
      expect(there.job).toEqual(here.job)
      const commands = [
        { _tag: "Cancel", id } as const,
        { _tag: "Purge", id } as const,
        { _tag: "Pause", queue: "q" } as const
      ]
      assert.deepStrictEqual(yield* remote.control(commands), [
        { _tag: "Done" },
        { _tag: "Refused", reason: "leased" },
        { _tag: "Done" }
      ])
      const invalid = yield* Effect.flip(remote.read({ _tag: "Jobs", limit: 0 }))
      assert.strictEqual(invalid.reason._tag, "InvalidRequest")
    })
  ))

test("without an owner the log is opened for the while", () =>
  run(
    Effect.gen(function* () {
      const directory = yield* temporary
      yield* Effect.scoped(Effect.flatMap(FileLog.make({ directory }), (log) => log.enqueue([item])))
      assert.isFalse(Fs.existsSync(Path.join(directory, "control.sock")))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const log = yield* RemoteLog.openForControl({ directory })
          assert.deepStrictEqual(yield* log.control([{ _tag: "Cancel", id }]), [{ _tag: "Done" }])
        })
      )
      const report = yield* verifyDirectory(nodeDisk, directory)
      assert.deepStrictEqual(report.jobs, { waiting: 0, leased: 0, completed: 0, deadLettered: 0, cancelled: 1 })
      assert.isUndefined(report.damage)
    })
  ))

test("a stale socket of a dead owner is replaced; an owner that does not listen is named", () =>
  run(
    Effect.gen(function* () {
      const directory = yield* temporary
      Fs.writeFileSync(Path.join(directory, "control.sock"), "")
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* FileLog.make({ directory })
          const remote = yield* RemoteLog.connect(directory)
          assert.strictEqual((yield* remote.read({ _tag: "Counts" }))._tag, "Counts")
        })
      )
      yield* FileLog.make({ directory, controlSocket: false })
      const error = yield* Effect.flip(RemoteLog.openForControl({ directory }))
      assert.strictEqual(error.reason._tag, "OwnedBy")
    })
  ))

test("a directory with a long path is reached all the same", () =>
  run(
    Effect.gen(function* () {
      const directory = Path.join(yield* temporary, "x".repeat(120))
      yield* FileLog.make({ directory })
      const remote = yield* RemoteLog.connect(directory)
      assert.strictEqual((yield* remote.read({ _tag: "Counts" }))._tag, "Counts")
    })
  ))

test("what is no request is rejected, and what is too long ends the connection", () =>
  run(
    Effect.gen(function* () {
      const directory = yield* temporary
      const log = yield* FileLog.make({ directory })
      const talk = (text: string): Effect.Effect<string> =>
        Effect.callback((resume) => {
          const socket = Net.connect(Path.join(directory, "control.sock"), () => socket.write(text))
          let received = ""
          socket.on("error", () => {})
          socket.on("data", (chunk) => {
            received += chunk.toString()
            if (received.endsWith("\n")) socket.destroy()
          })
          socket.on("close", () => resume(Effect.succeed(received)))
        })
      assert.include(yield* talk("nonsense\n"), "Rejected")
      assert.include(yield* talk(`${JSON.stringify({ _tag: "Read", v: 2, query: { _tag: "Counts" } })}\n`), "version 1")
      assert.strictEqual(yield* talk("x".repeat(2 * 1024 * 1024)), "")
      assert.strictEqual((yield* log.read({ _tag: "Counts" }))._tag, "Counts")
    })
  ))

test("a log can do without its socket where what lies in the socket's place cannot be removed", () =>
  run(
    Effect.gen(function* () {
      const directory = yield* temporary
      Fs.mkdirSync(Path.join(directory, "control.sock", "in-the-way"), { recursive: true })
      const log = yield* FileLog.make({ directory })
      assert.deepStrictEqual(yield* log.enqueue([item]), [{ _tag: "Inserted", id }])
    })
  ))
