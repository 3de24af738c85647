/** Logs whose settlements and cancellations are wrong when several use them at once. */
import * as Effect from "effect/Effect"
import type { JobLogOperations, SettleItem, SettleRequest, SettleResult } from "../../../src/log/JobLog.ts"
import type { Mutant } from "../Mutant.ts"
import { following, ended, ownCalls, pause } from "./Following.ts"

/** Completes the job for whoever asks, under the grant of its present holder. */
const unfencedComplete = (log: JobLogOperations): JobLogOperations => {
  const { followed, holders } = following(log)
  const call = ownCalls()
  return {
    ...followed,
    settle: (request) =>
      Effect.gen(function* () {
        const results: Array<SettleResult> = [...(yield* followed.settle(request))]
        for (const [i, result] of results.entries()) {
          const item = request.items[i]
          const holder = holders.get(item?.id ?? "")
          if (result._tag !== "Refused" || item === undefined || holder === undefined) continue
          const items = [ended(holder, item.settlement)]
          const [again] = yield* Effect.orElseSucceed(
            log.settle({ session: holder.session, call: call(), items }),
            () => []
          )
          if (again?._tag === "Settled") results[i] = again
        }
        return results
      })
  }
}

/** Changes how settlements are carried out or answered, the same way when a call is repeated. */
const settling =
  (change: {
    readonly item?: (item: SettleItem, index: number) => SettleItem
    readonly answer?: (result: SettleResult, item: SettleItem) => SettleResult
  }) =>
  (log: JobLogOperations): JobLogOperations => ({
    ...log,
    settle: (request: SettleRequest) =>
      Effect.map(
        log.settle({
          ...request,
          items: request.items.map((item, i) => change.item?.(item, request.call + i) ?? item)
        }),
        (results) =>
          results.map((result, i) => {
            const item = request.items[i]
            return item === undefined ? result : (change.answer?.(result, item) ?? result)
          })
      )
  })

const forgetsCompletion = settling({
  item: (item, index) =>
    item.settlement._tag === "Complete" && index % 2 === 0 ? { ...item, settlement: { _tag: "Release" } } : item,
  answer: (result, item) =>
    result._tag === "Settled" && item.settlement._tag === "Complete" ? { _tag: "Settled", state: "Completed" } : result
})

const bothWin = settling({
  answer: (result, item) =>
    result._tag === "Refused" && result.reason === "cancelled" && item.settlement._tag === "Complete"
      ? { _tag: "Settled", state: "Completed" }
      : result
})

const releaseCounts = settling({
  item: (item) =>
    item.settlement._tag === "Release"
      ? {
          ...item,
          settlement: { _tag: "Retry", delay: item.settlement.delay ?? 0, cause: { kind: "failure", message: "" } }
        }
      : item
})

/** Says that it is done, and does it a little later. */
const lazyCancel = (log: JobLogOperations): JobLogOperations => ({
  ...log,
  control: (commands) =>
    Effect.gen(function* () {
      if (commands[0]?._tag !== "Cancel") return yield* log.control(commands)
      const found = yield* log.read({ _tag: "Job", id: commands[0].id })
      const state = found._tag === "Job" ? found.job?.state : undefined
      if (state !== "Ready") return yield* log.control(commands)
      yield* Effect.forkDetach(Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 8 }), log.control(commands)))
      return [{ _tag: "Done" }]
    })
})

/** Of two settlements at once the second overwrites the first, whose job is gone. */
const settlesCollide = (log: JobLogOperations): JobLogOperations => {
  let busy = false
  return {
    ...log,
    settle: (request) =>
      Effect.gen(function* () {
        const collides = busy
        busy = true
        yield* pause
        const results = yield* log.settle(request)
        busy = false
        const id = request.items[0]?.id
        if (collides && id !== undefined) {
          yield* log.control([
            { _tag: "Cancel", id },
            { _tag: "Purge", id }
          ])
        }
        return results
      }).pipe(Effect.ensuring(Effect.sync(() => void (busy = false))))
  }
}

export const settlementMutants: ReadonlyArray<Mutant> = [
  { name: "settle takes any token", law: "concurrentEndsOnce", within: 200, wrap: unfencedComplete },
  { name: "every other completion is a release", law: "concurrentEndsOnce", within: 50, wrap: forgetsCompletion },
  { name: "cancel and complete both win", law: "concurrentEndsOnce", within: 100, wrap: bothWin },
  { name: "cancel takes effect after its answer", law: "concurrentEndsOnce", within: 200, wrap: lazyCancel },
  { name: "of two settlements at once one job is gone", law: "nothingLostInADrain", within: 100, wrap: settlesCollide },
  { name: "release counts as an attempt", law: "concurrentHistoriesExplained", within: 100, wrap: releaseCounts }
]
