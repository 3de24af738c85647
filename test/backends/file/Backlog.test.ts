import * as Effect from "effect/Effect"
import { assert, test } from "vitest"
import type { JobLogOperations, QueuePolicy } from "../../../src/log/JobLog.ts"
import { jobOf, LogRig } from "./support/LogRig.ts"

const configure = (log: JobLogOperations, policy: QueuePolicy) =>
  log.control([{ _tag: "Configure", queue: "q", policy }])

test("a bound of the backlog survives, and so does its end", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const rig = new LogRig()
      const first = yield* rig.open()
      yield* configure(first.log, { maxBacklog: 1 })
      yield* first.log.enqueue([jobOf(1)])
      assert.strictEqual((yield* Effect.flip(first.log.enqueue([jobOf(2)]))).reason._tag, "Full")
      yield* first.close
      const second = yield* rig.open()
      assert.strictEqual((yield* Effect.flip(second.log.enqueue([jobOf(2)]))).reason._tag, "Full")
      yield* configure(second.log, { maxBacklog: "unlimited" })
      yield* second.log.enqueue([jobOf(2)])
      yield* second.close
      const third = yield* rig.open()
      yield* third.log.enqueue([jobOf(3)])
      yield* third.close
    })
  ))

test("the greatest bounds are stored, and what is no bound is refused without harm", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const rig = new LogRig()
      const first = yield* rig.open()
      const most = Number.MAX_SAFE_INTEGER
      for (const maxBacklog of [most, Number.POSITIVE_INFINITY]) {
        const refused = yield* Effect.flip(configure(first.log, { maxBacklog }))
        assert.deepStrictEqual([refused.outcome, refused.reason._tag], ["refused", "InvalidRequest"])
      }
      yield* configure(first.log, { maxBacklog: most - 1, retainCompletedCount: most, groupConcurrency: most })
      yield* first.log.enqueue([jobOf(1)])
      yield* first.close
      const second = yield* rig.open()
      yield* second.log.enqueue([jobOf(2)])
      yield* second.close
    })
  ))
