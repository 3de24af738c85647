/** Jobs that are settled and forgotten together are told to the server as runs of consecutive numbers. */
import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
import type { Grant, JobLogOperations } from "../../../../src/log/JobLog.ts"
import { makeSql } from "./sql.ts"

const { owner, withLog } = makeSql()

/** The grants of so many jobs of a queue, by claims of two at a time, so that tokens do not go on from one to the next. */
const granted = (log: JobLogOperations, queue: string, count: number) =>
  Effect.gen(function* () {
    const { id: session } = yield* log.open({ owner: "test", leaseDuration: 60_000 })
    for (let i = 0; i < count; i++) {
      yield* Effect.promise(() => owner(`SELECT leasehold.enqueue_job('${queue}', 'send', '{}')`))
    }
    const grants: Array<Grant> = []
    let call = 0
    while (grants.length < count) grants.push(...(yield* log.claim({ session, call: ++call, queue, limit: 2 })).grants)
    const complete = (chosen: ReadonlyArray<Grant>) =>
      log.settle({
        session,
        call: ++call,
        items: chosen.map(({ id, receipt, token }, i) => ({
          id,
          token,
          receipt,
          settlement: { _tag: "Complete", result: String(i) }
        }))
      })
    return { grants, complete }
  })

const pick = (grants: ReadonlyArray<Grant>, ...places: ReadonlyArray<number>): ReadonlyArray<Grant> =>
  places.flatMap((place) => grants[place] ?? [])

it("each of them gets its own answer and keeps its own result, in whatever order they are told", () =>
  withLog((log) =>
    Effect.gen(function* () {
      const { complete, grants } = yield* granted(log, "mixed", 8)
      yield* log.control(pick(grants, 5).map(({ id }) => ({ _tag: "Cancel", id })))
      const chosen = pick(grants, 6, 0, 5, 2, 3, 4)
      const settled = { _tag: "Settled", state: "Completed" }
      const cancelled = { _tag: "Refused", reason: "cancelled" }
      expect(yield* complete(chosen)).toEqual([settled, settled, cancelled, settled, settled, settled])
      const results: Array<unknown> = []
      for (const { id } of chosen) {
        const answer = yield* log.read({ _tag: "Job", id })
        results.push(answer._tag === "Job" ? answer.job?.result : answer)
      }
      expect(results).toEqual(["0", "1", undefined, "3", "4", "5"])
    })
  ))

it("a job that is told twice is refused the second time", () =>
  withLog((log) =>
    Effect.gen(function* () {
      const { complete, grants } = yield* granted(log, "twice", 3)
      const answers = yield* complete(pick(grants, 0, 1, 1, 2))
      expect(answers.map((answer) => (answer._tag === "Refused" ? answer.reason : answer._tag))).toEqual([
        "Settled",
        "Settled",
        "completed",
        "Settled"
      ])
    })
  ))

it("what stands between jobs that are forgotten stays", () =>
  withLog((log) =>
    Effect.gen(function* () {
      const { complete, grants } = yield* granted(log, "gaps", 7)
      yield* log.control([{ _tag: "Configure", queue: "gaps", policy: { retainCompletedCount: 0 } }])
      yield* complete(pick(grants, 6, 0, 2, 3))
      yield* log.reclaim({ limit: 10 })
      const left = yield* Effect.promise(() =>
        owner("SELECT id FROM leasehold.jobs WHERE queue = 'gaps' ORDER BY sequence")
      )
      expect(left.map(({ id }) => id)).toEqual(pick(grants, 1, 4, 5).map(({ id }) => id))
      expect((yield* complete(pick(grants, 1, 4, 5))).every(({ _tag }) => _tag === "Settled")).toBe(true)
    })
  ))
