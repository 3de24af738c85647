import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Latch from "effect/Latch"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { BeginTransaction } from "effect/sql/SqlClient"
import { assert, beforeAll, describe, it } from "vitest"
import * as PostgresLog from "../../../../src/backends/postgres/PostgresLog.ts"
import { JobLog, type SettleItem } from "../../../../src/log/JobLog.ts"
import * as Job from "../../../../src/scheduler/Job.ts"
import { JobQueue } from "../../../../src/scheduler/JobQueue.ts"
import { JobScheduler } from "../../../../src/scheduler/JobScheduler.ts"
import { claimer, item, newQueue, program, type Program, running, server, stateOf } from "./support.ts"

const postgres = server()

/** What handlers write: an account's bookings. */
beforeAll(() =>
  running(
    Effect.flatMap(program(postgres(), { listen: false }), ({ sql }) =>
      sql.unsafe("CREATE TABLE booking (job text NOT NULL, cents int NOT NULL)")
    )
  )
)

const bookings = ({ sql }: Program, id: string) =>
  Effect.map(sql.unsafe("SELECT cents FROM booking WHERE job = $1", [id]).values, (rows) => rows.flat().map(Number))

const book = ({ sql }: Program, id: string, cents = 1) =>
  Effect.asVoid(sql.unsafe("INSERT INTO booking VALUES ($1, $2)", [id, cents]).values)

class Broken extends Schema.TaggedError<Broken>()("Broken", {}) {}

const quietly = { listen: false }

