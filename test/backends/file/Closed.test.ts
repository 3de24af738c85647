import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import { assert, test } from "vitest"
import type { Disk } from "../../../src/backends/file/journal/Disk.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import { jobOf, LogRig, turns } from "./support/LogRig.ts"

const reasonOf = <A>(effect: Effect.Effect<A, LogError>): Effect.Effect<string> =>
  Effect.match(effect, { onFailure: ({ outcome, reason }) => `${outcome} ${reason._tag}`, onSuccess: () => "done" })

test("a log that was closed refuses what it is asked afterwards", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const { close, log } = yield* new LogRig().open()
      const session = yield* log.open({ owner: "o", leaseDuration: 60_000 })
      yield* close
      const calls = [
        log.open({ owner: "late", leaseDuration: 60_000 }),
        log.enqueue([jobOf(1)]),
        log.claim({ session: session.id, call: 1, queue: "q", limit: 1 }),
        log.close(session.id),
        log.control([{ _tag: "Pause", queue: "q" }]),
        log.read({ _tag: "Counts" })
      ]
      for (const call of calls) assert.strictEqual(yield* reasonOf(call), "refused Closed")
    })
  ))

test("a call for which something was read is refused when the log was closed meanwhile", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const rig = new LogRig()
      const go = Latch.makeUnsafe(false)
      let held = false
      const through = (disk: Disk): Disk => ({
        ...disk,
        open: (path, mode) =>
          Effect.map(disk.open(path, mode), (file) => ({
            ...file,
            read: (...request) => (held ? Effect.andThen(go.await, file.read(...request)) : file.read(...request))
          }))
      })
      const first = yield* rig.open()
      yield* first.log.enqueue([jobOf(1)])
      yield* first.close
      const { close, log } = yield* rig.open({ through })
      held = true
      // whether it is the same job as the first must be read
      const late = yield* Effect.forkChild(reasonOf(log.enqueue([jobOf(1), jobOf(2)])))
      yield* turns()
      const closing = yield* Effect.forkChild(close)
      yield* turns()
      yield* go.open
      assert.strictEqual(yield* Fiber.join(late), "refused Closed")
      yield* Fiber.join(closing)
    })
  ))
