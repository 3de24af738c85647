import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Exit from "effect/Exit"
import { assert, test } from "vitest"
import * as FileLog from "../../../src/backends/file/FileLog.ts"
import { idOf, jobOf, LogRig, turns } from "./support/LogRig.ts"

const options = { owner: "o", leaseDuration: 60_000 }

test("an opening that is interrupted at any point leaves the directory free", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const rig = new LogRig()
      const first = yield* rig.open()
      yield* first.log.enqueue([jobOf(1)])
      yield* first.close
      for (let after = 0; after < 60; after++) {
        const opening = yield* Effect.forkChild(
          Effect.scoped(FileLog.make({ directory: "/log", disk: rig.disk.disk, segmentBytes: 4096 }))
        )
        yield* turns(after)
        yield* Fiber.interrupt(opening)
        const { close } = yield* rig.open()
        yield* close
      }
    })
  ))

test("so does a reopening, which the log outlives", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const rig = new LogRig()
      const { log, close } = yield* rig.open()
      for (let after = 0; after < 60; after++) {
        rig.disk.fail({ operation: "datasync", nth: 1, code: "EIO" })
        yield* Effect.flip(log.enqueue([jobOf(after)]))
        const reopening = yield* Effect.forkChild(log.open(options))
        yield* turns(after)
        yield* Fiber.interrupt(reopening)
        yield* log.open(options)
        assert.deepStrictEqual(yield* log.enqueue([jobOf(after)]), [{ _tag: "Inserted", id: idOf(after) }])
      }
      yield* close
    })
  ))

test("closing a log in the middle of a reopening frees the directory", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const rig = new LogRig()
      for (let after = 0; after < 60; after++) {
        const scope = yield* Scope.make()
        const log = yield* FileLog.make({ directory: "/log", disk: rig.disk.disk, segmentBytes: 4096 }).pipe(
          Scope.provide(scope)
        )
        rig.disk.fail({ operation: "datasync", nth: 1, code: "EIO" })
        yield* Effect.flip(log.enqueue([jobOf(after)]))
        yield* Effect.forkChild(Effect.exit(log.open(options)))
        yield* turns(after)
        yield* Scope.close(scope, Exit.void)
      }
      const { close } = yield* rig.open()
      yield* close
    })
  ))
