/**
 * The operations of the port, each as one call of a function in the log's schema: one round trip, one transaction, no
 * session state, so that they work through a pooler in transaction mode.
 *
 * @since 0.1.0
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as PgTypes from "@effect/sql-pg/PgTypes"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { SqlError } from "effect/sql/SqlError"
import type { ControlCommand, ControlResult, JobLogOperations } from "../../log/JobLog.ts"
import { InvalidRequest, type LogError, refused, SessionDead, unknown } from "../../log/LogError.ts"
import {
  enqueueParameters,
  enqueuePlaceholders,
  enqueueResults,
  plainParameters,
  plainPlaceholders
} from "./EnqueueCall.ts"
import { failure, isConflict } from "./Failure.ts"
import { Marks } from "./Marks.ts"
import { bigints, texts } from "./Parameters.ts"
import { type Row, states, toGrant, toView } from "./Rows.ts"
import { remembered, settleCall, settleResults } from "./SettleCall.ts"
import { toText } from "./Text.ts"

const sessionPattern = /^\d{1,18}$/

const verdictError = (
  operation: string,
  session: string,
  call: number,
  verdict: number,
  earlier: unknown
): LogError => {
  switch (verdict) {
    case 1:
      return refused(operation, new SessionDead({ session }))
    case 3: {
      const detail = `answers are kept for a session's latest 64 calls, and ${call} is older`
      return unknown(operation, new InvalidRequest({ field: "call", detail }))
    }
    default: {
      const name = ["", "renew", "claim", "settle"][Number(earlier)] ?? "another operation"
      const detail = `${call} was a call of ${name}; give every new call the next number`
      return refused(operation, new InvalidRequest({ field: "call", detail }))
    }
  }
}

const jobCommands = { Cancel: 0, Redrive: 1, Reschedule: 2, Purge: 3 } as const

const encodeCommand = (command: ControlCommand): ReadonlyArray<unknown> => {
  switch (command._tag) {
    case "Cancel":
    case "Redrive":
    case "Purge":
      return [jobCommands[command._tag], command.id]
    case "Reschedule":
      return [jobCommands.Reschedule, command.id, command.at, command.delay, command.priority]
    case "Pause":
      return [9, command.queue, true, null, null, null, null, null, false]
    case "Resume":
      return [9, command.queue, false, null, null, null, null, null, false]
    case "Configure": {
      const { groupConcurrency, groupOnRetry, maxBacklog, retainCompleted, retainCompletedCount } = command.policy
      return [
        9,
        command.queue,
        null,
        groupConcurrency,
        groupOnRetry === undefined ? null : groupOnRetry === "stepAside",
        maxBacklog === "unlimited" ? -1 : maxBacklog,
        retainCompleted,
        retainCompletedCount,
        true
      ]
    }
  }
}

/**
 * When a statement is sent again that the server undid for a conflict: ten times in about a second, not in step with
 * those that it met.
 */
const afterConflict = Schedule.exponential("1 millis").pipe(Schedule.jittered)
const conflictRetries = 10

