import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { assert, test } from "vitest"
import { readDirectory } from "../../../src/backends/file/FileReader.ts"
import { complete, jobOf, LogRig, turns, viewOf } from "./support/LogRig.ts"

test("a reader names sessions as their owner does, also when the frame that began the epoch was given up", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const rig = new LogRig()
      const { log, close } = yield* rig.open()
      const session = yield* log.open({ owner: "o", leaseDuration: 60_000 })
      for (let n = 0; n < 4; n++) {
        yield* log.enqueue([jobOf(n, { payload: "x".repeat(5000) })])
        const { grants } = yield* log.claim({ session: session.id, call: 2 * n + 1, queue: "q", limit: 1 })
        yield* complete(log, session.id, 2 * n + 2, grants)
        yield* log.control(grants.map(({ id }) => ({ _tag: "Purge", id })))
        yield* turns()
      }
      // kept answers hold their segments until the session lets go of them
      yield* log.close(session.id)
      const second = yield* log.open({ owner: "o", leaseDuration: 60_000 })
      yield* log.enqueue([jobOf(9), jobOf(10, { queue: "other", payload: "x".repeat(5000) })])
      yield* log.enqueue([jobOf(11, { queue: "other" })])
      yield* turns()
      yield* log.claim({ session: second.id, call: 1, queue: "q", limit: 1 })
      assert.notInclude(rig.disk.names("/log"), "0000000000000001.seg")
      const reader = yield* Effect.provideService(
        readDirectory("/log", { disk: rig.disk.disk }),
        Clock.Clock,
        rig.clock
      )
      const seen = yield* viewOf(reader, 9)
      assert.strictEqual(seen?.session, second.id)
      assert.deepStrictEqual(seen, yield* viewOf(log, 9))
      yield* close
    }).pipe(Effect.scoped)
  ))