describe("enqueue in a caller's transaction", () => {
  it("the job exists if and only if it commits, for nested savepoints too", () =>
    running(
      Effect.gen(function* () {
        const at = yield* program(postgres(), quietly)
        const { log, sql } = at
        const queue = newQueue()
        const items = Array.from({ length: 5 }, () => item(queue))
        const [kept, undone, nested, nestedUndone, all] = items
        const enqueue = (of: (typeof items)[number] | undefined) => log.enqueue(of === undefined ? [] : [of])
        yield* sql.withTransaction(
          Effect.gen(function* () {
            yield* enqueue(kept)
            yield* sql.withTransaction(enqueue(nested))
            yield* Effect.exit(sql.withTransaction(Effect.andThen(enqueue(nestedUndone), Effect.fail("undone"))))
            assert.isUndefined(yield* stateOf((yield* program(postgres(), quietly)).log, kept!.id), "seen before")
          })
        )
        yield* Effect.exit(sql.withTransaction(Effect.andThen(enqueue(undone), Effect.die("undone"))))
        const blocked = yield* Effect.forkChild(sql.withTransaction(Effect.andThen(enqueue(all), Effect.never)))
        yield* Effect.sleep(50)
        yield* Fiber.interrupt(blocked)
        const states = yield* Effect.forEach(items, ({ id }) => stateOf(log, id))
        assert.deepStrictEqual(states, ["Ready", undefined, "Ready", undefined, undefined])
        // what was undone can be sent again
        yield* enqueue(undone)
        assert.strictEqual(yield* stateOf(log, undone!.id), "Ready")
      })
    ))

  it("a connection that breaks before the commit leaves nothing", () =>
    running(
      Effect.gen(function* () {
        const at = yield* program(postgres(), quietly)
        const queue = newQueue()
        const one = item(queue)
        const exit = yield* Effect.exit(
          at.sql.withTransaction(
            Effect.gen(function* () {
              yield* book(at, one.id)
              yield* at.log.enqueue([one])
              const [row] = yield* at.sql.unsafe("SELECT pg_backend_pid()").values
              const killer = yield* program(postgres(), quietly)
              yield* killer.sql.unsafe("SELECT pg_terminate_backend($1)", [row?.[0]])
            })
          )
        )
        assert.isTrue(Exit.isFailure(exit))
        assert.isUndefined(yield* stateOf(at.log, one.id))
        assert.deepStrictEqual(yield* bookings(at, one.id), [])
      })
    ))

  it("under serializable isolation a conflict undoes all of it, and the whole can be tried again", () =>
    running(
      Effect.gen(function* () {
        const at = yield* program(postgres(), quietly)
        const queue = newQueue()
        const both = Latch.makeUnsafe(false)
        let read = 0
        // each books once more than it finds: one of the two must not see the same
        const account = newQueue()
        const attempt = (id: string) =>
          at.sql
            .withTransaction(
              Effect.gen(function* () {
                const cents = (yield* bookings(at, account)).length
                if (++read === 2) both.openUnsafe()
                if (read <= 2) yield* both.await
                yield* book(at, account, cents)
                yield* at.log.enqueue([item(queue, { id })])
              })
            )
            .pipe(Effect.provideService(BeginTransaction, "BEGIN ISOLATION LEVEL SERIALIZABLE"))
        const ids = [item(queue).id, item(queue).id]
        yield* Effect.forEach(
          ids,
          (id) => Effect.retry(attempt(id), { while: (error) => error.isRetryable, times: 20 }),
          { concurrency: 2 }
        )
        assert.deepStrictEqual((yield* bookings(at, account)).toSorted(), [0, 1])
        assert.isAbove(read, 2, "there was a conflict")
        assert.deepStrictEqual(yield* Effect.forEach(ids, (id) => stateOf(at.log, id)), ["Ready", "Ready"])
      })
    ))

  it("who needs a key that it holds waits for its end, and nobody else does", () =>
    running(
      Effect.gen(function* () {
        const at = yield* program(postgres(), quietly)
        const queue = newQueue()
        const key = { value: "k", window: 0 }
        yield* at.log.enqueue([item(queue)])
        const [first, second, other] = [item(queue, { key }), item(queue, { key }), { value: "other", window: 0 }]
        const waiting = yield* at.sql.withTransaction(
          Effect.gen(function* () {
            yield* at.log.enqueue([first])
            const outside = yield* program(postgres(), quietly)
            const blocked = yield* Effect.forkDetach(outside.log.enqueue([second]))
            yield* Effect.sleep(50)
            yield* Effect.timeout(outside.log.enqueue([item(queue)]), 1000)
            yield* Effect.timeout(outside.log.enqueue([item(queue, { key: other })]), 1000)
            assert.isUndefined(blocked.pollUnsafe())
            return blocked
          })
        )
        const [answer] = yield* Fiber.join(waiting)
        assert.deepInclude(answer, { _tag: "Duplicate", id: first.id })
      })
    ))

  it("calls outside of it go their own way meanwhile, and a session's calls never join", () =>
    running(
      Effect.gen(function* () {
        const at = yield* program(postgres(), quietly)
        const queue = newQueue()
        const [first, inside, outside] = [item(queue), item(queue), item(queue)]
        // a queue's very first job is waited for by whoever adds the second
        yield* at.log.enqueue([first])
        yield* Effect.exit(
          at.sql.withTransaction(
            Effect.gen(function* () {
              yield* at.log.enqueue([inside])
              yield* Effect.updateContext(
                at.log.enqueue([outside]),
                (context: Context.Context<never>) =>
                  // as in a fiber that was started elsewhere
                  Context.omit(at.sql.transactionService)(context) as Context.Context<never>
              )
              const { claim } = yield* claimer(at.log, queue)
              assert.deepStrictEqual(
                (yield* claim()).grants.map(({ id }) => id),
                [first.id, outside.id]
              )
              return yield* Effect.fail("undone")
            })
          )
        )
        assert.strictEqual(yield* stateOf(at.log, outside.id), "Leased")
        assert.isUndefined(yield* stateOf(at.log, inside.id))
      })
    ))
})

/** A held job, and what its handler knows of it. */
const held = Effect.fnUntraced(function* (at: Program, options?: Parameters<typeof item>[1]) {
  const queue = newQueue()
  const one = item(queue, options)
  yield* at.log.enqueue([one])
  const by = yield* claimer(at.log, queue, 1000)
  const grant = (yield* by.claim(1)).grants[0]!
  const { id, receipt, token } = grant
  const completion = (success: unknown): Effect.Effect<SettleItem> =>
    Effect.succeed({ id, receipt, token, settlement: { _tag: "Complete", result: JSON.stringify(success) } })
  const complete = (success: unknown) =>
    Effect.provide(PostgresLog.completeInTransaction({ completion }, success), at.context)
  const settle = (settlement: SettleItem["settlement"]) =>
    Effect.map(
      at.log.settle({ session: by.session, call: by.next(), items: [{ id, receipt, token, settlement }] }),
      ([result]) => result
    )
  return { ...by, queue, id, grant, complete, settle }
})

