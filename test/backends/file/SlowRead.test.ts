import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import { assert, test } from "vitest"
import type { Disk } from "../../../src/backends/file/journal/Disk.ts"
import type { JobLogOperations } from "../../../src/log/JobLog.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import { complete, idOf, jobOf, jobsOf, LogRig, turns } from "./support/LogRig.ts"

/** A disk whose next read of a file of this name waits, if it is told to. */
const slow = (name = "") => {
  const state = { holdNext: false, held: 0, go: Latch.makeUnsafe(false) }
  const through = (disk: Disk): Disk => ({
    ...disk,
    open: (path, mode) =>
      Effect.map(disk.open(path, mode), (file) => ({
        ...file,
        read: (...request) =>
          Effect.suspend(() => {
            if (!state.holdNext || !path.endsWith(name)) return file.read(...request)
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

const oldest = "0000000000000001.seg"

const key = { value: "k", window: 1_000, onConflict: "replace" } as const

/** A job of the oldest segment moves while compaction reads it; answers what is told of the jobs then, and after reopening. */
const movedWhileRead = Effect.fnUntraced(function* (move: (log: JobLogOperations) => Effect.Effect<unknown, LogError>) {
  const payloads = (log: JobLogOperations) =>
    Effect.map(jobsOf(log), (jobs) => jobs.filter(({ queue }) => queue === "q").map(({ id, payload }) => [id, payload]))
  const rig = new LogRig()
  const { state, through } = slow(oldest)
  const first = yield* rig.open()
  yield* first.log.enqueue([jobOf(1, { key, delay: 3_600_000 }), jobOf(3)])
  yield* first.close
  const { close, log } = yield* rig.open({ through })
  const worker = yield* log.open({ owner: "o", leaseDuration: 60_000 })
  yield* log.control([{ _tag: "Configure", queue: "busy", policy: { retainCompletedCount: 0 } }])
  for (let round = 0; round < 40 && state.held === 0; round++) {
    // once others' jobs lie in later segments, only compaction reads the first
    state.holdNext = rig.disk.names("/log").length > 1
    yield* log.enqueue(Array.from({ length: 20 }, (_, n) => jobOf(100 + 20 * round + n, { queue: "busy" })))
    const { grants } = yield* log.claim({ session: worker.id, call: 2 * round + 1, queue: "busy", limit: 20 })
    yield* complete(log, worker.id, 2 * round + 2, grants)
    yield* turns()
  }
  assert.strictEqual(state.held, 1)
  assert.include(rig.disk.names("/log"), oldest)
  yield* move(log)
  yield* state.go.open
  yield* turns(200)
  assert.notInclude(rig.disk.names("/log"), oldest, "the compaction went on")
  const now = yield* payloads(log)
  yield* close
  const again = yield* rig.open()
  const reopened = yield* payloads(again.log)
  yield* again.close
  return { now, reopened }
})

test("a job that is replaced while compaction reads it keeps its new payload", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const replacement = jobOf(2, { key, delay: 7_200_000, payload: "newer" })
      const { now, reopened } = yield* movedWhileRead((log) => log.enqueue([replacement]))
      assert.deepStrictEqual(now, [
        [idOf(1), "newer"],
        [idOf(3), "payload 3"]
      ])
      assert.deepStrictEqual(reopened, now)
    })
  ))

test("a job that is purged while compaction reads it stays gone", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const { now, reopened } = yield* movedWhileRead((log) =>
        log.control([
          { _tag: "Cancel", id: idOf(1) },
          { _tag: "Purge", id: idOf(1) }
        ])
      )
      assert.deepStrictEqual(now, [[idOf(3), "payload 3"]])
      assert.deepStrictEqual(reopened, now)
    })
  ))
