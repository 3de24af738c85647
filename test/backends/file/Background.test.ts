import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import { assert, test, vi } from "vitest"
import type { Disk } from "../../../src/backends/file/journal/Disk.ts"
import { Waits } from "../../../src/backends/file/Waits.ts"
import type { JobLogOperations } from "../../../src/log/JobLog.ts"
import { complete, idOf, jobOf, LogRig, turns } from "./support/LogRig.ts"

/** Jobs that come and go, of 5 kB each, so that every one begins a segment. */
const traffic = Effect.fnUntraced(function* (log: JobLogOperations, from: number, until: () => boolean) {
  const session = yield* log.open({ owner: "o", leaseDuration: 60_000 })
  let call = 1
  for (let n = from; n < from + 40 && !until(); n++) {
    yield* log.enqueue([jobOf(n, { payload: "x".repeat(5000) })])
    const { grants } = yield* log.claim({ session: session.id, call: call++, queue: "q", limit: 10 })
    yield* complete(log, session.id, call++, grants)
    yield* log.control([{ _tag: "Purge", id: idOf(n) }])
    yield* turns()
  }
})

test("segments are given up again after the disk failed while a compaction was reading", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const rig = new LogRig()
      const gate = yield* Latch.make(false)
      let reading = 0
      const through = (disk: Disk): Disk => ({
        ...disk,
        open: (path, mode) =>
          Effect.map(disk.open(path, mode), (file) => ({
            ...file,
            read: (...request) => {
              if (!path.includes("0000000000000001")) return file.read(...request)
              reading++
              return Effect.andThen(Latch.await(gate), file.read(...request))
            }
          }))
      })
      const { log, close } = yield* rig.open({ through })
      // the second job begins no segment, so both lie in the first one
      yield* log.enqueue([jobOf(1, { queue: "keep" }), jobOf(2, { queue: "keep", payload: "x".repeat(5000) })])
      yield* traffic(log, 100, () => reading > 0)
      assert.isAbove(reading, 0)
      rig.disk.fail({ operation: "datasync", nth: 1, code: "EIO" })
      yield* Effect.flip(log.enqueue([jobOf(3)]))
      gate.openUnsafe()
      yield* turns()
      yield* traffic(log, 200, () => false)
      const segments = rig.disk.names("/log").filter((name) => name.endsWith(".seg"))
      assert.isAtMost(segments.length, 6, segments.join(" "))
      yield* close
    })
  ))

test("a defect in the timer's turn does not end timed wake-ups", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const rig = new LogRig()
      const { log, close } = yield* rig.open()
      const wait = Effect.fnUntraced(function* () {
        const session = yield* log.open({ owner: "o", leaseDuration: 60_000 })
        const request = { session: session.id, call: 1, queue: "q", limit: 1, park: true }
        return yield* Effect.forkChild(Effect.exit(log.claim(request)), { startImmediately: true })
      })
      yield* log.enqueue([jobOf(1, { delay: 100 })])
      yield* wait()
      const tick = vi.spyOn(Waits.prototype, "tick").mockImplementationOnce(() => {
        throw new Error("planted")
      })
      yield* rig.clock.advance(100)
      yield* turns()
      assert.strictEqual(tick.mock.calls.length, 1)
      tick.mockRestore()
      // opening a session opens the log again
      const waiting = yield* wait()
      yield* log.enqueue([jobOf(2, { delay: 5000 })])
      yield* rig.clock.advance(5000)
      const exit = yield* Fiber.join(waiting)
      assert.strictEqual(exit._tag, "Success")
      yield* close
    })
  ))
