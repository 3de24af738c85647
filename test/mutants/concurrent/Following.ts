/** What logs need that break when several use them: to know who holds what, and to let others in between. */
import * as Effect from "effect/Effect"
import type { Grant, JobLogOperations, SettleItem } from "../../../src/log/JobLog.ts"

/** Lets other callers in between. */
export const pause = Effect.repeat(Effect.yieldNow, { times: 2 })

export const every = (n: number): (() => boolean) => {
  let count = 0
  return () => ++count % n === 0
}

/** Numbers of calls that no client uses. */
export const ownCalls = () => {
  let call = 100_000
  return () => ++call
}

interface Holder {
  readonly session: string
  readonly grant: Grant
}

/** The latest grant of each job, as long as it is not known to have ended. */
export const following = (log: JobLogOperations) => {
  const holders = new Map<string, Holder>()
  const followed: JobLogOperations = {
    ...log,
    claim: (request) =>
      Effect.tap(log.claim(request), ({ grants }) =>
        Effect.sync(() => grants.forEach((grant) => holders.set(grant.id, { session: request.session, grant })))
      ),
    settle: (request) =>
      Effect.tap(log.settle(request), (results) =>
        Effect.sync(() =>
          results.forEach((result, i) => {
            if (result._tag === "Settled") holders.delete(request.items[i]?.id ?? "")
          })
        )
      )
  }
  return { holders, followed }
}

export const ended = ({ grant }: Holder, settlement: SettleItem["settlement"]): SettleItem => ({
  id: grant.id,
  token: grant.token,
  receipt: grant.receipt,
  settlement
})
