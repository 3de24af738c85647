import * as Effect from "effect/Effect"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { laws } from "../../../properties/index.ts"
import { quiet, redisHarness } from "../../properties/redisHarness.ts"
import { isDue } from "../../support/mutantsDue.ts"
import { hasFunctions, Redis } from "../../support/servers/Redis.ts"
import { type Library, library } from "../../../src/backends/redis/Library.ts"
import * as RedisLog from "../../../src/backends/redis/RedisLog.ts"
import { luaMutants, mutated } from "./luaMutants.ts"
import { others } from "./otherMutants.ts"
import { allJobs, claimer, completionOf, handedOver, item, newQueue, running, waitingWorker } from "./TroubleSupport.ts"

let server: Redis
let harness: ReturnType<typeof redisHarness>
let original: string
beforeAll(async () => {
  server = await Redis.start({ settings: { ...quiet, appendfsync: "no" } })
  harness = redisHarness({ name: "redis", server, killEvery: 1_000_000 })
  // it loads its functions
  await Effect.runPromise(Effect.scoped(Effect.asVoid(harness.make)))
  const [library] = (await server.cli("FUNCTION", "LIST", "WITHCODE")) as ReadonlyArray<ReadonlyArray<unknown>>
  original = String(library?.[(library?.indexOf("library_code") ?? 0) + 1])
})
afterAll(async () => {
  await harness.close()
  await server.close()
})

/** Under the name that it has: who calls the functions calls these. */
const load = (source: string) => server.cli("FUNCTION", "LOAD", "REPLACE", source)

/** Histories in which a mutant has to be found. */
const runs = 60

describe.runIf(hasFunctions)("a function of the library that is wrong in one place dies", () => {
  const due = luaMutants.filter((_, place) => isDue(place))
  test.for(due)("$name: $law", { timeout: 120_000 }, async ({ from, law, name, to }) => {
    expect(original.split(from).length, `what is replaced for: ${name}`).toBe(2)
    await load(original.replace(from, () => to))
    try {
      const result = await Effect.runPromise(laws[law].check(harness, { seed: 1, runs, shrink: false }))
      expect(result.outcome, `${law} after ${result.runs} histories`).toBe("broken")
    } finally {
      await load(original)
    }
  })
})

/** A log of its own by this library. */
const logBy = (functions: Library) =>
  RedisLog.makeWith({ server: { _tag: "Url", url: server.url() }, name: functions.name }, functions)

describe.runIf(hasFunctions)("a worker that waits has the next job", () => {
  /** The most milliseconds until it has it, of two tries: it looks by itself too, every five seconds. */
  const delayBy = (functions: Library) =>
    running(
      Effect.gen(function* () {
        const queue = newQueue()
        const { other, received, waits } = yield* waitingWorker(server, queue, logBy(functions))
        const first = yield* handedOver(other, queue, received, 10_000)
        yield* waits
        return Math.max(first, yield* handedOver(other, queue, received, 10_000))
      })
    )

  test("at once", async () => {
    expect(await delayBy(library())).toBeLessThan(2000)
  })

  test(`late, where there is ${others.noNews.name}`, async () => {
    expect(await delayBy(mutated(others.noNews))).toBeGreaterThan(3000)
  })
})

describe.runIf(hasFunctions)("a policy that keeps three of what was completed together", () => {
  const keptBy = (functions: Library) =>
    running(
      Effect.gen(function* () {
        const log = yield* logBy(functions)
        const queue = newQueue()
        yield* log.control([{ _tag: "Configure", queue, policy: { retainCompletedCount: 3 } }])
        yield* log.enqueue(Array.from({ length: 10 }, () => item(queue)))
        const { claim, next, session } = yield* claimer(log, queue)
        const { grants } = yield* claim()
        yield* log.settle({ session, call: next(), items: grants.map(completionOf) })
        yield* log.reclaim({ limit: 10 })
        return [...(yield* allJobs(log)).values()].filter((job) => job.queue === queue).length
      })
    )

  test("keeps three", async () => {
    expect(await keptBy(library())).toBe(3)
  })

  test(`is found out with ${others.inexactCount.name}`, async () => {
    expect(await keptBy(mutated(others.inexactCount))).toBeLessThan(3)
  })
})
