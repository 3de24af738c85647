/**
 * Counting the calls that a law makes.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { JobLogOperations } from "../src/log/JobLog.ts"

/**
 * The same log, telling of each call that is made.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const counted = (log: JobLogOperations, onCall: () => void): JobLogOperations => {
  const count = <A, E>(call: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      onCall()
      return call
    })
  return {
    capabilities: log.capabilities,
    open: (options) => count(log.open(options)),
    renew: (request) => count(log.renew(request)),
    close: (session) => count(log.close(session)),
    enqueue: (items) => count(log.enqueue(items)),
    claim: (request) => count(log.claim(request)),
    settle: (request) => count(log.settle(request)),
    reclaim: (options) => count(log.reclaim(options)),
    control: (commands) => count(log.control(commands)),
    read: (query) => count(log.read(query)),
    changes: (request) => count(log.changes(request))
  }
}
