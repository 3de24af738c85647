import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { assert, describe, it } from "vitest"
import { claimer, ending, item, newQueue, program, type Program, running, server } from "./support.ts"

const postgres = server()

/** Milliseconds until a claimer that waits for news has a job. */
const served = Effect.fnUntraced(function* (waiter: Program, queue: string) {
  const { claim } = yield* claimer(waiter.log, queue)
  let looks = 0
  while (true) {
    const { cursor, grants } = yield* claim()
    if (grants.length > 0) return { looks, grants }
    looks++
    yield* waiter.log.changes({ _tag: "Queue", queue, cursor })
  }
})

const listening = "SELECT count(*)::int FROM pg_stat_activity WHERE query ILIKE 'LISTEN%' AND state = 'idle'"

/** Until so many connections LISTEN. */
const untilListening = Effect.fnUntraced(function* ({ sql }: Program, count: number) {
  while (Number((yield* sql.unsafe(listening).values)[0]?.[0]) !== count) yield* Effect.sleep(10)
})

/** Until a program relies on its LISTEN: before, it looks for itself after some 50 milliseconds. */
const untilLive = Effect.fnUntraced(function* ({ log }: Program) {
  while (true) {
    const queue = newQueue()
    const { cursor } = yield* (yield* claimer(log, queue)).claim()
    const waited = yield* Effect.timeoutOption(log.changes({ _tag: "Queue", queue, cursor }), 300)
    if (Option.isNone(waited)) return
  }
})

describe("wake-ups", () => {
  it("other processes are told by NOTIFY, long before they would look", () =>
    running(
      Effect.gen(function* () {
        const worker = yield* program(postgres())
        const producer = yield* program(postgres(), { listen: false })
        yield* untilLive(worker)
        const queue = newQueue()
        const fiber = yield* Effect.forkChild(served(worker, queue))
        yield* Effect.sleep(200)
        yield* producer.log.enqueue([item(queue)])
        const { looks } = yield* Effect.timeout(Fiber.join(fiber), 1500)
        assert.isAtMost(looks, 2)
      })
    ))

  it("without LISTEN they look themselves, ever less often", () =>
    running(
      Effect.gen(function* () {
        const worker = yield* program(postgres(), { listen: false })
        const producer = yield* program(postgres(), { listen: false })
        const queue = newQueue()
        const fiber = yield* Effect.forkChild(served(worker, queue))
        yield* Effect.sleep(2500)
        yield* producer.log.enqueue([item(queue)])
        const { looks } = yield* Effect.timeout(Fiber.join(fiber), 1500)
        // after 50, 100, 200, 400, 800 and then 1000 milliseconds, give or take a quarter
        assert.isAtMost(looks, 10)
        assert.isAtLeast(looks, 5)
      })
    ))

  it("a LISTEN that the server ends is made anew, and nothing in between is missed", () =>
    running(
      Effect.gen(function* () {
        const worker = yield* program(postgres())
        const producer = yield* program(postgres(), { listen: false })
        yield* untilLive(worker)
        const queue = newQueue()
        const first = yield* Effect.forkChild(served(worker, queue))
        yield* Effect.sleep(200)
        yield* producer.sql.unsafe(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ILIKE 'LISTEN%' AND pid <> pg_backend_pid()"
        )
        yield* producer.log.enqueue([item(queue)])
        yield* Effect.timeout(Fiber.join(first), 1500)
        yield* untilLive(worker)
        const second = yield* Effect.forkChild(served(worker, queue))
        yield* Effect.sleep(200)
        yield* producer.log.enqueue([item(queue)])
        assert.isAtMost((yield* Effect.timeout(Fiber.join(second), 1500)).looks, 2)
      })
    ))

  it("jobs enqueued in a transaction are told of after its commit, and not at all after a rollback", () =>
    running(
      Effect.gen(function* () {
        const worker = yield* program(postgres())
        yield* untilLive(worker)
        const { log, sql } = worker
        const queue = newQueue()
        const { claim } = yield* claimer(log, queue)
        const { cursor } = yield* claim()
        const told = yield* Effect.forkChild(log.changes({ _tag: "Queue", queue, cursor }))
        yield* Effect.exit(
          sql.withTransaction(Effect.andThen(log.enqueue([item(queue)]), Effect.fail("undone" as const)))
        )
        yield* Effect.sleep(20)
        assert.isUndefined(told.pollUnsafe())
        yield* sql.withTransaction(
          Effect.gen(function* () {
            yield* log.enqueue([item(queue)])
            yield* Effect.sleep(20)
            assert.isUndefined(told.pollUnsafe())
          })
        )
        yield* Effect.timeout(Fiber.join(told), 1500)
        assert.strictEqual((yield* claim()).grants.length, 1)
      })
    ))

  it("who waits for a job is told of its end in another process, also of many at once", () =>
    running(
      Effect.gen(function* () {
        const waiter = yield* program(postgres())
        const worker = yield* program(postgres())
        yield* untilLive(waiter)
        yield* untilLive(worker)
        const queue = newQueue()
        const items = Array.from({ length: 50 }, () => item(queue))
        yield* waiter.log.enqueue(items)
        const { claim, next, session } = yield* claimer(worker.log, queue)
        const { grants } = yield* claim(100)
        const waits = yield* Effect.forkChild(
          Effect.forEach(items, ({ id }) => waiter.log.changes({ _tag: "Job", id }), { concurrency: "unbounded" })
        )
        // several looks later it looks seldom
        yield* Effect.sleep(1200)
        yield* worker.log.settle({
          session,
          call: next(),
          items: grants.map(({ id, receipt, token }) => ({ id, receipt, token, settlement: { _tag: "Complete" } }))
        })
        yield* Effect.timeout(Fiber.join(waits), 1000)
      })
    ))

  it("a program that ends leaves no connection behind, and one made inside a transaction works outside of it", () =>
    running(
      Effect.gen(function* () {
        const outer = yield* program(postgres(), { listen: false })
        const queue = newQueue()
        const { end, made } = yield* outer.sql.withTransaction(
          Effect.gen(function* () {
            const inner = yield* ending(program(postgres(), undefined, { maxConnections: 3 }))
            yield* inner.made.log.enqueue([item(queue)])
            return inner
          })
        )
        yield* untilListening(outer, 1)
        const { claim } = yield* claimer(made.log, queue)
        assert.strictEqual((yield* claim()).grants.length, 1)
        yield* end
        yield* untilListening(outer, 0)
        assert.isTrue(Exit.isFailure(yield* Effect.exit(claim())))
      })
    ))
})
