/** What a call costs the server is bounded, by what it is about and not by what the log has: counted in commands. */
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import type { EnqueueItem, Grant, JobLogOperations } from "../../../src/log/JobLog.ts"
import { hasFunctions } from "../../support/servers/Redis.ts"
import { clockedTest } from "./ClockedLog.ts"
import { others } from "./otherMutants.ts"
import { claimer, completionOf, item, server } from "./TroubleSupport.ts"

const costTest = clockedTest(server())

/** The command by which the log's functions are called. */
const called = hasFunctions ? "fcall" : "evalsha"

/** Adds jobs, by a thousand a call; answers them. */
const many = Effect.fnUntraced(function* (
  log: JobLogOperations,
  count: number,
  options: (n: number) => Partial<EnqueueItem> = () => ({})
) {
  const items = Array.from({ length: count }, (_, n) => item("q", options(n)))
  for (let i = 0; i < count; i += 1000) yield* log.enqueue(items.slice(i, i + 1000))
  return items
})

/** Every other one is of another queue, so each is in a frame of its own. */
const apart = (n: number): Partial<EnqueueItem> => (n % 2 === 0 ? {} : { queue: "other" })

costTest("a renewal looks once for what it says has started", ({ calls, log }) =>
  Effect.gen(function* () {
    yield* many(log, 600, apart)
    const { claim, next, session } = yield* claimer(log, "q")
    const started = (yield* claim(1000)).grants.map(({ token }) => token)
    expect(started).toHaveLength(300)
    const renewal = log.renew({ session, call: next(), started, progress: [] })
    expect(yield* calls("hkeys", renewal)).toBeLessThan(3)
    expect((yield* log.renew({ session, call: next(), started, progress: [] })).lost).toEqual([])
    // none of these is held
    const others = started.map((token) => token + 100_000n)
    expect((yield* log.renew({ session, call: next(), started: others, progress: [] })).lost).toEqual(others)
  })
)

costTest(
  "terms of groups that stay as they were change nothing, others are put into effect by parts",
  ({ calls, log }) =>
    Effect.gen(function* () {
      const policy = (groupConcurrency: number, groupOnRetry: "block" | "stepAside") =>
        log.control([{ _tag: "Configure", queue: "q", policy: { groupConcurrency, groupOnRetry } }])
      yield* policy(1, "block")
      yield* many(log, 4000, (n) => ({ group: `g${Math.floor(n / 4)}` }))
      expect(yield* calls("hget", policy(1, "block"))).toBeLessThan(50)
      const { claim, next, session } = yield* claimer(log, "q")
      const settle = (grants: ReadonlyArray<Grant>) =>
        log.settle({ session, call: next(), items: grants.map(completionOf) })
      const first = (yield* claim(1000)).grants
      expect(first).toHaveLength(1000)
      expect(yield* calls("hget", policy(2, "block"))).toBeLessThan(6000)
      const second = (yield* claim(1000)).grants
      expect(second).toHaveLength(1000)
      expect((yield* claim(1000)).grants).toEqual([])
      // fewer from now on: one of each group is still there, so none is granted until it is done
      yield* policy(1, "block")
      yield* settle(first)
      expect((yield* claim(1000)).grants).toEqual([])
      yield* settle(second)
      expect((yield* claim(1000)).grants).toHaveLength(1000)
    }),
  others.grantsInPass
)

costTest(
  "a claim grants a bounded number of bytes, and at least one job",
  ({ calls, log }) =>
    Effect.gen(function* () {
      const payload = JSON.stringify("x".repeat(1_000_000))
      for (let i = 0; i < 20; i++) yield* log.enqueue([item("q", { payload, ...(i % 3 === 0 ? { delay: 0 } : {}) })])
      const { claim } = yield* claimer(log, "q")
      const sizes: Array<number> = []
      for (let size = -1; size !== 0;) {
        const { grants } = yield* claim(1000)
        size = grants.length
        sizes.push(size)
      }
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(20)
      expect(Math.max(...sizes)).toBeLessThan(12)
      expect(yield* calls("xrange", claim(1000))).toBeLessThan(3)
    }),
  others.noBytes
)

costTest(
  "a claim passes over a bounded number of frames that have nothing for it",
  ({ calls, log }) =>
    Effect.gen(function* () {
      // frames that must stay for now are first to go, so those without a job do not go either
      yield* log.control([{ _tag: "Configure", queue: "q", policy: { retainCompletedCount: 0 } }])
      yield* many(log, 2000, apart)
      const keeps = yield* claimer(log, "q", 3_600_000)
      const { grants } = yield* keeps.claim(1000)
      yield* log.settle({ session: keeps.session, call: keeps.next(), items: grants.map(completionOf) })
      const jobs = (yield* many(log, 5000, apart)).filter(({ queue }) => queue === "q")
      for (let i = 0; i < jobs.length; i += 500) {
        yield* log.control(jobs.slice(i, i + 500).map(({ id }) => ({ _tag: "Reschedule", id, delay: 3_600_000 })))
      }
      const { claim } = yield* claimer(log, "q")
      const rounds = yield* calls("fcall|evalsha", claim(1))
      expect(rounds).toBeGreaterThan(2)
      expect(rounds).toBeLessThan(6)
      expect(yield* calls("xrange", claim(1))).toBeLessThan(3)
      yield* log.enqueue([item("q")])
      expect((yield* claim(1)).grants).toHaveLength(1)
    }),
  others.emptyAtOnce
)

