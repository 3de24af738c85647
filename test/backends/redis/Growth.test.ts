/** What the server keeps for a while must not pile up, however long a log is used. */
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import type { EnqueueItem } from "../../../src/log/JobLog.ts"
import { type ClockedLog, clockedTest } from "./ClockedLog.ts"
import { others } from "./otherMutants.ts"
import { claimer, completionOf, item, server } from "./TroubleSupport.ts"

const growthTest = clockedTest(server())

const kept = ({ ask }: ClockedLog, queue: string) => Effect.map(ask("LLEN", `u:${queue}`), Number)

/** Rounds of jobs, of which a hundred are kept; 64 calls of a session are 32 rounds. */
const rounds = (count: number, options: (n: number) => Partial<EnqueueItem>) => (given: ClockedLog) =>
  Effect.gen(function* () {
    const { log } = given
    for (const queue of ["q", "r"]) {
      yield* log.control([{ _tag: "Configure", queue, policy: { retainCompletedCount: 100, groupConcurrency: 5 } }])
    }
    const workers = [yield* claimer(log, "q"), yield* claimer(log, "r")]
    const sizes: Array<number> = []
    for (let round = 1; round <= 80; round++) {
      yield* log.enqueue(Array.from({ length: count }, (_, n) => item("q", options(n))))
      for (const { claim, next, session } of workers) {
        const { grants } = yield* claim(1000)
        if (grants.length > 0) yield* log.settle({ session, call: next(), items: grants.map(completionOf) })
      }
      if (round % 20 === 0) sizes.push(yield* kept(given, "q"))
    }
    expect(sizes[3], sizes.join(" ")).toBeLessThanOrEqual((sizes[1] ?? 0) * 1.2)
  })

growthTest(
  "rounds of members of groups",
  rounds(150, (n) => ({ group: `g${n}` }))
)
growthTest(
  "rounds of delayed jobs",
  rounds(150, () => ({ delay: 0 })),
  others.fewGo
)
growthTest(
  "rounds of plain jobs, each in a frame of its own",
  rounds(300, (n) => ({ queue: n % 2 === 0 ? "q" : "r" }))
)

growthTest(
  "a session that has only its lease renewed does not hold up what others are done with",
  (given) =>
    Effect.gen(function* () {
      const { log } = given
      yield* log.control([{ _tag: "Configure", queue: "q", policy: { retainCompletedCount: 0 } }])
      const rests = yield* claimer(log, "q", 3_600_000)
      const works = yield* claimer(log, "q", 3_600_000)
      yield* log.enqueue([item("q"), item("other"), item("q")])
      const { grants } = yield* rests.claim(1)
      yield* log.settle({ session: rests.session, call: rests.next(), items: grants.map(completionOf) })
      const sizes: Array<number> = []
      for (let round = 1; round <= 200; round++) {
        yield* log.enqueue(Array.from({ length: 30 }, () => [item("q"), item("other")]).flat())
        const { grants } = yield* works.claim(100)
        yield* log.settle({ session: works.session, call: works.next(), items: grants.map(completionOf) })
        if (round % 50 === 0) sizes.push(yield* kept(given, "q"))
      }
      expect(Math.max(...sizes), sizes.join(" ")).toBeLessThan(30 * 64)
    }),
  others.firstHoldsUp
)

growthTest(
  "jobs that an operator removes as soon as they are done",
  ({ ask, log }) =>
    Effect.gen(function* () {
      const { claim, next, session } = yield* claimer(log, "q")
      for (let round = 0; round < 100; round++) {
        const added = item("q", round % 2 === 0 ? {} : { group: "g" })
        yield* log.enqueue([added])
        const { grants } = yield* claim()
        yield* log.settle({ session, call: next(), items: grants.map(completionOf) })
        yield* log.control([{ _tag: "Purge", id: added.id }])
      }
      expect(Number(yield* ask("LLEN", "f:q"))).toBeLessThan(2)
    }),
  others.endingsStay
)
