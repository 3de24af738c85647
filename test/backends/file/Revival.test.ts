import * as Effect from "effect/Effect"
import { assert, test } from "vitest"
import { type Disk, DiskError } from "../../../src/backends/file/journal/Disk.ts"
import { idOf, jobOf, LogRig } from "./support/LogRig.ts"

test("without a scheduler the log is opened again by its producers, at most once per second", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const rig = new LogRig()
      const state = { broken: false, openings: 0 }
      const through = (disk: Disk): Disk => ({
        ...disk,
        lock: (directory) => Effect.tap(disk.lock(directory), () => Effect.sync(() => state.openings++)),
        open: (path, mode) =>
          Effect.map(disk.open(path, mode), (file) => ({
            ...file,
            datasync: Effect.suspend(() =>
              state.broken
                ? Effect.fail(new DiskError({ operation: "datasync", path, code: "EIO", detail: "" }))
                : file.datasync
            )
          }))
      })
      const { log, close } = yield* rig.open({ through })
      yield* log.enqueue([jobOf(1)])
      state.broken = true
      const failed = yield* Effect.flip(log.enqueue([jobOf(2)]))
      assert.deepStrictEqual([failed.outcome, failed.reason._tag], ["unknown", "Poisoned"])
      const refused = Effect.gen(function* () {
        for (const call of [
          Effect.asVoid(log.enqueue([jobOf(3)])),
          Effect.asVoid(log.control([{ _tag: "Pause", queue: "q" }]))
        ]) {
          const error = yield* Effect.flip(call)
          assert.deepStrictEqual([error.outcome, error.reason._tag], ["refused", "Poisoned"])
        }
      })
      yield* refused
      assert.strictEqual(state.openings, 1)
      for (let openings = 2; openings < 5; openings++) {
        yield* rig.clock.advance(1000)
        for (let n = 0; n < 5; n++) yield* refused
        assert.strictEqual(state.openings, openings)
      }
      state.broken = false
      yield* rig.clock.advance(999)
      yield* refused
      yield* rig.clock.advance(1)
      assert.deepStrictEqual(yield* log.enqueue([jobOf(2)]), [{ _tag: "Inserted", id: idOf(2) }])
      assert.deepStrictEqual(yield* log.control([{ _tag: "Cancel", id: idOf(1) }]), [{ _tag: "Done" }])
      yield* close
    })
  ))
