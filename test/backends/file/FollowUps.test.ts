import * as Effect from "effect/Effect"
import { assert, test } from "vitest"
import { complete, idOf, jobOf, LogRig } from "./support/LogRig.ts"

test("a follow-up is compared with the job of its id, not with one whose place that took in the same step", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const rig = new LogRig()
      const { log, close } = yield* rig.open()
      yield* log.control([{ _tag: "Configure", queue: "q", policy: { retainCompletedCount: 1 } }])
      const session = yield* log.open({ owner: "o", leaseDuration: 60_000 })
      yield* log.enqueue([jobOf(1)])
      const first = yield* log.claim({ session: session.id, call: 1, queue: "q", limit: 1 })
      yield* complete(log, session.id, 2, first.grants)
      yield* log.enqueue([jobOf(2), jobOf(3), jobOf(4)])
      const { grants } = yield* log.claim({ session: session.id, call: 3, queue: "q", limit: 3 })
      // the first follow-up's record is looked up and then removed by retention, the second one's takes its place
      const followUps = [jobOf(1), jobOf(9, { queue: "next" }), jobOf(9, { queue: "next" })]
      const results = yield* log.settle({
        session: session.id,
        call: 4,
        items: grants.map(({ id, token, receipt }, n) => ({
          id,
          token,
          receipt,
          settlement: { _tag: "Complete", enqueue: [followUps[n]!] }
        }))
      })
      assert.deepStrictEqual(
        results.map((result) => (result._tag === "Settled" ? result.enqueued : result)),
        [1, 9, 9].map((n) => [{ _tag: "Inserted" as const, id: idOf(n) }])
      )
      yield* close
    })
  ))
