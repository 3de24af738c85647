import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { assert, test } from "vitest"
import type { JobLogOperations } from "../../../src/log/JobLog.ts"
import { idOf, jobOf, LogRig } from "./support/LogRig.ts"

const withLog = (test: (log: JobLogOperations) => Effect.Effect<void, unknown>) =>
  Effect.runPromise(Effect.flatMap(new LogRig().open(), ({ log, close }) => Effect.andThen(test(log), close)))

const renewals = (log: JobLogOperations, session: string, from: number, to: number) =>
  Effect.gen(function* () {
    for (let call = from; call < to; call++) yield* log.renew({ session, call, started: [], progress: [] })
  })

const park = (log: JobLogOperations, session: string, call: number) =>
  Effect.forkChild(log.claim({ session, call, queue: "q", limit: 1, park: true }), { startImmediately: true })

test("a parked claim may be given up and repeated after any number of later calls", () =>
  withLog((log) =>
    Effect.gen(function* () {
      const { id: session } = yield* log.open({ owner: "o", leaseDuration: 60_000 })
      yield* Fiber.interrupt(yield* park(log, session, 1))
      yield* renewals(log, session, 2, 200)
      const again = yield* park(log, session, 1)
      yield* log.enqueue([jobOf(1)])
      const { grants } = yield* Fiber.join(again)
      assert.deepStrictEqual(
        grants.map((grant) => grant.id),
        [idOf(1)]
      )
    })
  ))

test("the age of an answer counts from when it was given", () =>
  withLog((log) =>
    Effect.gen(function* () {
      const { id: session } = yield* log.open({ owner: "o", leaseDuration: 60_000 })
      const parked = yield* park(log, session, 1)
      yield* renewals(log, session, 2, 200)
      yield* log.enqueue([jobOf(1)])
      const first = yield* Fiber.join(parked)
      yield* renewals(log, session, 200, 263)
      const request = { session, call: 1, queue: "q", limit: 1, park: true }
      assert.deepStrictEqual(yield* log.claim(request), first)
      yield* renewals(log, session, 263, 264)
      const old = yield* Effect.flip(log.claim(request))
      assert.strictEqual(old.reason._tag, "InvalidRequest")
    })
  ))

test("a recent number is never taken for a new one, however many old ones are answered after it", () =>
  withLog((log) =>
    Effect.gen(function* () {
      const { id: session } = yield* log.open({ owner: "o", leaseDuration: 60_000 })
      const parked = []
      for (let call = 1; call <= 70; call++) parked.push(yield* park(log, session, call))
      yield* log.enqueue([jobOf(100, { queue: "other" }), jobOf(101, { queue: "other" })])
      const request = { session, call: 71, queue: "other", limit: 1 }
      const first = yield* log.claim(request)
      yield* log.enqueue(Array.from({ length: 70 }, (_, n) => jobOf(n)))
      for (const fiber of parked) assert.strictEqual((yield* Fiber.join(fiber)).grants.length, 1)
      assert.deepStrictEqual(yield* log.claim(request), first)
    })
  ))

test("a parked claim that was sent twice is answered twice, whoever waits between the two", () =>
  withLog((log) =>
    Effect.gen(function* () {
      const { id: session } = yield* log.open({ owner: "o", leaseDuration: 60_000 })
      const { id: other } = yield* log.open({ owner: "other", leaseDuration: 60_000 })
      const first = yield* park(log, session, 1)
      yield* park(log, other, 1)
      const again = yield* park(log, session, 1)
      yield* log.enqueue([jobOf(1)])
      assert.deepStrictEqual(yield* Fiber.join(again), yield* Fiber.join(first))
    })
  ))
