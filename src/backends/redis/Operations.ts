/**
 * The operations of the port, each as one call of a function on the server: one round trip, one atomic step.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { ClaimRequest, ControlCommand, ControlResult, JobLogOperations, JobView } from "../../log/JobLog.ts"
import { Full, InvalidRequest, type LogError, refused, SessionDead, unknown } from "../../log/LogError.ts"
import type { Connection, Reply } from "./Connection.ts"
import { enqueueResults, enqueueWords } from "./EnqueueCall.ts"
import { type Claimed, toClaimed, toView } from "./Grants.ts"
import { fromShort, toShort } from "./JobId.ts"
import type { FunctionName } from "./Library.ts"
import { integer, letterOf, list, optional, text } from "./Replies.ts"
import { settleResults, settleWords } from "./SettleCall.ts"

/** Jobs of a closed session that one call gives back. */
const givenBack = 1000

/** Calls for one page, where few of the jobs that are looked at are wanted. */
const looks = 50

const operationNames: Readonly<Record<string, string>> = { r: "renew", c: "claim", s: "settle" }

/** Why a numbered call has no answer of its own. */
const verdictError = (
  operation: string,
  session: string,
  call: number,
  verdict: Reply | undefined,
  earlier: Reply | undefined
): LogError => {
  switch (verdict) {
    case 1:
      return refused(operation, new SessionDead({ session }))
    case 3: {
      const detail = `answers are kept for a session's latest 64 calls, and ${call} is older`
      return unknown(operation, new InvalidRequest({ field: "call", detail }))
    }
    default: {
      const name = operationNames[text(earlier)] ?? "another operation"
      const detail = `${call} was a call of ${name}; give every new call the next number`
      return refused(operation, new InvalidRequest({ field: "call", detail }))
    }
  }
}

/** Where a page ends. */
const sequencePattern = /^\d{1,16}$/

const optionalWord = (value: number | undefined): string => (value === undefined ? "" : String(value))

const commandWords = (command: ControlCommand): ReadonlyArray<string> => {
  switch (command._tag) {
    case "Cancel":
      return ["c", toShort(command.id)]
    case "Redrive":
      return ["d", toShort(command.id)]
    case "Purge":
      return ["p", toShort(command.id)]
    case "Reschedule":
      return [
        "s",
        toShort(command.id),
        optionalWord(command.at),
        optionalWord(command.delay),
        optionalWord(command.priority)
      ]
    case "Pause":
      return ["P", command.queue]
    case "Resume":
      return ["R", command.queue]
    case "Configure": {
      const { groupConcurrency, groupOnRetry, maxBacklog, retainCompleted, retainCompletedCount } = command.policy
      return [
        "C",
        command.queue,
        optionalWord(groupConcurrency),
        groupOnRetry === undefined ? "" : groupOnRetry === "stepAside" ? "1" : "0",
        maxBacklog === "unlimited" ? "-" : optionalWord(maxBacklog),
        optionalWord(retainCompleted),
        optionalWord(retainCompletedCount)
      ]
    }
  }
}

/**
 * All operations but `changes`, as calls of functions.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Calls extends Omit<JobLogOperations, "capabilities" | "changes" | "claim"> {
  /** `ifEmpty` as the function has it: the empty text to be answered so, `-` to leave the call open, a channel to wait. */
  readonly claim: (request: ClaimRequest, ifEmpty: string) => Effect.Effect<Claimed, LogError>
  /** Nobody waits for this claim any more; it stays open. */
  readonly unpark: (request: ClaimRequest) => Effect.Effect<void, LogError>
  /** Asks to be told when jobs end: answers those that have ended or are unknown. */
  readonly await: (ids: ReadonlyArray<string>, millis: number) => Effect.Effect<ReadonlyArray<string>, LogError>
}