costTest("waiting for jobs that run looks through nothing else", ({ calls, log }) =>
  Effect.gen(function* () {
    const [job] = yield* many(log, 2000)
    const { claim } = yield* claimer(log, "q")
    yield* claim(1000)
    const told = Effect.timeoutOption(log.changes({ _tag: "Job", id: job?.id ?? "" }), 300)
    expect(yield* calls("hgetall", told)).toBe(0)
  })
)

costTest("a frame of which many jobs are taken back, or removed, is read once", ({ calls, log, move }) =>
  Effect.gen(function* () {
    const jobs = yield* many(log, 1280)
    const holds = yield* claimer(log, "q", 1000)
    yield* holds.claim(640)
    const done = yield* claimer(log, "q")
    const { grants } = yield* done.claim(640)
    yield* log.settle({ session: done.session, call: done.next(), items: grants.map(completionOf) })
    yield* move(2000)
    expect(yield* calls("xrange", log.reclaim({ limit: 1_000_000 }))).toBeLessThan(30)
    const purge = log.control(jobs.slice(640).map(({ id }) => ({ _tag: "Purge", id })))
    expect(yield* calls("xrange", purge)).toBeLessThan(30)
    expect(yield* log.read({ _tag: "Counts", queue: "q" })).toMatchObject({ queues: [{ ready: 640, completed: 0 }] })
  })
)

costTest("a reclaim takes back at most a thousand jobs, whatever is asked for", ({ log, move }) =>
  Effect.gen(function* () {
    yield* many(log, 2500)
    const { claim } = yield* claimer(log, "q", 1000)
    for (let i = 0; i < 3; i++) yield* claim(1000)
    yield* move(2000)
    const taken: Array<number> = []
    for (let more = true; more;) {
      const answer = yield* log.reclaim({ limit: 1_000_000 })
      taken.push(answer.reclaimed)
      more = answer.more
    }
    expect(taken).toEqual([1000, 1000, 500])
  })
)

costTest("a reclaim and a count look at a bounded number of queues, and at all in turn", (given) =>
  Effect.gen(function* () {
    const { ask, calls, log, move, now } = given
    yield* many(log, 1200, (n) => ({ queue: `tenant-${n}` }))
    yield* log.enqueue([item("tenant-1100", { delay: 5000 }), item("tenant-3", { delay: 9000 })])
    const rounds: Array<Effect.Success<ReturnType<typeof log.reclaim>>> = []
    for (let more = true; more;) {
      const answer = yield* log.reclaim({ limit: 10 })
      rounds.push(answer)
      more = answer.more
    }
    expect(rounds).toHaveLength(3)
    expect(rounds.at(-1)?.nextAt).toBe(now() + 5000)
    expect(yield* ask("HGET", "m", "rq")).toBe(null)
    const counts = log.read({ _tag: "Counts" })
    expect(yield* counts).toMatchObject({ queues: { length: 1200 } })
    expect(yield* calls(called, counts)).toBe(3)

    // what is too old in several queues is removed by one bound for all
    for (let i = 0; i < 4; i++) {
      const queue = `old-${i}`
      yield* many(log, 400, () => ({ queue }))
      const { claim, next, session } = yield* claimer(log, queue)
      const { grants } = yield* claim(400)
      yield* log.settle({ session, call: next(), items: grants.map(completionOf) })
    }
    yield* move(3_600_001)
    let removed = 0
    for (let more = true; more; removed++) more = (yield* log.reclaim({ limit: 10 })).more
    expect(removed).toBeGreaterThan(3)
    const after = yield* counts
    if (after._tag === "Counts") {
      expect(after.queues.filter(({ completed, queue }) => queue.startsWith("old-") && completed > 0)).toEqual([])
    }
  })
)

costTest("a page of many queues, of which one is long, takes few calls", ({ calls, log }) =>
  Effect.gen(function* () {
    yield* many(log, 1500, (n) => ({ queue: `tenant-${n}` }))
    const long = yield* many(log, 400, (n) => (n % 2 === 0 ? {} : { delay: 0 }))
    const pages: Array<string> = []
    let after: string | undefined
    const page = Effect.suspend(() => log.read({ _tag: "Jobs", limit: 100, after }))
    const reads: Array<number> = []
    do {
      reads.push(
        yield* calls(
          called,
          Effect.map(page, (answer) => {
            if (answer._tag !== "Jobs") return
            pages.push(...answer.jobs.map(({ id }) => id))
            after = answer.next
          })
        )
      )
    } while (after !== undefined)
    expect(new Set(pages).size).toBe(1900)
    expect(pages.slice(-400)).toEqual(long.map(({ id }) => id))
    expect(Math.max(...reads), reads.join(" ")).toBeLessThan(4)
  })
)
