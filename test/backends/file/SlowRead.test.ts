import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import { assert, test } from "vitest"
import type { Disk } from "../../../src/backends/file/journal/Disk.ts"
import { complete, idOf, jobOf, LogRig, turns } from "./support/LogRig.ts"

/** A disk whose next read of a file waits, if it is told to. */
const slow = () => {
  const state = { holdNext: false, held: 0, go: Latch.makeUnsafe(false) }
  const through = (disk: Disk): Disk => ({
    ...disk,
    open: (path, mode) =>
      Effect.map(disk.open(path, mode), (file) => ({
        ...file,
        read: (...request) =>
          Effect.suspend(() => {
            if (!state.holdNext) return file.read(...request)
            state.holdNext = false
            state.held++
            return Effect.andThen(state.go.await, file.read(...request))
          })
      }))
  })
  return { state, through }
}

test("a claim is answered although compaction took its grants into memory while they were read", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const rig = new LogRig()
      const { state, through } = slow()
      const first = yield* rig.open()
      yield* first.log.enqueue([jobOf(1), jobOf(2)])
      yield* first.close
      const { close, log } = yield* rig.open({ through })
      const session = yield* log.open({ owner: "o", leaseDuration: 60_000 })
      state.holdNext = true
      const claim = yield* Effect.forkChild(log.claim({ session: session.id, call: 1, queue: "q", limit: 2 }))
      yield* turns()
      assert.strictEqual(state.held, 1)
      // others' work fills segments until the first one has to be given up
      const other = yield* log.open({ owner: "other", leaseDuration: 60_000 })
      yield* log.control([{ _tag: "Configure", queue: "busy", policy: { retainCompletedCount: 0 } }])
      for (let round = 0; round < 20; round++) {
        yield* log.enqueue(Array.from({ length: 20 }, (_, n) => jobOf(100 + 20 * round + n, { queue: "busy" })))
        const { grants } = yield* log.claim({ session: other.id, call: 2 * round + 1, queue: "busy", limit: 20 })
        yield* complete(log, other.id, 2 * round + 2, grants)
      }
      yield* turns()
      yield* state.go.open
      const { grants } = yield* Fiber.join(claim)
      assert.deepStrictEqual(
        grants.map(({ id, payload }) => [id, payload]),
        [
          [idOf(1), "payload 1"],
          [idOf(2), "payload 2"]
        ]
      )
      yield* close
    })
  ))
