/**
 * What a trace tells of a log: who got which job, and how that ended.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { JobLogOperations } from "../log/JobLog.ts"

/**
 * The same log; its grants and settlements are noted.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const narrated = (log: JobLogOperations, note: (line: string) => void): JobLogOperations => {
  const holders = new Map<string, string>()
  return {
    ...log,
    open: (request) =>
      Effect.map(log.open(request), (session) => {
        holders.set(session.id, request.owner)
        return session
      }),
    claim: (request) =>
      Effect.map(log.claim(request), (result) => {
        for (const { attempt, delivery, id, name, token } of result.grants) {
          const holder = holders.get(request.session) ?? ""
          note(
            `${name} ${id} goes to ${holder} ${request.session}: token ${token}, delivery ${delivery}, attempt ${attempt}`
          )
        }
        return result
      }),
    settle: (request) =>
      Effect.map(log.settle(request), (results) => {
        for (const [at, { id, settlement, token }] of request.items.entries()) {
          const result = results[at]
          const outcome =
            result?._tag === "Settled" ? result.state : result?._tag === "Refused" ? result.reason : "unverified"
          note(`${settlement._tag} of ${id} with token ${token}: ${outcome}`)
        }
        return results
      })
  }
}

/** Lines about what every fleet does all the time. */
const routine = / (->|<-|gives up) (renew|reclaim|read|claim|changes)\b/

/**
 * The last lines of a trace that tell something.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const telling = (lines: ReadonlyArray<string>, keep: number): ReadonlyArray<string> =>
  keep === 0 ? [] : lines.filter((line) => !routine.test(line)).slice(-keep)
