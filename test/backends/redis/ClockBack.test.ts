/** The server's clock goes back, as that of a replica which takes over may be behind. */
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import { clockedTest } from "./ClockedLog.ts"
import { others } from "./otherMutants.ts"
import { claimer, completionOf, failureOf, item, server } from "./TroubleSupport.ts"

const clockTest = clockedTest(server())

clockTest(
  "a group goes on",
  ({ log, move }) =>
    Effect.gen(function* () {
      yield* log.enqueue([item("q", { group: "g" }), item("q", { group: "g" })])
      const { claim, next, session } = yield* claimer(log, "q", 3_600_000)
      const { grants } = yield* claim()
      yield* move(-10)
      yield* log.settle({ session, call: next(), items: grants.map(completionOf) })
      const { nextAt, now, grants: early } = yield* claim()
      // as soon as it was visible by the clock as it is now, or before
      expect(early.length === 1 || nextAt === now + 10, `next at ${nextAt} of ${now}`).toBe(true)
      yield* move(10)
      expect([...early, ...(yield* claim()).grants]).toHaveLength(1)
    }),
  others.headNotLookedFor
)

clockTest(
  "whatever was done before, all jobs are handed over in the end",
  ({ log, move, now }) =>
    Effect.gen(function* () {
      const left = new Set<string>()
      const { claim, next, session } = yield* claimer(log, "q", 3_600_000)
      // steps back and forth, jobs of groups, delayed and plain ones, which end, are retried or are given back
      for (let round = 0; round < 60; round++) {
        const added = [
          item("q", { group: `g${round % 3}` }),
          item("q", { delay: (round * 7) % 40 }),
          item("q", { group: `g${round % 2}`, delay: round % 5 }),
          item("q")
        ]
        yield* log.enqueue(added)
        for (const { id } of added) left.add(id)
        yield* move(round % 2 === 0 ? 13 : -((round * 5) % 23))
        const { grants } = yield* claim(3)
        yield* move(round % 3 === 0 ? -17 : 5)
        yield* log.settle({
          session,
          call: next(),
          items: grants.map((grant, i) => ({
            ...completionOf(grant),
            settlement:
              (round + i) % 4 === 1
                ? { _tag: "Retry" as const, delay: i * 9, cause: { kind: "failure" as const, message: "no" } }
                : (round + i) % 4 === 2
                  ? { _tag: "Release" as const }
                  : { _tag: "Complete" as const }
          }))
        })
        for (const [i, { id }] of grants.entries()) if ((round + i) % 4 === 0 || (round + i) % 4 === 3) left.delete(id)
      }
      yield* move(-1000)
      for (let round = 0; round < 200 && left.size > 0; round++) {
        const { grants, nextAt } = yield* claim()
        yield* log.settle({ session, call: next(), items: grants.map(completionOf) })
        for (const { id } of grants) left.delete(id)
        if (grants.length === 0) yield* move(nextAt === undefined ? 10_000 : Math.max(1, nextAt - now()))
      }
      expect([...left]).toEqual([])
    }),
  others.headNotLookedFor
)

clockTest(
  "a session that was found dead stays dead",
  ({ log, move }) =>
    Effect.gen(function* () {
      yield* log.enqueue([item("q")])
      const dead = yield* claimer(log, "q", 1000)
      expect((yield* dead.claim()).grants).toHaveLength(1)
      yield* move(1500)
      const renewal = Effect.suspend(() =>
        log.renew({ session: dead.session, call: dead.next(), started: [], progress: [] })
      )
      expect(yield* failureOf(renewal)).toMatchObject({ outcome: "refused", reason: "SessionDead" })
      yield* move(-1000)
      expect(yield* failureOf(renewal)).toMatchObject({ outcome: "refused", reason: "SessionDead" })
      // and what it held is there for others at once
      const { claim } = yield* claimer(log, "q", 1000)
      expect((yield* claim()).grants).toHaveLength(1)
    }),
  others.deadUntilBack
)