const view = (at: Program, id: string) =>
  Effect.map(at.log.read({ _tag: "Job", id }), (answer) => (answer._tag === "Job" ? answer.job : undefined))

/** Until sessions that ran out have been ended. */
const reclaimed = Effect.fnUntraced(function* (at: Program) {
  yield* Effect.sleep(1100)
  while ((yield* at.log.reclaim({ limit: 1000 })).more);
})

describe("completion in a handler's transaction", () => {
  it("commits with what the handler wrote, and the later settlement agrees", () =>
    running(
      Effect.gen(function* () {
        const at = yield* program(postgres(), quietly)
        const job = yield* held(at, { group: "g", key: { value: newQueue(), window: 60_000 } })
        const next = item(job.queue, { group: "g" })
        yield* at.log.enqueue([next])
        const answer = yield* at.sql.withTransaction(Effect.andThen(book(at, job.id), job.complete("done")))
        assert.strictEqual(answer, "done")
        const seen = yield* view(at, job.id)
        assert.deepStrictEqual([seen?.state, seen?.result, seen?.attempts], ["Completed", '"done"', 1])
        assert.deepStrictEqual(yield* bookings(at, job.id), [1])
        // the holder still has its permit
        assert.deepStrictEqual((yield* job.claim()).grants, [])
        assert.deepStrictEqual(yield* job.settle({ _tag: "Complete", result: '"done"' }), {
          _tag: "Settled",
          state: "Completed"
        })
        assert.deepStrictEqual(
          (yield* job.claim()).grants.map(({ id }) => id),
          [next.id]
        )
        const again = yield* job.settle({ _tag: "Complete" })
        assert.deepInclude(again, { _tag: "Refused", reason: "completed" })
      })
    ))

  it("a rollback undoes it: the job is still held, and another try completes it", () =>
    running(
      Effect.gen(function* () {
        const at = yield* program(postgres(), quietly)
        const job = yield* held(at)
        const undone = Effect.andThen(book(at, job.id), Effect.andThen(job.complete(1), Effect.fail("undone")))
        assert.isTrue(Exit.isFailure(yield* Effect.exit(at.sql.withTransaction(undone))))
        assert.strictEqual(yield* stateOf(at.log, job.id), "Leased")
        // so does the savepoint around it
        yield* at.sql.withTransaction(Effect.andThen(Effect.exit(at.sql.withTransaction(undone)), book(at, job.id, 7)))
        assert.strictEqual(yield* stateOf(at.log, job.id), "Leased")
        yield* at.sql.withTransaction(Effect.andThen(book(at, job.id), job.complete(2)))
        assert.deepStrictEqual(yield* bookings(at, job.id), [7, 1])
        assert.strictEqual((yield* view(at, job.id))?.result, "2")
      })
    ))

  it("a try after a commit whose answer was lost finds the job completed, and books nothing twice", () =>
    running(
      Effect.gen(function* () {
        const at = yield* program(postgres(), quietly)
        const job = yield* held(at)
        const all = at.sql.withTransaction(Effect.andThen(book(at, job.id), job.complete(1)))
        yield* all
        const error = yield* Effect.flip(all)
        assert.deepInclude(error, { _tag: "NotHeld", reason: "completed" })
        assert.deepStrictEqual(yield* bookings(at, job.id), [1])
        // and the worker, whose handler failed, learns that there is nothing to retry
        const cause = { kind: "failure", message: "no answer" } as const
        const answer = yield* job.settle({ _tag: "Retry", delay: 0, cause })
        assert.deepInclude(answer, { _tag: "Refused", reason: "completed" })
        assert.strictEqual(yield* stateOf(at.log, job.id), "Completed")
        assert.deepStrictEqual((yield* job.claim()).grants, [])
      })
    ))

  it("a worker that dies after the commit has completed the job, and the next of its group follows", () =>
    running(
      Effect.gen(function* () {
        const at = yield* program(postgres(), quietly)
        const job = yield* held(at, { group: "g" })
        const next = item(job.queue, { group: "g" })
        yield* at.log.enqueue([next])
        yield* at.sql.withTransaction(Effect.andThen(book(at, job.id), job.complete(1)))
        yield* reclaimed(at)
        assert.strictEqual(yield* stateOf(at.log, job.id), "Completed")
        const other = yield* claimer(at.log, job.queue)
        assert.deepStrictEqual(
          (yield* other.claim()).grants.map(({ id }) => id),
          [next.id]
        )
        assert.deepStrictEqual(
          yield* at.log.control([{ _tag: "Purge", id: job.id }]),
          [{ _tag: "Done" }],
          "its record is like any other's"
        )
      })
    ))

  it("a worker that dies before the commit has done nothing", () =>
    running(
      Effect.gen(function* () {
        const at = yield* program(postgres(), quietly)
        const job = yield* held(at)
        const dying = yield* program(postgres(), quietly)
        const completed = Latch.makeUnsafe(false)
        const completion = () => Effect.succeed({ ...job.grant, settlement: { _tag: "Complete" } } satisfies SettleItem)
        let backend: unknown
        const blocked = yield* Effect.forkChild(
          dying.sql.withTransaction(
            Effect.gen(function* () {
              backend = (yield* dying.sql.unsafe("SELECT pg_backend_pid()").values)[0]?.[0]
              yield* book(dying, job.id)
              yield* Effect.provide(PostgresLog.completeInTransaction({ completion }, 1), dying.context)
              completed.openUnsafe()
              return yield* Effect.never
            })
          )
        )
        yield* completed.await
        yield* at.sql.unsafe("SELECT pg_terminate_backend($1)", [backend]).values
        yield* Fiber.interrupt(blocked)
        yield* reclaimed(at)
        assert.deepStrictEqual(yield* bookings(at, job.id), [])
        const other = yield* claimer(at.log, job.queue)
        const [grant] = (yield* other.claim()).grants
        assert.strictEqual(grant?.id, job.id)
      })
    ))

  it("who has lost the job cannot complete it, and what he wrote is undone", () =>
    running(
      Effect.gen(function* () {
        const at = yield* program(postgres(), quietly)
        const lost = yield* held(at)
        yield* reclaimed(at)
        const other = yield* claimer(at.log, lost.queue)
        assert.strictEqual((yield* other.claim()).grants.length, 1)
        const cancelled = yield* held(at)
        yield* at.log.control([{ _tag: "Cancel", id: cancelled.id }])
        for (const [job, reason] of [
          [lost, "stale"],
          [cancelled, "cancelled"]
        ] as const) {
          const error = yield* Effect.flip(at.sql.withTransaction(Effect.andThen(book(at, job.id), job.complete(1))))
          assert.deepInclude(error, { _tag: "NotHeld", reason })
          assert.deepStrictEqual(yield* bookings(at, job.id), [])
        }
      })
    ))

  it("outside of a transaction, or in that of another client, it is a defect", () =>
    running(
      Effect.gen(function* () {
        const at = yield* program(postgres(), quietly)
        const other = yield* program(postgres(), quietly)
        const job = yield* held(at)
        assert.isTrue(Exit.hasDies(yield* Effect.exit(job.complete(1))))
        assert.isTrue(Exit.hasDies(yield* Effect.exit(other.sql.withTransaction(job.complete(1)))))
        assert.strictEqual(yield* stateOf(at.log, job.id), "Leased")
      })
    ))

  it("renewals do not wait for a handler's transaction", () =>
    running(
      Effect.gen(function* () {
        const at = yield* program(postgres(), quietly)
        const job = yield* held(at)
        yield* at.sql.withTransaction(
          Effect.gen(function* () {
            yield* job.complete(1)
            const { token } = job.grant
            const renewal = at.log.renew({
              session: job.session,
              call: job.next(),
              started: [token],
              progress: [{ token, value: "half" }]
            })
            assert.deepStrictEqual((yield* Effect.timeout(renewal, 500)).lost, [])
          })
        )
        assert.strictEqual(yield* stateOf(at.log, job.id), "Completed")
      })
    ))

  it("a transaction that does not end holds up nobody else, when its worker is gone or goes", () =>
    running(
      Effect.gen(function* () {
        const at = yield* program(postgres(), quietly)
        const [gone, going] = [yield* held(at), yield* held(at)]
        const [after, next] = [item(gone.queue), item(going.queue)]
        yield* at.log.enqueue([after, next])
        yield* at.sql.withTransaction(
          Effect.gen(function* () {
            yield* gone.complete(1)
            yield* going.complete(2)
            yield* at.log.close(going.session)
            yield* Effect.timeout(reclaimed(at), 5000)
            const other = yield* claimer(at.log, gone.queue)
            for (let looks = 0; looks < 6; looks++) {
              const { grants, nextAt, now } = yield* Effect.timeout(other.claim(), 1000)
              assert.deepStrictEqual(
                grants.map(({ id }) => id),
                looks === 0 ? [after.id] : []
              )
              assert.isTrue(nextAt === undefined || nextAt > now, "nobody is told to look again at once")
            }
          })
        )
        for (const job of [gone, going]) assert.strictEqual(yield* stateOf(at.log, job.id), "Completed")
        yield* reclaimed(at)
        const left = yield* at.sql.unsafe("SELECT count(*)::int FROM leasehold.session WHERE id = ANY ($1::bigint[])", [
          `{${gone.session},${going.session}}`
        ]).values
        assert.deepStrictEqual(left, [[0]])
      })
    ))

  it("a scheduler's handlers book exactly once, whatever fails between and around", () =>
    running(
      Effect.gen(function* () {
        class Pay extends Job.make("pay", {
          payload: { number: Schema.Int },
          success: Schema.String,
          error: Broken,
          queue: "pay",
          maxAttempts: 50,
          retry: { Broken: Job.fullJitter({ base: "10 millis", cap: "50 millis" }) }
        }) {}
        class Receipt extends Job.make("receipt", { payload: { number: Schema.Int }, queue: "receipts" }) {}
        let runs = 0
        const handler = Pay.toLayer(({ number }, job) =>
          Effect.gen(function* () {
            const sql = yield* PgClient.PgClient
            const run = ++runs
            if (number % 2 === 0) yield* job.followUp(Receipt, { number })
            const answer = yield* sql.withTransaction(
              Effect.gen(function* () {
                yield* sql.unsafe("INSERT INTO booking VALUES ($1, $2)", [`pay ${number}`, run]).values
                const paid = yield* PostgresLog.completeInTransaction(job, `paid ${number}`)
                if (run % 3 === 0) yield* sql.unsafe("SELECT pg_terminate_backend(pg_backend_pid())").values
                if (run % 5 === 0) return yield* Effect.fail("between")
                return paid
              })
            )
            if (run % 7 === 0) return yield* Effect.fail("afterwards")
            return answer
          }).pipe(
            Effect.mapError(() => new Broken()),
            // a rollback on a connection that broke is a defect of the client, whose retries would take minutes
            Effect.catchDefect(() => Effect.fail(new Broken()))
          )
        )
        const { context, sql } = yield* program(postgres())
        const environment = Layer.succeedContext(context)
        const scope = yield* Scope.Scope
        const scheduler = JobScheduler.layerWith({ concurrency: 4 }).pipe(
          Layer.provide(handler),
          Layer.provideMerge(JobQueue.layer),
          Layer.provideMerge(environment)
        )
        const built = yield* Layer.buildWithScope(scheduler, scope)
        yield* Effect.gen(function* () {
          const count = 24
          const sent = yield* Pay.enqueueAll(Array.from({ length: count }, (_, number) => ({ number })))
          const results = yield* Effect.forEach(sent, ({ id }) => Pay.await(id), { concurrency: "unbounded" })
          assert.deepStrictEqual(
            results,
            Array.from({ length: count }, (_, number) => `paid ${number}`)
          )
          const booked = (yield* sql.unsafe("SELECT job FROM booking WHERE job LIKE 'pay %'").values).flat()
          assert.deepStrictEqual(booked.toSorted(), Array.from({ length: count }, (_, i) => `pay ${i}`).toSorted())
          assert.isAbove(runs, count)
          const receipts = (yield* (yield* JobQueue).counts("receipts"))[0]
          assert.strictEqual(receipts?.ready, count / 2)
        }).pipe(Effect.provide(built))
        assert.isDefined(Context.get(built, JobLog))
      })
    ))
})
