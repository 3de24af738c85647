import * as Effect from "effect/Effect"
import { assert, describe, it } from "vitest"
import type { JobLogOperations } from "../../../src/log/JobLog.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import { hasFunctions, onlyScripts, type Redis } from "../../support/servers/Redis.ts"
import { cli, claimer, completionOf, item, logOf, newQueue, own, running, stateOf } from "./TroubleSupport.ts"

const payload = (): string => JSON.stringify("x".repeat(20_000))

const setRoom = (redis: Redis, bytes: number) =>
  Effect.gen(function* () {
    const used = Number(yield* Effect.promise(() => redis.info("used_memory")))
    yield* cli(redis, "CONFIG", "SET", "maxmemory", used + bytes)
  })

/** Enqueues until there is no room; answers what was taken. */
const fill = Effect.fnUntraced(function* (log: JobLogOperations, queue: string) {
  const kept: Array<string> = []
  while (kept.length < 2000) {
    const items = [item(queue, { payload: payload() }), item(queue, { payload: payload(), group: "one" })]
    const answer = yield* Effect.result(log.enqueue(items))
    if (answer._tag === "Success") {
      kept.push(...items.map(({ id }) => id))
      continue
    }
    const { outcome, reason } = answer.failure
    assert.strictEqual(outcome, "refused")
    assert.deepInclude(reason, { _tag: "Full", limit: "maxmemory" })
    for (const { id } of items) assert.strictEqual(yield* stateOf(log, id), undefined)
    return kept
  }
  return assert.fail("there was always room")
})

const isFull = ({ reason }: LogError): boolean => reason._tag === "Full" && reason.limit === "maxmemory"

const scripts = { user: ["default on nopass sanitize-payload ~* &* +@all", ...onlyScripts].join(" ") }

describe.each([...(hasFunctions ? [["functions", {}] as const] : []), ["scripts", scripts] as const])(
  "a server whose memory is full, with %s",
  { timeout: 60_000 },
  (_, settings: Readonly<Record<string, string>>) => {
    it("refuses what does not fit, keeps what it took, lets it be done, and goes on when there is room", () =>
      running(
        Effect.gen(function* () {
          const redis = yield* own(settings)
          const log = yield* logOf(redis)
          const name = newQueue()
          const { claim, next, session } = yield* claimer(log, name)
          yield* log.control([
            { _tag: "Configure", queue: name, policy: { retainCompletedCount: 0, groupConcurrency: 1000 } }
          ])
          const early = item(name)
          yield* log.enqueue([early])
          const before = (yield* claim(1)).grants
          yield* setRoom(redis, 12_000_000)
          const kept = yield* fill(log, name)
          assert.isAbove(kept.length, 50)
          for (const id of kept) assert.strictEqual(yield* stateOf(log, id), "Ready")

          // what does not add jobs goes on, for a program that begins now as well
          const started = before.map(({ token }) => token)
          const renewed = yield* log.renew({ session, call: next(), started, progress: [] })
          assert.deepStrictEqual(renewed.lost, [])
          yield* log.reclaim({ limit: 10 })
          assert.strictEqual((yield* log.settle({ session, call: next(), items: before.map(completionOf) })).length, 1)
          const other = yield* Effect.scoped(
            Effect.gen(function* () {
              const beginner = yield* logOf(redis)
              const { claim: take, session: brief } = yield* claimer(beginner, name)
              const { grants } = yield* take(1)
              yield* beginner.close(brief)
              return grants
            })
          )
          assert.strictEqual(other.length, 1)
          assert.isTrue(isFull(yield* Effect.flip(log.enqueue([item(name, { payload: payload() })]))))

          const done: Array<string> = []
          while (done.length < kept.length) {
            const { grants } = yield* claim(20)
            assert.isAbove(grants.length, 0)
            const results = yield* log.settle({ session, call: next(), items: grants.map(completionOf) })
            assert.isTrue(results.every(({ _tag }) => _tag === "Settled"))
            done.push(...grants.map(({ id }) => id))
          }
          assert.deepStrictEqual(done.toSorted(), kept.toSorted())

          // records go when no claim can be repeated that granted them
          for (let calls = 0; calls < 80; calls++) assert.strictEqual((yield* claim(1)).grants.length, 0)
          assert.isAbove((yield* fill(log, name)).length, kept.length / 2)
        })
      ))
  }
)
