import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { assert, describe, it } from "vitest"
import type { JobLog } from "../../../../src/log/JobLog.ts"
import * as PostgresLog from "../../../../src/backends/postgres/PostgresLog.ts"
import * as Job from "../../../../src/scheduler/Job.ts"
import { JobQueue } from "../../../../src/scheduler/JobQueue.ts"
import { JobScheduler } from "../../../../src/scheduler/JobScheduler.ts"
import { find, PgBouncer } from "../../../support/servers/PgBouncer.ts"
import { program, type Program, running, server } from "./support.ts"

const postgres = server()

class Echo extends Job.make("echo", { payload: { number: Schema.Int }, success: Schema.Int, queue: "echo" }) {}

const handler = Echo.toLayer(({ number }) => Effect.succeed(number))

/** A scheduler on a log, and the means to send it jobs. */
const scheduling = <E>(log: Layer.Layer<JobLog, E>) =>
  JobScheduler.layerWith({ concurrency: 4, leaseDuration: "5 seconds" }).pipe(
    Layer.provide(handler),
    Layer.provideMerge(JobQueue.layer),
    Layer.provideMerge(log)
  )

/** Tries again as long as the log says that it can help. */
const again = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.retry(
    Effect.tapError(effect, () => Effect.sleep(50)),
    { while: (error) => Predicate.hasProperty(error, "isRetryable") && error.isRetryable === true, times: 100 }
  )

/** Sends a job, again with its id as long as that fails, and waits for its result. */
const echoed = Effect.fnUntraced(function* (number: number) {
  const id = `00000000-0000-4000-8000-${number.toString().padStart(12, "0")}`
  yield* again(Echo.enqueue({ number }, { id }))
  return yield* again(Echo.await(id))
})

const everyone = "pid <> pg_backend_pid() AND backend_type = 'client backend'"

/** All sessions of everybody else. */
const terminateAll = ({ sql }: Program) =>
  sql.unsafe(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${everyone}`).values

/** Milliseconds in which it has to be at work again. */
const patience = 8000

describe("a scheduler", () => {
  it.each(["killed", "stopped", "terminated"] as const)("is at work within seconds after the server was %s", (how) =>
    running(
      Effect.gen(function* () {
        const path = `${postgres().sockets}/.s.PGSQL.${postgres().port}`
        const { context } = yield* program(postgres(), { selfCheck: false }, { path })
        const built = yield* Layer.build(scheduling(Layer.succeedContext(context)))
        yield* Effect.gen(function* () {
          const base = { killed: 100, stopped: 200, terminated: 300 }[how]
          assert.strictEqual(yield* echoed(base), base)
          for (const round of [1, 2]) {
            // some are under way while it happens
            const meanwhile = yield* Effect.forkChild(
              Effect.forEach([1, 2, 3, 4, 5], (n) => echoed(base + round * 10 + n), { concurrency: "unbounded" })
            )
            yield* Effect.sleep(round)
            if (how === "terminated") {
              yield* Effect.scoped(
                Effect.flatMap(program(postgres(), { listen: false, selfCheck: false }), terminateAll)
              )
            } else {
              yield* Effect.promise(() => (how === "killed" ? postgres().kill() : postgres().stop()))
              yield* Effect.promise(() => postgres().restart())
            }
            const results = yield* Effect.timeout(Fiber.join(meanwhile), patience)
            assert.deepStrictEqual(
              results,
              [1, 2, 3, 4, 5].map((n) => base + round * 10 + n)
            )
            assert.strictEqual(yield* Effect.timeout(echoed(base + round * 10), patience), base + round * 10)
          }
        }).pipe(Effect.provide(built))
      })
    )
  )

  it.skipIf(find() === undefined)(
    "works through a pooler in transaction mode by its URL alone, also after the pooler's end",
    () =>
      running(
        Effect.gen(function* () {
          const pooler = yield* Effect.acquireRelease(
            Effect.promise(() => PgBouncer.start(postgres())),
            (of) => Effect.promise(() => of.close())
          )
          const log = PostgresLog.layerUrl({ url: postgres().url("postgres", pooler.port), maxConnections: 5 })
          const built = yield* Layer.build(scheduling(log))
          yield* Effect.gen(function* () {
            const numbers = Array.from({ length: 40 }, (_, i) => 400 + i)
            const results = yield* Effect.forEach(numbers, echoed, { concurrency: "unbounded" })
            assert.deepStrictEqual(results, numbers)
            yield* Effect.promise(() => pooler.kill())
            yield* Effect.promise(() => pooler.restart())
            assert.strictEqual(yield* Effect.timeout(echoed(499), patience), 499)
          }).pipe(Effect.provide(built))
        })
      )
  )

  it("a log by URL whose server is away says so when it starts", () =>
    running(
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        yield* Layer.buildWithScope(PostgresLog.layerUrl({ url: postgres().url(), selfCheck: false }), scope)
        yield* Scope.close(scope, Exit.void)
        yield* Effect.promise(() => postgres().stop())
        const error = yield* Effect.flip(
          Effect.scoped(Layer.build(PostgresLog.layerUrl({ url: postgres().url(), selfCheck: false })))
        )
        yield* Effect.promise(() => postgres().restart())
        assert.deepInclude(error, { operation: "open", outcome: "refused" })
        assert.strictEqual(error.reason._tag, "Unavailable")
      })
    ))
})
