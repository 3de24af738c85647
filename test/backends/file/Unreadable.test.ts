import * as Effect from "effect/Effect"
import { assert, test } from "vitest"
import { type Disk, DiskError } from "../../../src/backends/file/journal/Disk.ts"
import { complete, idOf, jobOf, LogRig } from "./support/LogRig.ts"

/** A disk whose files cannot be read while `broken`. */
const breakable = () => {
  const state = { broken: false }
  const through = (disk: Disk): Disk => ({
    ...disk,
    open: (path, mode) =>
      Effect.map(disk.open(path, mode), (file) => ({
        ...file,
        read: (...request) =>
          state.broken
            ? Effect.fail(new DiskError({ operation: "read", path, code: "EIO", detail: "" }))
            : file.read(...request)
      }))
  })
  return { state, through }
}

test("what has happened is never called refused because it cannot be read back", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const rig = new LogRig()
      const { state, through } = breakable()
      const first = yield* rig.open()
      const key = { value: "k", window: 1_000_000 }
      yield* first.log.enqueue([jobOf(1, { key }), jobOf(2, { queue: "r" })])
      const old = yield* first.log.open({ owner: "o", leaseDuration: 60_000 })
      const taken = yield* first.log.claim({ session: old.id, call: 1, queue: "q", limit: 1 })
      yield* complete(first.log, old.id, 2, taken.grants, "done")
      yield* first.close
      const { log, close } = yield* rig.open({ through })
      const session = yield* log.open({ owner: "o", leaseDuration: 60_000 })
      state.broken = true
      const request = { session: session.id, call: 1, queue: "r", limit: 1 }
      const claim = yield* Effect.flip(log.claim(request))
      assert.deepStrictEqual([claim.operation, claim.outcome, claim.reason._tag], ["claim", "unknown", "Unavailable"])
      // the neighbour of a duplicate is inserted, and says so
      assert.deepStrictEqual(yield* log.enqueue([jobOf(3, { queue: "s" }), jobOf(4, { key })]), [
        { _tag: "Inserted", id: idOf(3) },
        { _tag: "Duplicate", id: idOf(1), state: "Completed", resultGone: true }
      ])
      state.broken = false
      const again = yield* log.claim(request)
      assert.deepStrictEqual(
        again.grants.map((grant) => grant.id),
        [idOf(2)]
      )
      assert.deepStrictEqual(yield* log.enqueue([jobOf(5, { key })]), [
        { _tag: "Duplicate", id: idOf(1), state: "Completed", result: "done" }
      ])
      yield* close
    })
  ))
