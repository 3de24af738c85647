/**
 * Answers that need what lies in the journal: grants with their payloads, results of completed jobs.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { ClaimResult, EnqueueResult, Grant, SettleResult } from "../../log/JobLog.ts"
import type { LogError } from "../../log/LogError.ts"
import type { Engine } from "./Engine.ts"
import type { Claimed } from "./EngineClaim.ts"
import type { Enqueued, KnownRequests, MissingResult } from "./EngineEnqueue.ts"
import { grantOf, locationOf, peekRequest, readRequest, readResult } from "./EngineRead.ts"
import type { Settled } from "./EngineSettle.ts"

/** Builds grants from the token on, as far as their requests are in memory. */
const collect = (engine: Engine, session: number, from: number, end: number, grants: Array<Grant>): number => {
  const { store, journal } = engine
  for (let token = from; token < end; token++) {
    const slot = store.grants.find(token)
    // a grant that ended meanwhile is not handed out
    if (slot === -1 || store.grants.session[slot] !== session) continue
    const request = peekRequest(journal, store, store.grants.row[slot]!)
    if (request === undefined) return token
    grants.push(grantOf(store, slot, request))
  }
  return end
}

/** The answer to a claim whose grants are durable. */
export const claimReply = (engine: Engine, session: number, claimed: Claimed): Effect.Effect<ClaimResult, LogError> => {
  const grants: Array<Grant> = []
  const { cursor, nextAt, now } = claimed
  const result: ClaimResult = { grants, cursor, nextAt, now }
  const end = claimed.firstToken + claimed.count
  let next = collect(engine, session, claimed.firstToken, end, grants)
  if (next === end) return Effect.succeed(result)
  const { store, journal } = engine
  return Effect.as(
    Effect.whileLoop({
      while: () => next < end,
      body: () => {
        const slot = store.grants.find(next)
        if (slot === -1) return Effect.void
        const { segment, offset, length } = locationOf(store, store.grants.row[slot]!)
        return Effect.map(readRequest(journal, { segment, offset, length }), (request) => {
          // what was read ahead serves the following jobs; this one may have moved or ended meanwhile
          const still = store.grants.find(next)
          if (still !== -1 && store.grants.session[still] === session) grants.push(grantOf(store, still, request))
          next++
        })
      },
      step: () => {
        next = collect(engine, session, next, end, grants)
      }
    }),
    result
  )
}

const fill = Effect.fnUntraced(function* (
  engine: Engine,
  results: Array<EnqueueResult>,
  missing: ReadonlyArray<MissingResult>
) {
  for (const { index, location } of missing) {
    const answer = results[index]!
    if (answer._tag !== "Duplicate") continue
    results[index] = { ...answer, result: yield* readResult(engine.journal, location) }
  }
})

/** The answers to an enqueue, with the results of completed jobs whose key it met. */
export const enqueueReply = (
  engine: Engine,
  enqueued: Enqueued
): Effect.Effect<ReadonlyArray<EnqueueResult>, LogError> =>
  enqueued.missing.length === 0
    ? Effect.succeed(enqueued.results)
    : Effect.as(fill(engine, enqueued.results, enqueued.missing), enqueued.results)

/** The answers to a settle, with the results that follow-up jobs met. */
export const settleReply = (engine: Engine, settled: Settled): Effect.Effect<ReadonlyArray<SettleResult>, LogError> =>
  settled.missing.length === 0
    ? Effect.succeed(settled.results)
    : Effect.as(
        Effect.forEach(
          settled.missing,
          ({ item, missing }) => {
            const answer = settled.results[item]!
            if (answer._tag !== "Settled" || answer.enqueued === undefined) return Effect.void
            // the array was made for this answer and is shared with nobody but its kept copy, which is to get it too
            return fill(engine, answer.enqueued as Array<EnqueueResult>, [missing])
          },
          { discard: true }
        ),
        settled.results
      )

/** Reads the stored requests of rows, for the comparison with a repeated id. */
export const loadRequests: (engine: Engine, rows: ReadonlyArray<number>) => Effect.Effect<KnownRequests, LogError> =
  Effect.fnUntraced(function* (engine, rows) {
    const known: KnownRequests = new Map()
    for (const row of rows) {
      const location = locationOf(engine.store, row)
      known.set(row, { location, request: yield* readRequest(engine.journal, location) })
    }
    return known
  })
