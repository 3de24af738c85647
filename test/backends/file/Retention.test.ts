import * as Effect from "effect/Effect"
import { assert, test } from "vitest"
import { ByteWriter } from "../../../src/backends/file/journal/ByteWriter.ts"
import { Recorder } from "../../../src/backends/file/Recorder.ts"
import { Tag } from "../../../src/backends/file/RecordTags.ts"
import { complete, idOf, jobOf, jobsOf, LogRig } from "./support/LogRig.ts"

const day = 24 * 3_600_000
const queue = "q".repeat(128)

/** A job whose removal takes as many bytes as can be. */
const keyed = (n: number) =>
  jobOf(n, { queue, name: "n".repeat(128), key: { value: String(n).padStart(512, "k"), window: day } })

test("more records past their retention than one frame can say", { timeout: 60_000 }, () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const rig = new LogRig()
      const options = { segmentBytes: 32 * 1024 * 1024 }
      const { log, close } = yield* rig.open(options)
      const count = 24_000
      yield* log.control([{ _tag: "Configure", queue, policy: { retainCompletedCount: count } }])
      const session = yield* log.open({ owner: "o", leaseDuration: day / 4 })
      let call = 1
      for (let from = 0; from < count; from += 1000) {
        yield* log.enqueue(Array.from({ length: 1000 }, (_, n) => keyed(from + n)))
        const { grants } = yield* log.claim({ session: session.id, call: call++, queue, limit: 1000 })
        yield* complete(log, session.id, call++, grants)
      }
      // live: every operation takes its part
      const done = yield* log.control([{ _tag: "Configure", queue, policy: { retainCompletedCount: 0 } }])
      assert.deepStrictEqual(done, [{ _tag: "Done" }])
      const some = yield* log.reclaim({ limit: 10 })
      assert.deepStrictEqual([some.reclaimed, some.more], [0, true])
      yield* log.control([{ _tag: "Configure", queue, policy: { retainCompletedCount: count } }])
      yield* log.enqueue([jobOf(count)])
      yield* close
      yield* rig.clock.advance(2 * 3_600_000)
      // at the opening: all of it
      const again = yield* rig.open(options)
      const counts = yield* again.log.read({ _tag: "Counts", queue })
      assert.strictEqual(counts._tag === "Counts" ? counts.queues[0]?.completed : undefined, 0)
      const held = yield* again.log.enqueue([{ ...keyed(0), id: idOf(count + 1) }])
      assert.deepStrictEqual(held, [{ _tag: "Duplicate", id: idOf(0), state: "Completed", resultGone: true }])
      yield* again.close
    })
  )
)

test("records go at their time while nothing happens in their queue", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const rig = new LogRig()
      const { log, close } = yield* rig.open()
      const count = 2500
      yield* log.control([{ _tag: "Configure", queue: "q", policy: { retainCompleted: 1000 } }])
      const session = yield* log.open({ owner: "o", leaseDuration: day / 4 })
      for (let from = 0; from < count; from += 500) {
        yield* log.enqueue(Array.from({ length: 500 }, (_, n) => jobOf(from + n)))
        const { grants } = yield* log.claim({ session: session.id, call: from + 1, queue: "q", limit: 1000 })
        yield* complete(log, session.id, from + 2, grants, "secret")
      }
      yield* rig.clock.advance(999)
      assert.isFalse((yield* log.reclaim({ limit: 10 })).more)
      assert.strictEqual((yield* jobsOf(log)).length, count)
      yield* rig.clock.advance(1)
      let beats = 1
      while ((yield* log.reclaim({ limit: 10 })).more) beats++
      assert.strictEqual(beats, 3)
      assert.deepStrictEqual(yield* jobsOf(log), [])
      yield* close
    })
  ))

test("entries that need no common fate end a frame that has grown large", () => {
  const writer = new ByteWriter(Buffer.alloc(1024))
  let begun = 0
  let ended = 0
  const recorder = new Recorder({
    begin: () => {
      begun++
      return writer
    },
    end: () => ++ended,
    cancel: () => {}
  })
  recorder.run(Tag.Purged, 1)
  recorder.cut()
  assert.deepStrictEqual([begun, ended], [1, 0])
  recorder.entry(Tag.Progress, 2).string("x".repeat(2 ** 20))
  recorder.cut()
  recorder.cut()
  assert.deepStrictEqual([begun, ended], [1, 1])
  recorder.run(Tag.Purged, 3)
  recorder.close()
  assert.deepStrictEqual([begun, ended], [2, 2])
})