/**
 * All operations but `changes`, through a client and in a schema. `told` learns, when a settlement or the end of a session
 * was written, in which queues more may be claimable by it.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const operations = (
  sql: PgClient.PgClient,
  schema: string,
  told: (queues: ReadonlyArray<string> | "all") => void = () => undefined
): Omit<JobLogOperations, "capabilities" | "changes"> => {
  const name = `"${schema}"`
  const inTransaction = (context: Context.Context<never>): boolean =>
    Context.getOrUndefined(context, sql.transactionService) !== undefined
  const call = (
    operation: string,
    statement: string,
    parameters: ReadonlyArray<unknown>
  ): Effect.Effect<ReadonlyArray<Row>, LogError> =>
    Effect.mapError(
      Effect.withFiber((fiber) => {
        const once = sql.unsafe(statement, parameters).values
        // in a caller's transaction everything before is undone as well: only the caller can do it all again
        if (inTransaction(fiber.context)) return once
        return Effect.retry(once, {
          while: (error: SqlError) => isConflict(error),
          times: conflictRetries,
          schedule: afterConflict
        })
      }),
      failure(operation)
    )
  const only = (rows: ReadonlyArray<Row>): Row => {
    const row = rows[0]
    if (row === undefined) throw new Error("leasehold: a function of the log answered nothing")
    return row
  }
  const session = (operation: string, id: string): Effect.Effect<bigint, LogError> =>
    sessionPattern.test(id)
      ? Effect.succeed(BigInt(id))
      : Effect.fail(refused(operation, new SessionDead({ session: id })))
  const number = (value: unknown): number => Number(value as bigint | number)
  const instant = (value: unknown): number | undefined => (value === null ? undefined : number(value))

  const marks = new Marks()

  return {
    open: ({ leaseDuration, owner }) =>
      Effect.map(
        call("open", `SELECT id, now FROM ${name}.open_session($1, $2)`, [
          toText(owner),
          PgTypes.int8(BigInt(leaseDuration))
        ]),
        (rows) => {
          const [id, now] = only(rows)
          return { id: String(id), leaseDuration, now: number(now), expiresAt: number(now) + leaseDuration }
        }
      ),
    renew: Effect.fnUntraced(function* (request) {
      const id = yield* session("renew", request.session)
      const row = only(
        yield* call(
          "renew",
          `SELECT verdict, now, expires_at, lost, cancelled, paused, earlier FROM ${name}.renew($1, $2, $3, $4, $5)`,
          [
            PgTypes.int8(id),
            PgTypes.int8(BigInt(request.call)),
            bigints(request.started),
            bigints(request.progress.map(({ token }) => token)),
            texts(request.progress.map(({ value }) => toText(value)))
          ]
        )
      )
      const verdict = number(row[0])
      if (verdict === 2) {
        // written by `renew`
        const [now, expiresAt, lost, cancelled, paused] = JSON.parse(row[6] as string) as [
          number,
          number,
          ReadonlyArray<string>,
          ReadonlyArray<string>,
          ReadonlyArray<string>
        ]
        return { now, expiresAt, lost: lost.map(BigInt), cancelled: cancelled.map(BigInt), paused }
      }
      if (verdict !== 0) return yield* verdictError("renew", request.session, request.call, verdict, row[6])
      return {
        now: number(row[1]),
        expiresAt: number(row[2]),
        // arrays of the types that the function declares
        lost: row[3] as ReadonlyArray<bigint>,
        cancelled: row[4] as ReadonlyArray<bigint>,
        paused: row[5] as ReadonlyArray<string>
      }
    }),
    close: (id) =>
      sessionPattern.test(id)
        ? Effect.map(call("close", `SELECT ${name}.close_session($1)`, [PgTypes.int8(BigInt(id))]), (rows) =>
            // the type that the function declares
            told(only(rows)[0] as ReadonlyArray<string>)
          )
        : Effect.void,
    enqueue: (items) =>
      Effect.withFiber((fiber) => {
        const own = !inTransaction(fiber.context)
        const plain = own ? plainParameters(items) : undefined
        return Effect.map(
          plain === undefined
            ? call("enqueue", `SELECT * FROM ${name}.enqueue(${enqueuePlaceholders})`, enqueueParameters(items, own))
            : call("enqueue", `SELECT * FROM ${name}.enqueue_plain(${plainPlaceholders})`, plain),
          (rows) => enqueueResults(items, rows)
        )
      }),
    claim: Effect.fnUntraced(function* (request) {
      const id = yield* session("claim", request.session)
      const rows = yield* call("claim", `SELECT * FROM ${name}.claim($1, $2, $3, $4, $5, $6)`, [
        PgTypes.int8(id),
        PgTypes.int8(BigInt(request.call)),
        request.queue,
        PgTypes.int4(request.limit),
        texts(request.names === undefined ? null : request.names),
        marks.of(request.queue)
      ])
      const head = rows.at(-1)
      const verdict = number(head?.[8])
      if (verdict !== 0) return yield* verdictError("claim", request.session, request.call, verdict, head?.[10])
      // written by `claim`
      const [now, nextAt] = JSON.parse(head?.[4] as string) as [number, number | null]
      const firstToken = (head?.[2] as bigint | null) ?? 0n
      const grants = rows.slice(0, -1).map((row) => toGrant(request.queue, row, firstToken))
      if (request.names === undefined) marks.follow(request.queue, grants)
      return {
        grants,
        cursor: "",
        nextAt: nextAt ?? undefined,
        now
      }
    }),
    settle: Effect.fnUntraced(function* (request) {
      const id = yield* session("settle", request.session)
      const asked = settleCall(request.items)
      const rows = yield* call(
        "settle",
        `SELECT * FROM ${name}.settle($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb, $13, $14, $15, $16)`,
        [PgTypes.int8(id), PgTypes.int8(BigInt(request.call)), ...asked.parameters]
      )
      const head = rows.at(-1)
      const verdict = number(head?.[1])
      const earlier = head?.[2] as string | null
      if (verdict === 2) {
        // whoever sent it first may not have lived to tell
        told("all")
        return settleResults(request.items, asked, remembered(earlier))
      }
      if (verdict !== 0) return yield* verdictError("settle", request.session, request.call, verdict, earlier)
      // null where nothing is claimable that was not before
      told((head?.[3] as ReadonlyArray<string> | null) ?? [])
      return settleResults(
        request.items,
        asked,
        // in the order and the types of the function's answer
        rows.slice(0, -1).map((row) => [row[0] as number, row[1] as number, row[2] as string | null] as const)
      )
    }),
    reclaim: ({ limit }) =>
      Effect.map(
        call("reclaim", `SELECT reclaimed, dead_lettered, more, next_at FROM ${name}.reclaim($1)`, [
          PgTypes.int4(limit)
        ]),
        (rows) => {
          const [reclaimed, deadLettered, more, nextAt] = only(rows)
          return {
            reclaimed: number(reclaimed),
            deadLettered: number(deadLettered),
            more: more === true,
            nextAt: instant(nextAt)
          }
        }
      ),
    control: (commands) =>
      Effect.map(
        call("control", `SELECT item, reason, holder FROM ${name}.control($1::json)`, [
          JSON.stringify(commands.map(encodeCommand))
        ]),
        (rows) => {
          const results: Array<ControlResult> = commands.map(() => ({ _tag: "Done" }))
          for (const [item, reason, holder] of rows) {
            results[number(item) - 1] = {
              _tag: "Refused",
              // the function answers with the port's words
              reason: reason as Extract<ControlResult, { _tag: "Refused" }>["reason"],
              ...(holder === null ? undefined : { holder: holder as string })
            }
          }
          return results
        }
      ),
    read: (query) => {
      switch (query._tag) {
        case "Job":
          return Effect.map(call("read", `SELECT * FROM ${name}.read_job($1)`, [PgTypes.uuid(query.id)]), (rows) => {
            const [now, ...job] = only(rows)
            return { _tag: "Job", now: number(now), job: job[0] === null ? undefined : toView(job) }
          })
        case "Jobs":
          return Effect.map(
            call("read", `SELECT * FROM ${name}.read_jobs($1, $2, $3, $4, $5)`, [
              PgTypes.text(query.queue ?? null),
              PgTypes.int4(query.state === undefined ? null : states.indexOf(query.state)),
              PgTypes.text(query.name ?? null),
              PgTypes.int8(query.after === undefined ? 0n : BigInt(query.after)),
              PgTypes.int4(query.limit + 1)
            ]),
            (rows) => {
              const jobs = rows.filter((row) => row[1] !== null).map((row) => toView(row.slice(1)))
              const page = jobs.slice(0, query.limit)
              return {
                _tag: "Jobs",
                now: number(only(rows)[0]),
                jobs: page,
                next: jobs.length > query.limit ? String(page.at(-1)?.sequence) : undefined
              }
            }
          )
        case "Counts":
          return Effect.map(
            call("read", `SELECT * FROM ${name}.read_counts($1)`, [PgTypes.text(query.queue ?? null)]),
            (rows) => ({
              _tag: "Counts",
              now: number(only(rows)[0]),
              queues: rows
                .filter((row) => row[1] !== null)
                .map((row) => ({
                  queue: row[1] as string,
                  paused: row[2] === true,
                  scheduled: number(row[3]),
                  ready: number(row[4]),
                  leased: number(row[5]),
                  completed: number(row[6]),
                  deadLettered: number(row[7]),
                  cancelled: number(row[8]),
                  oldestReadySince: instant(row[9])
                }))
            })
          )
      }
    }
  }
}
