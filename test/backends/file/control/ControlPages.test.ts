import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { assert, test } from "vitest"
import * as ControlSocket from "../../../../src/backends/file/control/ControlSocket.ts"
import { protocolVersion } from "../../../../src/backends/file/control/ControlProtocol.ts"
import * as FileLog from "../../../../src/backends/file/FileLog.ts"
import * as RemoteLog from "../../../../src/backends/file/control/RemoteLog.ts"
import { idOf, jobOf, jobsOf } from "../support/LogRig.ts"

const temporary = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "leasehold-pages-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

const run = <E>(effect: Effect.Effect<void, E, Scope.Scope>): Promise<void> => Effect.runPromise(Effect.scoped(effect))

test("a page of large jobs ends early, here and through the socket", () =>
  run(
    Effect.gen(function* () {
      const directory = yield* temporary
      const log = yield* FileLog.make({ directory })
      const payload = "x".repeat(1_000_000)
      const ids = Array.from({ length: 12 }, (_, n) => idOf(n))
      for (let n = 0; n < ids.length; n++) yield* log.enqueue([jobOf(n, { payload })])
      const remote = yield* RemoteLog.connect(directory)
      for (const side of [log, remote]) {
        const page = yield* side.read({ _tag: "Jobs", limit: 1000 })
        assert.strictEqual(page._tag === "Jobs" ? page.jobs.length : undefined, 9)
        assert.deepStrictEqual(
          (yield* jobsOf(side)).map((job) => job.id),
          ids
        )
      }
    })
  ))

test("a defect of the owner is answered", () =>
  run(
    Effect.gen(function* () {
      const directory = yield* temporary
      yield* ControlSocket.listen(directory, {
        read: () => Effect.die("planted"),
        control: () => Effect.die("planted")
      })
      const remote = yield* RemoteLog.connect(directory)
      for (const failing of [
        Effect.asVoid(remote.read({ _tag: "Counts" })),
        Effect.asVoid(remote.control([{ _tag: "Pause", queue: "q" }]))
      ]) {
        const error = yield* Effect.flip(failing)
        assert.deepStrictEqual([error.outcome, error.reason._tag], ["unknown", "Unavailable"])
      }
    })
  ))

test("who asks without reading the answers is not asked for more", () =>
  run(
    Effect.gen(function* () {
      const directory = yield* temporary
      let reads = 0
      yield* ControlSocket.listen(directory, {
        read: () =>
          Effect.sync(() => {
            reads++
            return { _tag: "Counts", now: 0, queues: [{ ...counts, queue: "q".repeat(4_000_000) }] } as const
          }),
        control: () => Effect.succeed([])
      })
      yield* Effect.promise(async () => {
        const socket = Net.connect(Path.join(directory, "control.sock"))
        await once(socket, "connect")
        const line = `${JSON.stringify({ _tag: "Read", v: protocolVersion, query: { _tag: "Counts" } })}\n`
        socket.write(line.repeat(10))
        await once(socket, "readable")
        for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
        assert.strictEqual(reads, 1)
        let lines = 0
        for await (const chunk of socket) {
          for (const byte of chunk as Buffer) if (byte === 10) lines++
          if (lines === 10) break
        }
        assert.strictEqual(reads, 10)
      })
    })
  ))

const counts = {
  paused: false,
  scheduled: 0,
  ready: 0,
  leased: 0,
  completed: 0,
  deadLettered: 0,
  cancelled: 0,
  oldestReadySince: undefined
}
