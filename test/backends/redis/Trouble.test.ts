import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { assert, describe, it } from "vitest"
import type { LogError } from "../../../src/log/LogError.ts"
import {
  cli,
  claimer,
  failureOf,
  handedOver,
  item,
  logOf,
  newQueue,
  own,
  persisting,
  running,
  server,
  stateOf,
  waitFor,
  waitingWorker
} from "./TroubleSupport.ts"

const redis = server({ settings: { "lua-time-limit": 50, "enable-debug-command": "yes" } })

/** Asks until it is refused. */
const untilRefused = (call: Effect.Effect<unknown, LogError>): Effect.Effect<LogError> =>
  Effect.gen(function* () {
    let failure: LogError | undefined
    const refused = Effect.matchEffect(call, {
      onSuccess: () => Effect.succeed(false),
      onFailure: (error) =>
        Effect.sync(() => {
          failure = error
          return true
        })
    })
    yield* waitFor("the server refuses", refused, 10_000)
    return failure ?? assert.fail("there is no failure")
  })

describe("a server that", { timeout: 60_000 }, () => {
  it("is down at the start, or goes down, is told from one that fails, and is found again", () =>
    running(
      Effect.gen(function* () {
        const away = yield* own()
        const log = yield* logOf(away, { readyTimeout: 200 })
        yield* Effect.promise(() => away.stop())
        const job = item(newQueue())
        // the connection that was open breaks first
        yield* Effect.ignore(log.read({ _tag: "Counts" }))
        const failed = yield* failureOf(log.enqueue([job]))
        assert.deepInclude(failed, { outcome: "refused", reason: "Unavailable" })
        const started = yield* failureOf(Effect.scoped(logOf(away, { connectTimeout: 300 })))
        assert.deepInclude(started, { outcome: "refused", reason: "Unavailable" })
        yield* Effect.promise(() => away.restart())
        assert.deepStrictEqual(yield* persisting(log.enqueue([job])), [{ _tag: "Inserted", id: job.id }])
        assert.strictEqual(yield* stateOf(yield* logOf(away), job.id), "Ready")
      })
    ))

  it("is killed and started again has its waiting workers back within seconds", () =>
    running(
      Effect.gen(function* () {
        const killed = yield* own()
        const queue = newQueue()
        const { other, received } = yield* waitingWorker(killed, queue)
        const delays: Array<number> = []
        for (let kill = 0; kill < 3; kill++) {
          yield* Effect.promise(async () => {
            await killed.kill()
            await killed.restart()
          })
          delays.push(yield* handedOver(other, queue, received, 10_000))
          // news are heard again, so the next job comes long before a look at every five seconds would find it
          yield* waitFor(
            "the worker listens",
            Effect.promise(async () => String(await killed.cli("PUBSUB", "NUMSUB", "{leasehold}:news")).endsWith(",2"))
          )
          assert.isBelow(yield* handedOver(other, queue, received, 10_000), 2000)
        }
        assert.isBelow(Math.max(...delays), 5000)
      })
    ))

  it("still reads its data is waited for", () =>
    running(
      Effect.gen(function* () {
        const log = yield* logOf(redis())
        const job = item(newQueue())
        yield* log.enqueue(Array.from({ length: 200 }, () => item(newQueue())))
        yield* Effect.promise(() => redis().readSlowly(1000))
        const reload = yield* Effect.forkChild(cli(redis(), "DEBUG", "RELOAD"))
        const loading = Effect.promise(() =>
          redis()
            .cli("GET", "x")
            .then(
              () => false,
              (error) => /LOADING/.test(`${error}`)
            )
        )
        yield* waitFor("the server is loading", loading)
        assert.deepStrictEqual(yield* log.enqueue([job]), [{ _tag: "Inserted", id: job.id }])
        yield* cli(redis(), "CONFIG", "SET", "key-load-delay", 0)
        yield* Fiber.join(reload)
        assert.strictEqual(yield* stateOf(log, job.id), "Ready")
      })
    ))

  it("forgets all functions and scripts, under load, is given them again", () =>
    running(
      Effect.gen(function* () {
        const queue = newQueue()
        const { other, received } = yield* waitingWorker(redis(), queue)
        const jobs: Array<string> = []
        let going = true
        const flushing = Effect.gen(function* () {
          for (let i = 0; i < 50; i++) {
            yield* Effect.promise(() => redis().forget())
          }
          going = false
        })
        const producing = Effect.gen(function* () {
          while (going) {
            const items = [item(queue), item(queue, { group: "one" })]
            // flushed faster than it can load, a call is refused, and never half done
            const failed: Array<LogError> = []
            yield* persisting(other.enqueue(items), (error) => failed.push(error))
            for (const { outcome, reason } of failed)
              assert.strictEqual(`${outcome} ${reason._tag}`, "refused Unavailable")
            jobs.push(...items.map(({ id }) => id))
          }
        })
        yield* Effect.all([flushing, producing], { concurrency: "unbounded" })
        assert.isAbove(jobs.length, 10)
        yield* waitFor(
          "the worker had all",
          Effect.sync(() => received.length === jobs.length + 1)
        )
        assert.strictEqual(new Set(received.map(({ grant }) => grant.id)).size, received.length)
      })
    ))

  it("cuts off who listens still wakes them by later jobs", () =>
    running(
      Effect.gen(function* () {
        const queue = newQueue()
        const { other, received } = yield* waitingWorker(redis(), queue)
        for (let cut = 0; cut < 5; cut++) {
          yield* waitFor(
            "somebody who listens is cut off",
            Effect.map(cli(redis(), "CLIENT", "KILL", "TYPE", "pubsub"), (killed) => Number(killed) > 0)
          )
          // before it listens again, or after
          yield* Effect.sleep(cut * 30)
          assert.isBelow(yield* handedOver(other, queue, received, 10_000), 6500)
        }
      })
    ))

  it("pauses its clients keeps them waiting, or has them ask again for the same", () =>
    running(
      Effect.gen(function* () {
        const queue = newQueue()
        const patient = yield* logOf(redis())
        const hasty = yield* logOf(redis(), { commandTimeout: 300 })
        const jobs = [item(queue), item(queue)]
        yield* hasty.enqueue([])
        yield* cli(redis(), "CLIENT", "PAUSE", 1500, "ALL")
        const began = yield* Clock.currentTimeMillis
        const waiting = yield* Effect.forkChild(patient.enqueue([jobs[0]!]))
        assert.deepInclude(yield* failureOf(hasty.enqueue([jobs[1]!])), { outcome: "unknown", reason: "Unavailable" })
        assert.deepStrictEqual(yield* Fiber.join(waiting), [{ _tag: "Inserted", id: jobs[0]!.id }])
        assert.isAtLeast((yield* Clock.currentTimeMillis) - began, 1000)
        assert.deepStrictEqual(yield* persisting(hasty.enqueue([jobs[1]!])), [{ _tag: "Inserted", id: jobs[1]!.id }])
        const { grants } = yield* (yield* claimer(patient, queue)).claim()
        assert.deepStrictEqual(grants.map(({ id }) => id).toSorted(), jobs.map(({ id }) => id).toSorted())
      })
    ))

  it("is busy with somebody's script refuses until that is killed", () =>
    running(
      Effect.gen(function* () {
        const log = yield* logOf(redis())
        const job = item(newQueue())
        const script = yield* Effect.forkChild(
          Effect.promise(() =>
            redis()
              .cli("EVAL", "while true do end", 0)
              .then(() => "", String)
          )
        )
        const failed = yield* untilRefused(log.read({ _tag: "Counts" }))
        assert.deepInclude(failed, { outcome: "refused" })
        const refused = yield* failureOf(log.enqueue([job]))
        assert.deepInclude(refused, { outcome: "refused", reason: "Unavailable" })
        assert.match(refused.message, /BUSY/)
        yield* cli(redis(), "SCRIPT", "KILL")
        assert.match(yield* Fiber.join(script), /killed/i)
        assert.strictEqual(yield* stateOf(log, job.id), undefined)
        assert.deepStrictEqual(yield* log.enqueue([job]), [{ _tag: "Inserted", id: job.id }])
      })
    ))

  it("is a replica takes nothing until it is made the master", () =>
    running(
      Effect.gen(function* () {
        const master = yield* own()
        const kept = item(newQueue())
        yield* (yield* logOf(master)).enqueue([kept])
        const replica = yield* own({ replicaof: `127.0.0.1 ${master.port}` })
        yield* waitFor(
          "the replica has the log",
          Effect.promise(async () => (await replica.cli("EXISTS", "{leasehold}:m")) === 1)
        )
        const log = yield* logOf(replica)
        const job = item(newQueue())
        const failed = yield* failureOf(log.enqueue([job]))
        assert.deepInclude(failed, { outcome: "refused", reason: "Unavailable" })
        assert.match(failed.message, /READONLY/)
        assert.strictEqual(yield* persisting(stateOf(log, kept.id)), "Ready")
        assert.strictEqual(yield* stateOf(log, job.id), undefined)
        yield* cli(replica, "REPLICAOF", "NO", "ONE")
        assert.deepStrictEqual(yield* persisting(log.enqueue([job])), [{ _tag: "Inserted", id: job.id }])
      })
    ))
})
