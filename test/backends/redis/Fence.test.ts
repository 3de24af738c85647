/** Grants that are named wrongly, and calls that are repeated, with others' calls in between. */
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import type { EnqueueItem, Settlement } from "../../../src/log/JobLog.ts"
import { clockedTest } from "./ClockedLog.ts"
import { others } from "./otherMutants.ts"
import { claimer, completionOf, failureOf, item, server, stateOf } from "./TroubleSupport.ts"

const fenceTest = clockedTest(server())

const cause = { kind: "failure", message: "no" } as const
const settlements: ReadonlyArray<Settlement> = [
  { _tag: "Complete" },
  { _tag: "Complete", result: "1" },
  { _tag: "Complete", enqueue: [] },
  { _tag: "Retry", delay: 0, cause },
  { _tag: "Release" },
  { _tag: "DeadLetter", cause }
]

fenceTest("the token of a neighbour settles nothing", ({ log }) =>
  Effect.gen(function* () {
    const of = (options: Partial<EnqueueItem>): ReadonlyArray<EnqueueItem> =>
      Array.from({ length: 3 }, () => item("q", options))
    const jobs = [...of({}), ...of({ delay: 0 }), ...of({})]
    yield* log.enqueue(jobs)
    const { claim, next, session } = yield* claimer(log, "q")
    const { grants } = yield* claim()
    expect(grants).toHaveLength(jobs.length)
    const tokens = grants.map(({ token }) => token)
    for (const grant of grants) {
      for (const token of [...tokens, grant.token + 100n].filter((token) => token !== grant.token)) {
        const items = settlements.map((settlement) => ({ ...completionOf(grant), token, settlement }))
        for (const one of items) {
          const [result] = yield* log.settle({ session, call: next(), items: [one] })
          expect(result, JSON.stringify(one.settlement)).toEqual({ _tag: "Refused", reason: "stale" })
        }
      }
    }
    for (const { id } of jobs) expect(yield* stateOf(log, id)).toBe("Leased")
    const results = yield* log.settle({ session, call: next(), items: grants.map(completionOf) })
    expect(results).toEqual(grants.map(() => ({ _tag: "Settled", state: "Completed" })))
  })
)

fenceTest(
  "a claim is repeated after its job was removed and others have claimed",
  ({ log }) =>
    Effect.gen(function* () {
      const added = item("q")
      yield* log.enqueue([added])
      const first = yield* claimer(log, "q")
      const second = yield* claimer(log, "q")
      const call = { session: first.session, call: first.next(), queue: "q", limit: 10 }
      const { grants } = yield* log.claim(call)
      yield* log.settle({ session: first.session, call: first.next(), items: grants.map(completionOf) })
      expect((yield* second.claim()).grants).toEqual([])
      yield* log.control([{ _tag: "Purge", id: added.id }])
      expect((yield* log.claim(call)).grants).toEqual(grants)
    }),
  others.restingForgotten
)

fenceTest(
  "expired sessions that held nothing do not hide the one that did",
  ({ log, move }) =>
    Effect.gen(function* () {
      yield* Effect.forEach(Array.from({ length: 70 }), () => claimer(log, "q", 1000), { discard: true })
      yield* move(1)
      yield* log.enqueue([item("q")])
      const holds = yield* claimer(log, "q", 1000)
      expect((yield* holds.claim()).grants).toHaveLength(1)
      const lives = yield* claimer(log, "q")
      yield* move(5000)
      expect((yield* lives.claim()).grants).toHaveLength(1)
    }),
  others.onlyFirstDead
)

fenceTest("an empty claim of a paused queue names no lease that has ended", ({ log, move }) =>
  Effect.gen(function* () {
    yield* log.enqueue([item("q")])
    yield* log.control([{ _tag: "Pause", queue: "paused" }])
    const holds = yield* claimer(log, "q", 1000)
    expect((yield* holds.claim()).grants).toHaveLength(1)
    const { claim } = yield* claimer(log, "paused", 600_000)
    yield* move(5000)
    expect(yield* claim()).toMatchObject({ grants: [], nextAt: undefined })
  })
)

fenceTest("a page after what is no cursor is refused as such", ({ log }) =>
  Effect.gen(function* () {
    for (const after of ["abc", "", "-1", "1 2", "9".repeat(30)]) {
      expect(yield* failureOf(log.read({ _tag: "Jobs", limit: 10, after }))).toMatchObject({
        outcome: "refused",
        reason: "InvalidRequest"
      })
    }
  })
)

const nested = (depth: number): object => (depth === 0 ? {} : { of: nested(depth - 1) })

fenceTest("fields that nobody declared are not kept, whatever is in them", ({ log }) =>
  Effect.gen(function* () {
    const deep = nested(1100)
    const trace = { traceId: "0".repeat(31) + "1", spanId: "0".repeat(15) + "1", sampled: true, state: deep }
    const key = { value: "k", window: 0, state: deep }
    const jobs = [item("q"), item("q"), item("q", { delay: 0, trace, key }), item("q", { trace })]
    expect(yield* log.enqueue(jobs)).toEqual(jobs.map(({ id }) => ({ _tag: "Inserted", id })))
    // the same request, sent again
    expect(yield* log.enqueue(jobs)).toEqual(jobs.map(({ id }) => ({ _tag: "Inserted", id })))
    const { claim, next, session } = yield* claimer(log, "q")
    const { grants } = yield* claim()
    expect(grants).toHaveLength(4)
    const last = { _tag: "Retry" as const, delay: 1_000_000, cause: { ...cause, state: deep } }
    const results = yield* log.settle({
      session,
      call: next(),
      items: grants.map((grant, i) => (i === 1 ? { ...completionOf(grant), settlement: last } : completionOf(grant)))
    })
    expect(results.map((result) => result._tag)).toEqual(["Settled", "Settled", "Settled", "Settled"])
    expect(yield* log.read({ _tag: "Job", id: jobs[1]?.id ?? "" })).toMatchObject({ job: { cause } })
    expect(yield* log.read({ _tag: "Counts", queue: "q" })).toMatchObject({
      queues: [{ leased: 0, completed: 3, scheduled: 1 }]
    })
  })
)
