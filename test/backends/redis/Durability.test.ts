import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { assert, describe, it } from "vitest"
import type { JobLogOperations } from "../../../src/log/JobLog.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import type { Redis } from "../../support/servers/Redis.ts"
import { readTail, restartOn, sizeOf } from "./DurabilityCut.ts"
import { allJobs, claimer, completionOf, item, logOf, newQueue, own, persisting, running } from "./TroubleSupport.ts"

/** Jobs and counts, as they are shown. */
const stateOf = Effect.fnUntraced(function* (log: JobLogOperations) {
  const counts = yield* log.read({ _tag: "Counts" })
  return { jobs: [...(yield* allJobs(log)).values()], counts: counts._tag === "Counts" ? counts.queues : [] }
})

type State = Effect.Success<ReturnType<typeof stateOf>>

/** What a server shows after its restart. */
const recovered = (redis: Redis): Effect.Effect<State, LogError> =>
  Effect.scoped(Effect.flatMap(logOf(redis), (log) => persisting(stateOf(log))))

/** Some of every kind of write, one after the other. */
const writes = Effect.fnUntraced(function* (
  log: JobLogOperations
): Effect.fn.Return<ReadonlyArray<Effect.Effect<unknown, LogError>>, LogError> {
  const name = newQueue()
  const held = { value: "once", window: 60_000 }
  const jobs = [
    item(name),
    item(name),
    item(name, { group: "one" }),
    item(name, { group: "one" }),
    item(name, { key: held }),
    item(name, { priority: 3 }),
    item(name, { delay: 3_600_000 })
  ]
  const { claim, next, session } = yield* claimer(log, name, 3_600_000)
  const cause = { kind: "defect", message: "again" } as const
  let grants: Effect.Success<ReturnType<typeof claim>>["grants"] = []
  return [
    log.enqueue(jobs),
    Effect.tap(claim(5), (claimed) => Effect.sync(() => (grants = claimed.grants))),
    Effect.suspend(() => log.renew({ session, call: next(), started: [grants[0]!.token], progress: [] })),
    Effect.suspend(() => {
      const [plain, ...others] = grants.map(completionOf)
      const settlements = [
        { _tag: "Complete", result: "1", enqueue: [item(name), item(name, { group: "two" })] },
        { _tag: "Retry", delay: 0, cause },
        { _tag: "DeadLetter", cause }
      ] as const
      const items = [plain!, ...others.slice(0, 3).map((other, i) => ({ ...other, settlement: settlements[i]! }))]
      return log.settle({ session, call: next(), items })
    }),
    log.enqueue([item(name, { key: { ...held, onConflict: "replace" } }), item(name, { payload: "x".repeat(3000) })]),
    Effect.suspend(() =>
      log.control([
        { _tag: "Cancel", id: jobs[5]!.id },
        { _tag: "Cancel", id: grants[4]!.id }
      ])
    ),
    log.control([
      { _tag: "Configure", queue: name, policy: { groupConcurrency: 2, retainCompletedCount: 0 } },
      { _tag: "Reschedule", id: jobs[6]!.id, delay: 1_800_000 }
    ]),
    log.close(session)
  ]
})

