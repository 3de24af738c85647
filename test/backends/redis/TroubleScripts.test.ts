/** Servers without functions, such as those before version 7, or that do not allow them. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { afterAll, assert, beforeAll, describe, expect, it } from "vitest"
import { checkLog, formatReport, type LawName } from "../../../properties/index.ts"
import { hasFunctions, onlyScripts, Redis } from "../../support/servers/Redis.ts"
import { quiet, redisHarness } from "../../properties/redisHarness.ts"
import { seed } from "../../properties/runs.ts"
import {
  claimer,
  cli,
  completionOf,
  item,
  logOf,
  newQueue,
  type Received,
  running,
  server,
  stateOf,
  waitFor,
  worker
} from "./TroubleSupport.ts"

const withoutFunctions = ["nopass sanitize-payload ~* &* +@all", ...onlyScripts].join(" ")

/** How often a command has been called, as the server counts it. */
const callsOf = async (redis: Redis, command: string): Promise<number> => {
  const text = await redis.text("INFO", "commandstats")
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(text)?.[1] ?? 0)
}

describe.runIf(hasFunctions)("a user who may not call functions", { timeout: 60_000 }, () => {
  const redis = server()

  it("has scripts called, at the start as well as later on", () =>
    running(
      Effect.gen(function* () {
        yield* cli(redis(), "ACL", "SETUSER", "app", "on", ">word", "~{leasehold}:*", "&*", "+@all")
        const url = () => Redacted.make(`redis://app:word@127.0.0.1:${redis().port}`)
        const log = yield* logOf({ url })
        const queue = newQueue()
        const jobs = [item(queue), item(queue), item(queue)]
        yield* log.enqueue(jobs.slice(0, 1))
        assert.strictEqual(yield* Effect.promise(() => callsOf(redis(), "eval")), 0)
        yield* cli(redis(), "ACL", "SETUSER", "app", "-fcall", "-function")
        yield* log.enqueue(jobs.slice(1, 2))
        assert.isAbove(yield* Effect.promise(() => callsOf(redis(), "eval")), 0)
        const beginner = yield* logOf({ url })
        yield* beginner.enqueue(jobs.slice(2))
        const { claim, next, session } = yield* claimer(beginner, queue)
        const { grants } = yield* claim()
        assert.deepStrictEqual(
          grants.map(({ id }) => id),
          jobs.map(({ id }) => id)
        )
        yield* log.settle({ session, call: next(), items: grants.map(completionOf) })
        for (const { id } of jobs) assert.strictEqual(yield* stateOf(log, id), "Completed")
      })
    ))
})

describe("a user who may use no channel, as one that Redis 7 makes", { timeout: 60_000 }, () => {
  const redis = server()

  it("does all without news, and finds what there is by looking", () =>
    running(
      Effect.gen(function* () {
        yield* cli(redis(), "ACL", "SETUSER", "mute", "on", ">word", "~{leasehold}:*", "resetchannels", "+@all")
        const url = () => Redacted.make(`redis://mute:word@127.0.0.1:${redis().port}`)
        const log = yield* logOf({ url })
        const queue = newQueue()
        const other = newQueue()
        const received: Array<Received> = []
        yield* Effect.forkScoped(worker(yield* logOf({ url }), queue, received))
        const jobs = [item(queue), item(other), item(queue, { group: "one" })]
        assert.deepStrictEqual(
          yield* log.enqueue(jobs),
          jobs.map(({ id }) => ({ _tag: "Inserted", id }))
        )
        // somebody waits for the last one, of which the end would be news as well
        yield* Effect.timeout(log.changes({ _tag: "Job", id: jobs[2]!.id }), 10_000)
        yield* waitFor(
          "the worker has both",
          Effect.sync(() => received.length === 2)
        )
        const counts = yield* log.read({ _tag: "Counts" })
        const waiting = counts._tag === "Counts" ? counts.queues.map(({ queue: of, ready }) => ({ of, ready })) : []
        assert.deepInclude(waiting, { of: queue, ready: 0 })
        assert.deepInclude(waiting, { of: other, ready: 1 })
      })
    ))
})

describe("the log by scripts keeps the laws", { timeout: 120_000 }, () => {
  let redis: Redis
  let harness: ReturnType<typeof redisHarness>
  beforeAll(async () => {
    redis = await Redis.start({ settings: { ...quiet, appendfsync: "no", user: `default on ${withoutFunctions}` } })
    harness = redisHarness({ name: "redis by scripts", server: redis, killEvery: 20 })
  })
  afterAll(async () => {
    await harness.close()
    await redis.close()
  })

  const some: ReadonlyArray<LawName> = [
    "atLeastOnce",
    "staleTokenRefused",
    "numberedCallsRepeat",
    "reclaimOnExpiry",
    "groupFifo",
    "keyDeduplicates",
    "followUpsAtomic",
    "readsAgree",
    "noLostWakeUp",
    "outcomeTruth",
    "concurrentHistoriesExplained"
  ]
  it.for(some)("%s", async (name) => {
    const report = await Effect.runPromise(checkLog(harness, { seed: seed(), runs: 3, strict: true, only: [name] }))
    expect(report.laws[0]?.outcome, formatReport(report)).toBe("passed")
    expect(await callsOf(redis, "evalsha")).toBeGreaterThan(0)
    expect(await callsOf(redis, "fcall")).toBe(0)
  })
})
