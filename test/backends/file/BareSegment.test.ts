import * as Effect from "effect/Effect"
import { assert, test } from "vitest"
import { complete, jobOf, jobsOf, LogRig, turns } from "./support/LogRig.ts"

const queueOf = (queue: string) => ({ queue, payload: "x".repeat(400) })

/** Jobs that come and go. */
const churn = Effect.fnUntraced(function* (log: Effect.Success<ReturnType<LogRig["open"]>>["log"], from: number) {
  const { id: session } = yield* log.open({ owner: "churn", leaseDuration: 60_000 })
  yield* log.enqueue([0, 1].map((n) => jobOf(from + n, queueOf("busy"))))
  const { grants } = yield* log.claim({ session, call: 1, queue: "busy", limit: 10 })
  yield* complete(log, session, 2, grants)
  yield* turns(50)
  yield* log.close(session)
})

const segments = (rig: LogRig) => rig.disk.names("/log").filter((name) => name.endsWith(".seg"))
const firstSegment = (rig: LogRig): string => segments(rig)[0] ?? ""
const lastSegment = (rig: LogRig): string => segments(rig).at(-1) ?? ""

// A segment that was created and got no frame before the disk failed is the last one at the next opening. What every
// segment has to begin with, so that it can be the first one kept, was missing in it.
test("a segment that was created and not begun can become the oldest one", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const rig = new LogRig()
      const { close, log } = yield* rig.open()
      yield* log.control([
        { _tag: "Configure", queue: "busy", policy: { retainCompletedCount: 2 } },
        { _tag: "Pause", queue: "later" }
      ])
      // the new segment bears its name, and nothing is written to it
      rig.disk.fail({ operation: "syncDirectory", nth: 1, code: "EIO" })
      const first = lastSegment(rig)
      for (let n = 100; lastSegment(rig) === first; n += 10) yield* Effect.ignore(churn(log, n))
      const bare = lastSegment(rig)
      // what lives from here on keeps this segment from being carried forward
      yield* churn(log, 1_000)
      yield* log.enqueue(Array.from({ length: 30 }, (_, n) => jobOf(n, queueOf("later"))))
      for (let n = 2_000; firstSegment(rig) < bare; n += 10) yield* churn(log, n)
      assert.strictEqual(firstSegment(rig), bare)
      yield* close
      const again = yield* rig.open()
      const counts = yield* again.log.read({ _tag: "Counts", queue: "later" })
      assert.deepStrictEqual(
        counts._tag === "Counts" ? counts.queues.map(({ paused, ready }) => ({ paused, ready })) : undefined,
        [{ paused: true, ready: 30 }]
      )
      assert.strictEqual((yield* jobsOf(again.log)).filter(({ queue }) => queue === "later").length, 30)
      yield* again.close
    })
  ))