describe("a server's file", { timeout: 120_000 }, () => {
  it("that ends amid a write shows the log as it was before it, or as it was after it", () =>
    running(
      Effect.gen(function* () {
        const redis = yield* own({ "aof-load-truncated": "yes" })
        const { after, file } = yield* Effect.scoped(
          Effect.gen(function* () {
            const log = yield* logOf(redis)
            const after: Array<{ readonly size: number; readonly state: State }> = []
            for (const write of [Effect.void, ...(yield* writes(log))]) {
              yield* write
              after.push({ size: sizeOf(redis), state: yield* stateOf(log) })
            }
            return { after, file: readTail(redis) }
          })
        )
        assert.strictEqual(after.length, 9)
        let [before] = after
        for (const [i, write] of after.entries()) {
          if (before === undefined || i === 0) continue
          const length = write.size - before.size
          assert.isAbove(length, 0, `write ${i}`)
          const cuts = [1, length - 1, ...[0, 0].map(() => 1 + Math.floor(Math.random() * (length - 1))), length]
          for (const cut of cuts) {
            yield* Effect.promise(() => restartOn(redis, file.subarray(0, (before?.size ?? 0) + cut)))
            const state = yield* recovered(redis)
            const expected = cut === length ? write : before
            assert.deepStrictEqual(state, expected.state, `${cut} of ${length} bytes of write ${i}`)
          }
          before = write
        }
      })
    ))

  it("that lost grants at its end gives their tokens to nobody", () =>
    running(
      Effect.gen(function* () {
        const redis = yield* own({ "aof-load-truncated": "yes" })
        const name = newQueue()
        const jobs = [item(name), item(name, { group: "one" }), item(name)]
        const { lost, size } = yield* Effect.scoped(
          Effect.gen(function* () {
            const log = yield* logOf(redis)
            yield* log.enqueue(jobs)
            const { claim } = yield* claimer(log, name)
            const size = sizeOf(redis)
            const { grants } = yield* claim()
            return { size, lost: grants }
          })
        )
        assert.strictEqual(lost.length, jobs.length)
        const file = readTail(redis)
        yield* Effect.promise(() => restartOn(redis, file.subarray(0, size)))
        const { grants } = yield* (yield* claimer(yield* logOf(redis), name)).claim()
        assert.deepStrictEqual(
          grants.map(({ delivery, id }) => ({ delivery, id })),
          jobs.map(({ id }) => ({ delivery: 1, id }))
        )
        const highest = lost.at(-1)?.token ?? 0n
        for (const { token } of grants) assert.isTrue(token > highest, `${token} after ${highest}`)
      })
    ))

  it("that is synced each second keeps all but the last seconds", () =>
    running(
      Effect.gen(function* () {
        const redis = yield* own({ appendfsync: "everysec", "aof-load-truncated": "yes" })
        const name = newQueue()
        const told: Array<{ readonly id: string; readonly at: number }> = []
        const sizes: Array<{ readonly size: number; readonly at: number }> = []
        const began = yield* Clock.currentTimeMillis
        const load: Effect.Effect<void, LogError, Scope.Scope> = Effect.gen(function* () {
          const log = yield* logOf(redis)
          let at = began
          while (at < began + 5500) {
            const job = item(name)
            yield* log.enqueue([job])
            at = yield* Clock.currentTimeMillis
            told.push({ id: job.id, at })
            sizes.push({ size: sizeOf(redis), at })
          }
        })
        yield* Effect.scoped(Effect.all([load, load, load], { concurrency: "unbounded" }))
        const killed = yield* Clock.currentTimeMillis
        yield* Effect.promise(() => redis.kill())
        yield* Effect.promise(() => redis.restart())

        /** Milliseconds before the kill at which the first job was told that is lost. */
        const lost = Effect.gen(function* () {
          const { counts, jobs } = yield* recovered(redis)
          const there = new Set(jobs.map(({ id }) => id))
          const gone = told.filter(({ id }) => !there.has(id))
          assert.strictEqual(counts[0]?.ready, there.size)
          return { count: gone.length, age: killed - Math.min(killed, ...gone.map(({ at }) => at)), there }
        })
        const byKill = yield* lost
        // a server whose sync takes long writes up to two seconds later
        assert.isAtMost(byKill.age, 2500)

        // power is lost: at worst there is what had been written two seconds before
        const synced = sizes.findLast(({ at }) => at <= killed - 2000)
        assert.isDefined(synced)
        const file = readTail(redis)
        yield* Effect.promise(() => restartOn(redis, file.subarray(0, synced!.size)))
        const byPower = yield* lost
        assert.isAtMost(byPower.age, 4500)
        // unless the disk took nothing in all that time
        if (synced!.size < sizes.at(-1)!.size) assert.isAbove(byPower.count, 0)
        assert.isAbove(byPower.there.size, 0)
        console.log(
          `synced each second, ${told.length} jobs: ${byKill.count} lost by a kill, ${byPower.count} by a loss of power, the oldest of ${byPower.age} ms before`
        )
        // what is left is a whole log
        const log = yield* logOf(redis)
        const { claim, next, session } = yield* claimer(log, name)
        const done: Array<string> = []
        while (done.length < byPower.there.size) {
          const { grants } = yield* claim(500)
          assert.isAbove(grants.length, 0)
          yield* log.settle({ session, call: next(), items: grants.map(completionOf) })
          done.push(...grants.map(({ id }) => id))
        }
        assert.deepStrictEqual(new Set(done), byPower.there)
      })
    ))
})
