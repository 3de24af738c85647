/** What is kept of calls that have nothing to tell: of each as much as of any other. */
import * as Effect from "effect/Effect"
import { afterEach, describe, expect, it } from "vitest"
import type { JobLogOperations } from "../../../../src/log/JobLog.ts"
import { makeSql } from "./sql.ts"

const { owner, withLog } = makeSql()

const opened = (log: JobLogOperations) => log.open({ owner: "test", leaseDuration: 60_000 })

const empties = (log: JobLogOperations, session: string, from: number, to: number) =>
  Effect.forEach(
    Array.from({ length: to - from + 1 }, (_, i) => from + i),
    (call) => log.claim({ session, call, queue: "nobody", limit: 1 }),
    { discard: true }
  )

const enqueue = (queue: string) => owner(`SELECT leasehold.enqueue_job('${queue}', 'send', '{}')`)

afterEach(() => owner("ALTER ROLE leasehold RESET default_transaction_isolation"))

const levels = ["read committed", "repeatable read", "serializable"]

describe("a call that had nothing to tell is answered as the first time", () => {
  it.for(levels)("at the isolation level %s", async (level) => {
    await owner(`ALTER ROLE leasehold SET default_transaction_isolation = '${level}'`)
    const queue = level.replace(" ", "-")
    await withLog((log) =>
      Effect.gen(function* () {
        const { id: session } = yield* opened(log)
        const renewal = { session, call: 1, started: [], progress: [] }
        const renewed = yield* log.renew(renewal)
        const claim = { session, call: 2, queue, limit: 10 }
        expect((yield* log.claim(claim)).grants).toEqual([])
        yield* Effect.promise(() => enqueue(queue))
        yield* log.renew({ ...renewal, call: 3 })
        expect(yield* log.renew(renewal)).toEqual(renewed)
        const again = yield* log.claim(claim)
        expect(again.grants).toEqual([])
        // there may be something by now: nothing is to be waited for
        expect(again.nextAt).toBeLessThanOrEqual(again.now)
        const crossed = yield* Effect.flip(log.claim({ ...claim, call: 1 }))
        expect(crossed).toMatchObject({ outcome: "refused", reason: { _tag: "InvalidRequest" } })
        expect((yield* log.claim({ ...claim, call: 4 })).grants).toHaveLength(1)
      })
    )
  })
})

it("of the calls that have nothing to tell the latest 64 are kept, and the session's end leaves none", () =>
  withLog((log) =>
    Effect.gen(function* () {
      const { id: session } = yield* opened(log)
      yield* empties(log, session, 1, 66)
      yield* Effect.promise(() => enqueue("nobody"))
      yield* empties(log, session, 3, 66)
      for (const call of [1, 2]) {
        const forgotten = yield* Effect.flip(log.claim({ session, call, queue: "nobody", limit: 1 }))
        expect(forgotten).toMatchObject({ outcome: "unknown", reason: { _tag: "InvalidRequest" } })
      }
      const rows = () => Effect.promise(() => owner(`SELECT 1 FROM leasehold.quiet_call WHERE session = ${session}`))
      expect(yield* rows()).toHaveLength(64)
      yield* log.close(session)
      expect(yield* rows()).toEqual([])
    })
  ))

it("of a call that is sent twice at once both sendings are answered alike", () =>
  withLog((log) =>
    Effect.gen(function* () {
      for (let round = 0; round < 20; round++) {
        const { id: session } = yield* opened(log)
        yield* Effect.promise(() => enqueue("twice"))
        const claim = log.claim({ session, call: 1, queue: "twice", limit: 1 })
        const [one, other] = yield* Effect.all([claim, claim], { concurrency: 2 })
        expect(one.grants).toHaveLength(1)
        expect(other.grants).toEqual(one.grants)
      }
    })
  ))
