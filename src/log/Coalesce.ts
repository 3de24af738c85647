/**
 * Enqueues that are called at the same time, as one statement: a commit costs the server about the same for one job as
 * for hundreds.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { EnqueueItem, EnqueueResult } from "./JobLog.ts"
import type { LogError } from "./LogError.ts"
import { itemsBytes, upperBytes } from "./ValidateItem.ts"
import { Limits } from "../model/Limits.ts"

/** Calls that carry this many jobs or more gain nothing from company. */
const large = 100

/** Statements under way at once, unless told otherwise: while one commits, the next is on its way. */
const usual = 2

/** Fewer calls than this are not worth a statement of their own while none is under way. */
const few = 16

/** Milliseconds after which a statement waits for something, such as a lock, that others need not wait for. */
const slow = 250

/** Calls of a refused statement that are sent again at once. */
const again = 4

type Enqueue = (items: ReadonlyArray<EnqueueItem>) => Effect.Effect<ReadonlyArray<EnqueueResult>, LogError>

interface Call {
  readonly items: ReadonlyArray<EnqueueItem>
  readonly bytes: number
  readonly answer: (exit: Exit.Exit<ReadonlyArray<EnqueueResult>, LogError>) => void
}

/** Whether it may be one call's fault that all were refused. */
const isOnesFault = (cause: Cause.Cause<LogError>): boolean => {
  const error = Cause.findErrorOption(cause)
  return (
    error._tag === "Some" &&
    error.value.outcome === "refused" &&
    (error.value.reason._tag === "InvalidRequest" ||
      (error.value.reason._tag === "Full" && error.value.reason.limit === "maxBacklog"))
  )
}

/**
 * Groups calls of `enqueue`: at most `inFlight` statements are under way, not counting any that takes its time, and what is
 * called meanwhile goes with the next. Where none is under way, many calls are shared out among several. Each call has its
 * own answer: where one is to blame that all were refused, they are sent again one by one. A caller that gives up takes its
 * jobs back if they were not sent yet. Statements run in `context`, never in a caller's.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const coalesce = (enqueue: Enqueue, context: Context.Context<never>, inFlight = usual): Enqueue => {
  const fork = Effect.runForkWith(context)
  let waiting: Array<Call> = []
  let running = 0
  let sent = 0

  const take = (): ReadonlyArray<Call> => {
    let items = 0
    let bytes = 0
    let count = 0
    // Who is answered at the same time calls again at the same time: as one statement, they and the server would take turns
    // at waiting for each other, for ever.
    const most = sent > 0 ? waiting.length : Math.max(few, Math.ceil(waiting.length / inFlight))
    for (const call of waiting) {
      items += call.items.length
      bytes += call.bytes
      if (count === most || (count > 0 && (items > Limits.batchItems || bytes > Limits.batchBytes))) break
      count++
    }
    if (count < waiting.length) return waiting.splice(0, count)
    const all = waiting
    waiting = []
    return all
  }

  const alone = (call: Call): Effect.Effect<void> =>
    Effect.map(Effect.exit(enqueue(call.items)), (exit) => call.answer(exit))

  const together = (calls: ReadonlyArray<Call>): Effect.Effect<void> => {
    const [first] = calls
    if (first === undefined) return Effect.void
    if (calls.length === 1) return alone(first)
    return Effect.flatMap(Effect.exit(enqueue(calls.flatMap(({ items }) => items))), (exit) => {
      if (Exit.isSuccess(exit)) {
        let from = 0
        for (const { answer, items } of calls) {
          answer(Exit.succeed(exit.value.slice(from, from + items.length)))
          from += items.length
        }
        return Effect.void
      }
      if (isOnesFault(exit.cause)) return Effect.forEach(calls, alone, { concurrency: again, discard: true })
      for (const { answer } of calls) answer(exit)
      return Effect.void
    })
  }

  const statements = Effect.gen(function* () {
    // callers of the same turn share a statement
    yield* Effect.yieldNow
    while (waiting.length > 0) {
      const calls = take()
      sent++
      const statement = yield* Effect.forkDetach(together(calls), { startImmediately: true })
      yield* Effect.raceFirst(Fiber.await(statement), Effect.sleep(slow))
      sent--
    }
    running--
  })

  return (items) =>
    items.length >= large
      ? enqueue(items)
      : Effect.callback((resume) => {
          const call: Call = { items, bytes: itemsBytes(items, upperBytes), answer: resume }
          waiting.push(call)
          if (running < inFlight) {
            running++
            fork(statements)
          }
          return Effect.sync(() => {
            waiting = waiting.filter((other) => other !== call)
          })
        })
}