/**
 * The operations on a connection.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const operations = (connection: Connection): Calls => {
  const call = (operation: string, name: FunctionName, words: ReadonlyArray<string>): Effect.Effect<Reply, LogError> =>
    connection.call(operation, name, words)
  const reading = (name: FunctionName, words: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<Reply>, LogError> =>
    Effect.map(connection.call("read", name, words, { readOnly: true }), list)

  const page = (words: ReadonlyArray<string>, after: string, limit: number) =>
    Effect.map(reading("readJobs", [...words, after, String(limit)]), ([now, jobs, next]) => ({
      now: integer(now),
      jobs: list(jobs).map((row) => toView(list(row))),
      next: optional(next, text)
    }))

  return {
    open: Effect.fnUntraced(function* ({ leaseDuration, owner }) {
      const random = yield* Random.nextIntBetween(0, Number.MAX_SAFE_INTEGER)
      const reply = list(yield* call("open", "open", [String(leaseDuration), owner, random.toString(36)]))
      const now = integer(reply[1])
      return { id: text(reply[0]), leaseDuration, now, expiresAt: now + leaseDuration }
    }),
    renew: Effect.fnUntraced(function* (request) {
      const [verdict, answer] = list(
        yield* call("renew", "renew", [
          request.session,
          String(request.call),
          String(request.started.length),
          ...request.started.map(String),
          ...request.progress.flatMap(({ token, value }) => [String(token), value])
        ])
      )
      if (verdict !== 0) return yield* verdictError("renew", request.session, request.call, verdict, answer)
      const [now, expiresAt, lost, cancelled, paused] = list(answer)
      const tokens = (reply: Reply | undefined) => list(reply).map((token) => BigInt(text(token)))
      return {
        now: integer(now),
        expiresAt: integer(expiresAt),
        lost: tokens(lost),
        cancelled: tokens(cancelled),
        paused: list(paused).map(text)
      }
    }),
    close: Effect.fnUntraced(function* (session) {
      while ((yield* call("close", "close", [session, String(givenBack)])) === 1);
    }),
    enqueue: Effect.fnUntraced(function* (items) {
      const { jobs, queues } = enqueueWords(items)
      const [verdict, answer, waiting, most] = list(
        yield* call("enqueue", "enqueue", [String(queues.length), ...queues, ...jobs])
      )
      if (verdict === 0) return enqueueResults(items, answer)
      const detail = `queue ${text(answer)} has ${integer(waiting)} waiting jobs of at most ${integer(most)}`
      return yield* refused("enqueue", new Full({ limit: "maxBacklog", detail }))
    }),
    claim: Effect.fnUntraced(function* (request, ifEmpty) {
      const { call: number, limit, queue, session } = request
      while (true) {
        const answer = list(yield* call("claim", "claim", [session, String(number), queue, String(limit), ifEmpty]))
        const [verdict, earlier] = answer
        if (verdict !== 0) return yield* verdictError("claim", session, number, verdict, earlier)
        const claimed = toClaimed(queue, answer)
        if (!claimed.again) return claimed
      }
    }),
    unpark: ({ call: number, queue, session }) =>
      Effect.asVoid(call("claim", "unpark", [session, String(number), queue])),
    settle: Effect.fnUntraced(function* (request) {
      const { order, words } = settleWords(request.items)
      const [verdict, answer] = list(yield* call("settle", "settle", [request.session, String(request.call), ...words]))
      if (verdict !== 0) return yield* verdictError("settle", request.session, request.call, verdict, answer)
      return settleResults(request.items, order, answer)
    }),
    reclaim: ({ limit }) =>
      Effect.map(call("reclaim", "reclaim", [String(limit)]), (reply) => {
        const [reclaimed, deadLettered, more, nextAt] = list(reply)
        return {
          reclaimed: integer(reclaimed),
          deadLettered: integer(deadLettered),
          more: more === 1,
          nextAt: optional(nextAt, integer)
        }
      }),
    control: (commands) =>
      Effect.map(call("control", "control", commands.flatMap(commandWords)), (reply) => {
        const results: Array<ControlResult> = commands.map(() => ({ _tag: "Done" }))
        for (const [number, reason, holder] of list(reply).map(list)) {
          results[integer(number) - 1] = {
            _tag: "Refused",
            // the function answers with the port's words
            reason: text(reason) as Extract<ControlResult, { _tag: "Refused" }>["reason"],
            ...(holder === undefined || holder === null ? undefined : { holder: fromShort(text(holder)) })
          }
        }
        return results
      }),
    read: Effect.fnUntraced(function* (query) {
      switch (query._tag) {
        case "Job": {
          const [now, job] = yield* reading("readJob", [toShort(query.id)])
          return { _tag: "Job", now: integer(now), job: optional(job, (row) => toView(list(row))) }
        }
        case "Jobs": {
          if (query.after !== undefined && !sequencePattern.test(query.after)) {
            const detail = "must be the cursor that a page before was answered with"
            return yield* refused("read", new InvalidRequest({ field: "after", detail }))
          }
          const words = [query.queue ?? "", query.state === undefined ? "" : letterOf(query.state), query.name ?? ""]
          const jobs: Array<JobView> = []
          let found = yield* page(words, query.after ?? "0", query.limit)
          jobs.push(...found.jobs)
          for (let look = 1; look < looks && found.next !== undefined && jobs.length < query.limit; look++) {
            found = yield* page(words, found.next, query.limit - jobs.length)
            jobs.push(...found.jobs)
          }
          return { _tag: "Jobs", now: found.now, jobs, next: found.next }
        }
        case "Counts": {
          const page = (after: number) => reading("readCounts", [query.queue ?? "", String(after)])
          let [now, found, next] = yield* page(0)
          const rows = [...list(found)]
          while (next !== undefined && next !== null) {
            ;[now, found, next] = yield* page(integer(next))
            rows.push(...list(found))
          }
          return {
            _tag: "Counts",
            now: integer(now),
            queues: rows.map((row) => {
              const [queue, paused, scheduled, ready, leased, completed, deadLettered, cancelled, oldest] = list(row)
              return {
                queue: text(queue),
                paused: paused === 1,
                scheduled: integer(scheduled),
                ready: integer(ready),
                leased: integer(leased),
                completed: integer(completed),
                deadLettered: integer(deadLettered),
                cancelled: integer(cancelled),
                oldestReadySince: optional(oldest, integer)
              }
            })
          }
        }
      }
    }),
    await: (ids, millis) =>
      Effect.map(connection.call("changes", "await", [String(millis), ...ids.map(toShort)]), (reply) =>
        list(reply).map((id) => fromShort(text(id)))
      )
  }
}
