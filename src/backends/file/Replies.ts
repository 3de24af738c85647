/**
 * Answers that need what lies in the journal: grants with their payloads, results of completed jobs.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { ClaimResult, EnqueueResult, Grant, SettleResult } from "../../log/JobLog.ts"
import { type LogError, unknown } from "../../log/LogError.ts"
import type { Engine } from "./Engine.ts"
import type { Claimed } from "./Claimed.ts"
import type { Enqueued, KnownRequests } from "./EngineEnqueue.ts"
import { locationOf, parseRequest, readRequest, readResult } from "./EngineRead.ts"
import { parseJobId } from "./JobId.ts"
import type { Settled } from "./EngineSettle.ts"

const words = new Int32Array(4)

/** Most bytes that one look takes: less than what is read ahead at once. */
const spanBytes = 128 * 1024

/**
 * Builds grants from the index on, as far as their requests are in memory; answers the index of the first that is not.
 * Jobs that were stored side by side, as those of a queue mostly are, are looked at as one range.
 */
const collect = (engine: Engine, claimed: Claimed, from: number, grants: Array<Grant>): number => {
  const { count } = claimed
  let index = from
  while (index < count) {
    const segment = claimed.segmentAt(index)
    const start = claimed.offsetAt(index)
    let last = index
    let end = start + claimed.lengthAt(index)
    while (last + 1 < count && claimed.segmentAt(last + 1) === segment && claimed.offsetAt(last + 1) >= end) {
      const next = claimed.offsetAt(last + 1) + claimed.lengthAt(last + 1)
      if (next - start > spanBytes) break
      end = next
      last++
    }
    let bytes = engine.journal.peek(segment, start, end - start)
    if (bytes === undefined && last > index) {
      last = index
      bytes = engine.journal.peek(segment, start, claimed.lengthAt(index))
    }
    if (bytes === undefined) return index
    for (; index <= last; index++) {
      const at = claimed.offsetAt(index) - start
      grants.push(build(engine, claimed, index, bytes, at, at + claimed.lengthAt(index)))
    }
  }
  return count
}

const build = (engine: Engine, claimed: Claimed, index: number, bytes: Buffer, start: number, end: number): Grant => {
  const grant = claimed.grant(index, parseRequest(bytes, start, end, words), words)
  const slot = engine.store.grants.find(claimed.firstToken + index)
  if (slot !== -1) engine.store.grants.id[slot] = grant.id
  return grant
}

/**
 * The grants of a claim; they are durable.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const grantsOf = (engine: Engine, claimed: Claimed): Effect.Effect<ReadonlyArray<Grant>, LogError> => {
  if (claimed.grants !== undefined) return Effect.succeed(claimed.grants)
  const grants: Array<Grant> = []
  let next = collect(engine, claimed, 0, grants)
  if (next === claimed.count) return Effect.succeed(grants)
  const { journal } = engine
  const rest = Effect.map(
    Effect.whileLoop({
      // compaction may have read the same grants meanwhile and let the answer go of what they are built from
      while: () => claimed.grants === undefined && next < claimed.count,
      body: () => {
        const { segment, offset, length } = claimed.location(next)
        return journal.read(segment, offset, length)
      },
      step: (bytes) => {
        if (claimed.grants !== undefined) return
        grants.push(build(engine, claimed, next, bytes, 0, bytes.length))
        // what was read ahead serves the following ones
        next = collect(engine, claimed, next + 1, grants)
      }
    }),
    () => claimed.grants ?? grants
  )
  return engine.reads.during(rest)
}

/**
 * The answer to a claim whose grants are durable.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const claimReply = (engine: Engine, claimed: Claimed): Effect.Effect<ClaimResult, LogError> => {
  const { cursor, nextAt, now } = claimed
  return Effect.mapBoth(grantsOf(engine, claimed), {
    // the jobs are granted, whether they can be shown or not
    onFailure: ({ reason }) => unknown("claim", reason),
    onSuccess: (grants) => ({ grants, cursor, nextAt, now })
  })
}

/**
 * Adds the results to answers that lack them. The job is looked up now: its result never changes, but may have gone. One
 * that cannot be read must not hide what the rest of the batch came to, all of which has happened.
 */
const fill = Effect.fnUntraced(function* (
  engine: Engine,
  results: Array<EnqueueResult>,
  missing: ReadonlyArray<number>
) {
  const { store, journal } = engine
  for (const index of missing) {
    const answer = results[index]!
    if (answer._tag !== "Duplicate") continue
    parseJobId(answer.id, words, 0)
    const row = store.ids.find(words, 0)
    const location = row === -1 ? undefined : store.results.get(row)
    const read =
      location === undefined
        ? undefined
        : yield* Effect.catch(readResult(journal, location), (error) =>
            Effect.as(Effect.logWarning(`the result of job ${answer.id} cannot be read`, error), undefined)
          )
    results[index] = read === undefined ? { ...answer, resultGone: true } : { ...answer, result: read }
  }
})

/**
 * The answers to an enqueue, with the results of completed jobs whose key it met.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const enqueueReply = (engine: Engine, enqueued: Enqueued): Effect.Effect<ReadonlyArray<EnqueueResult>> =>
  enqueued.missing.length === 0
    ? Effect.succeed(enqueued.results)
    : Effect.as(engine.reads.during(fill(engine, enqueued.results, enqueued.missing)), enqueued.results)

/**
 * The answers to a settle, with the results that follow-up jobs met.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const settleReply = (engine: Engine, settled: Settled): Effect.Effect<ReadonlyArray<SettleResult>> =>
  settled.missing.length === 0
    ? Effect.succeed(settled.results)
    : Effect.as(
        Effect.forEach(
          settled.missing,
          ({ item, index }) => {
            const answer = settled.results[item]!
            if (answer._tag !== "Settled" || answer.enqueued === undefined) return Effect.void
            // the array was made for this answer and is shared with nobody but its kept copy, which is to get it too
            return engine.reads.during(fill(engine, answer.enqueued as Array<EnqueueResult>, [index]))
          },
          { discard: true }
        ),
        settled.results
      )

/**
 * Reads the stored requests of rows, for the comparison with a repeated id.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const loadRequests: (engine: Engine, rows: ReadonlyArray<number>) => Effect.Effect<KnownRequests, LogError> =
  Effect.fnUntraced(function* (engine, rows) {
    const known: KnownRequests = new Map()
    for (const row of rows) {
      const location = locationOf(engine.store, row)
      known.set(row, { location, request: yield* readRequest(engine.journal, location) })
    }
    return known
  })
