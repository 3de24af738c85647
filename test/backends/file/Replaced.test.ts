import * as Effect from "effect/Effect"
import { assert, test } from "vitest"
import { idOf, jobOf, LogRig, turns, viewOf } from "./support/LogRig.ts"

for (const end of ["closing", "a crash"] as const) {
  test(`a replaced job outlives the segment of its first request: reopened after ${end}`, () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const rig = new LogRig()
        const { log, close } = yield* rig.open()
        const key = { value: "k", window: 1000, onConflict: "replace" } as const
        yield* log.enqueue([jobOf(1, { key, delay: 3_600_000 })])
        yield* log.enqueue([jobOf(2, { payload: "x".repeat(5000) })])
        const more = { key, delay: 7_200_000, deadline: 2_000_000_000_000, group: "g", priority: -2, payload: "newer" }
        const replaced = yield* log.enqueue([jobOf(3, more)])
        assert.deepStrictEqual(replaced, [{ _tag: "Replaced", id: idOf(1) }])
        yield* log.control([{ _tag: "Cancel", id: idOf(2) }])
        yield* log.control([{ _tag: "Purge", id: idOf(2) }])
        // the next segment's beginning makes the log look for segments to give up
        yield* log.enqueue([jobOf(4, { payload: "x".repeat(5000) })])
        yield* log.enqueue([jobOf(5)])
        yield* turns()
        assert.notInclude(rig.disk.names("/log"), "0000000000000001.seg")
        const before = yield* viewOf(log, 1)
        assert.strictEqual(before?.payload, "newer")
        assert.strictEqual(before?.generation, 2)
        if (end === "closing") yield* close
        else rig.disk.crash(() => false)
        const again = yield* rig.open()
        assert.deepStrictEqual(yield* viewOf(again.log, 1), before)
        // it still holds its key, and is still one that was never granted
        const duplicate = yield* again.log.enqueue([jobOf(6, { key: { value: "k", window: 1000 } })])
        assert.deepStrictEqual(duplicate, [{ _tag: "Duplicate", id: idOf(1), state: "Scheduled" }])
        const twice = yield* again.log.enqueue([jobOf(7, { key, payload: "newest" })])
        assert.deepStrictEqual(twice, [{ _tag: "Replaced", id: idOf(1) }])
        assert.strictEqual((yield* viewOf(again.log, 1))?.generation, 3)
        yield* again.close
      })
    ))
}
