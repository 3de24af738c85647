/**
 * Jobs that are completed in a transaction of their handler's: what the handler writes there and the job's completion
 * are kept together or not at all, so that in one database a job has its effects exactly once.
 *
 * @since 0.1.0
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as PgTypes from "@effect/sql-pg/PgTypes"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SettleItem } from "../../log/JobLog.ts"
import type { LogError } from "../../log/LogError.ts"
import { failure } from "./Failure.ts"
import type { Service } from "./Service.ts"
import { toText } from "./Text.ts"

/**
 * The job is not this run's to complete: undo the transaction.
 *
 * - `stale`: the run has lost its lease, and the job is or will be another's
 * - `cancelled`: an operator cancelled the job
 * - `completed`: the job is completed, maybe by an earlier try of this very transaction
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class NotHeld extends Schema.TaggedError<NotHeld>()("NotHeld", {
  id: Schema.String,
  reason: Schema.Literals(["stale", "cancelled", "completed"])
}) {
  override get message(): string {
    return `job ${this.id} is not this run's to complete (${this.reason}): undo the transaction`
  }
}

/**
 * Completes jobs in the transactions of their handlers.
 *
 * @since 0.1.0
 * @category services
 * @stability unstable
 */
export class Completion extends Context.Service<
  Completion,
  { readonly complete: (item: SettleItem) => Effect.Effect<void, NotHeld | LogError> }
>()("leasehold/backends/postgres/Completion") {}

/**
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = (sql: PgClient.PgClient, schema: string, { announce, log }: Service): Completion["Service"] => {
  const statement = `SELECT "${schema}".complete_held($1, $2, $3)`
  return {
    complete: Effect.fnUntraced(function* ({ id, settlement, token }) {
      const joined = yield* Effect.serviceOption(sql.transactionService)
      if (joined._tag === "None") {
        return yield* Effect.die(
          new Error(
            "completeInTransaction was called outside of a transaction of the client that the log was made with"
          )
        )
      }
      if (settlement._tag !== "Complete") return
      const { enqueue = [], result } = settlement
      const rows = yield* Effect.mapError(
        sql.unsafe(statement, [
          PgTypes.uuid(id),
          PgTypes.int8(token),
          PgTypes.text(result === undefined ? null : toText(result))
        ]).values,
        failure("settle")
      )
      const reason = rows[0]?.[0]
      // the words that the function answers with
      if (reason !== null) return yield* new NotHeld({ id, reason: reason as NotHeld["reason"] })
      if (enqueue.length > 0) yield* log.enqueue(enqueue)
      yield* announce({ queues: [], jobs: [id] })
    })
  }
}

/**
 * Completes the job of a handler in the transaction that the handler is in, and answers its result: return that. Call it
 * last, inside `sql.withTransaction` of the client that the log was made with: other writers of the job wait from here
 * to the end of the transaction. Jobs that the run has asked for by `followUp` are enqueued with it.
 *
 * Fails with {@link NotHeld} where the job is no longer this run's, and the transaction must be undone.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const completeInTransaction = <A = void>(
  job: { readonly completion: (success: unknown) => Effect.Effect<SettleItem> },
  ...[success]: [A] extends [void] ? [success?: A] : [success: A]
): Effect.Effect<A, NotHeld | LogError, Completion> =>
  Effect.gen(function* () {
    const completion = yield* Completion
    yield* completion.complete(yield* job.completion(success))
    // left out only where it is void
    return success as A
  })
