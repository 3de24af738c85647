/** Claims that wait in the log: whom it grants to, and what it tells whom; by its functions, and by mutants of them. */
import { isDeepStrictEqual } from "node:util"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { Redis as Client } from "ioredis"
import { describe, expect, test } from "vitest"
import { type Library, library } from "../../../src/backends/redis/Library.ts"
import { connect } from "../../../src/backends/redis/Connection.ts"
import * as RedisLog from "../../../src/backends/redis/RedisLog.ts"
import type { EnqueueItem, Grant } from "../../../src/log/JobLog.ts"
import { mutated } from "./luaMutants.ts"
import { others } from "./otherMutants.ts"
import { replicaOf } from "./ConnectionSupport.ts"
import { cli, completionOf, failureOf, item, newQueue, running, server, stateOf, waitFor } from "./TroubleSupport.ts"

const redis = server({ settings: { appendfsync: "no" } })

/** Less than the time between looks. */
const soonMillis = 2000

/** What comes soon; nothing if it does not. */
const soon = <A, E>(fiber: Fiber.Fiber<A, E>) =>
  Effect.map(Effect.timeoutOption(Fiber.join(fiber), soonMillis), (found) =>
    found._tag === "Some" ? found.value : undefined
  )

/** A log by these functions, a queue of it, and hands for both. */
const place = Effect.fnUntraced(function* (functions: Library) {
  const log = yield* RedisLog.makeWith({ server: { _tag: "Url", url: redis().url() }, name: functions.name }, functions)
  const queue = newQueue()
  const key = (name: string): string => `{${functions.name}}:${name}`
  const inLine = (name = queue) => Effect.map(cli(redis(), "ZCARD", key(`pk:${name}`)), Number)
  const session = Effect.fnUntraced(function* (leaseDuration = 60_000) {
    const { id } = yield* log.open({ owner: "test", leaseDuration })
    let call = 0
    const next = (): number => ++call
    return {
      id,
      next,
      request: (limit = 10, name = queue) => ({ session: id, call: next(), queue: name, limit, park: true }),
      /** So many other calls of the session. */
      others: (count: number) =>
        Effect.forEach(
          Array.from({ length: count }, next),
          (number) => log.renew({ session: id, call: number, started: [], progress: [] }),
          { discard: true }
        ),
      complete: (grants: ReadonlyArray<Grant>) =>
        log.settle({ session: id, call: next(), items: grants.map(completionOf) })
    }
  })
  /** Sends a claim, and waits until it stands in line. */
  const parked = Effect.fnUntraced(function* (request: Parameters<typeof log.claim>[0]) {
    const before = yield* inLine(request.queue)
    const fiber = yield* Effect.forkScoped(Effect.map(log.claim(request), ({ grants }) => grants))
    yield* waitFor(
      "the claim waits",
      Effect.map(inLine(request.queue), (now) => now > before)
    )
    return fiber
  })
  const add = (count: number, options?: Partial<EnqueueItem>) => {
    const items = Array.from({ length: count }, () => item(queue, options))
    return Effect.as(log.enqueue(items), items)
  }
  return { log, queue, key, inLine, session, parked, add }
})

/** Messages to all while something goes on. */
const toldWhile = <A, E, R>(channel: string, during: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const heard: Array<string> = []
    const client = yield* Effect.acquireRelease(
      Effect.sync(() => new Client(redis().port, "127.0.0.1")),
      (it) => Effect.sync(() => it.disconnect())
    )
    client.on("message", (_channel, message) => heard.push(message))
    yield* Effect.promise(() => client.subscribe(channel))
    yield* during
    yield* cli(redis(), "PUBLISH", channel, "the end")
    yield* waitFor(
      "all is heard",
      Effect.sync(() => heard.includes("the end"))
    )
    return heard.length - 1
  })

interface Situation {
  readonly name: string
  /** What comes of it by the log's functions; by each of the mutants it is something else. */
  readonly expected: unknown
  readonly mutants: ReadonlyArray<Parameters<typeof mutated>[0]>
  readonly run: (functions: Library) => Effect.Effect<unknown, unknown, Scope.Scope>
}

/** A claim waits through so many other calls; whether it is answered, and then for how long as the first time. */
const oldClaim = (calls: number) =>
  Effect.fnUntraced(function* (functions: Library) {
    const { add, log, parked, queue, session } = yield* place(functions)
    yield* log.control([{ _tag: "Configure", queue, policy: { retainCompleted: 0 } }])
    const { complete, others, request } = yield* session()
    const claim = request()
    const waiting = yield* parked(claim)
    yield* others(calls)
    // one that is asked again meanwhile
    yield* Effect.asVoid(Effect.timeoutOption(log.claim(claim), 50))
    yield* add(1, { group: "one" })
    const grants = yield* soon(waiting)
    if (grants === undefined) return "nothing"
    yield* complete(grants)
    yield* others(62)
    yield* log.reclaim({ limit: 10 })
    const again = yield* log.claim(claim)
    yield* others(1)
    const { outcome, reason } = yield* failureOf(log.claim({ ...claim, park: false }))
    return [grants.length, isDeepStrictEqual(again.grants, grants), outcome, reason]
  })

const situations: ReadonlyArray<Situation> = [
  {
    name: "a claim that waits through a hundred other calls is answered, and for the next 64 as the first time",
    expected: [1, true, "unknown", "InvalidRequest"],
    mutants: [others.oldClaim, others.keptAnswer, others.unwatched],
    run: oldClaim(100)
  },
  {
    name: "so is one that waits through ten",
    expected: [1, true, "unknown", "InvalidRequest"],
    mutants: [others.oldAnswer, others.keptAnswer],
    run: oldClaim(10)
  },
  {
    name: "who waits longest is served, and the others are not even told; what is left is told to all",
    expected: { first: [1, 0, 2], second: [2, 0, 0], third: [1, 1] },
    mutants: [others.toldAll, others.servedStays, others.untoldRest],
    run: Effect.fnUntraced(function* (functions) {
      const { add, inLine, key, parked, session } = yield* place(functions)
      const fibers = []
      for (const limit of [10, 1, 1]) fibers.push(yield* parked((yield* session()).request(limit)))
      const granted = (some: ReadonlyArray<Fiber.Fiber<ReadonlyArray<Grant>, unknown>>) =>
        Effect.map(Effect.forEach(some, soon), (found) => found.filter((grants) => grants?.length === 1).length)
      const one = yield* toldWhile(key("news"), add(1))
      const first = [yield* granted(fibers.slice(0, 1)), one, yield* inLine()]
      const two = yield* toldWhile(key("news"), add(2))
      const second = [yield* granted(fibers.slice(1)), two, yield* inLine()]
      const last = yield* parked((yield* session()).request(1))
      const three = yield* toldWhile(key("news"), add(3))
      return { first, second, third: [yield* granted([last]), three] }
    })
  },
  {
    name: "a job that is due sooner than what those who wait know of is theirs when it is due",
    expected: 1,
    mutants: [others.untoldTime],
    run: Effect.fnUntraced(function* (functions) {
      const { add, parked, session } = yield* place(functions)
      yield* add(1, { delay: 60_000 })
      const waiting = yield* parked((yield* session()).request())
      yield* add(1, { delay: 300 })
      return (yield* soon(waiting))?.length
    })
  },
  {
    name: "who hears nothing is granted nothing, and stands in line no longer",
    expected: ["Ready", 0],
    mutants: [others.deaf],
    run: Effect.fnUntraced(function* (functions) {
      const { add, inLine, log, queue, session } = yield* place(functions)
      const { id } = yield* session()
      const connection = yield* connect({ server: { _tag: "Url", url: redis().url() } }, functions, functions.name)
      yield* connection.call("claim", "claim", [id, 1, queue, 10, "nobody"])
      expect(yield* inLine()).toBe(1)
      const [job] = yield* add(1)
      return [yield* stateOf(log, job?.id ?? ""), yield* inLine()]
    })
  },
  {
    name: "who has given up is granted nothing, until the same call is sent again",
    expected: ["Ready", 1],
    mutants: [others.goneOn],
    run: Effect.fnUntraced(function* (functions) {
      const { add, log, parked, session } = yield* place(functions)
      const request = (yield* session()).request()
      const waiting = yield* parked(request)
      yield* Fiber.interrupt(waiting)
      yield* Effect.sleep(300)
      const [job] = yield* add(1)
      const state = yield* stateOf(log, job?.id ?? "")
      return [state, (yield* log.claim(request)).grants.length]
    })
  },
  {
    name: "whose session has run out is granted nothing",
    expected: [1],
    mutants: [others.dead],
    run: Effect.fnUntraced(function* (functions) {
      const { add, log, parked, session } = yield* place(functions)
      yield* parked((yield* session(1000)).request())
      yield* Effect.sleep(1100)
      yield* add(1)
      const { grants } = yield* log.claim({ ...(yield* session()).request(), park: false })
      return grants.map(({ delivery }) => delivery)
    })
  },
  {
    name: "claims of a session that ends stand in line no longer, whether it is closed or runs out",
    expected: [2, 0, 0],
    mutants: [others.deadStays],
    run: Effect.fnUntraced(function* (functions) {
      const { inLine, key, log, parked, queue, session } = yield* place(functions)
      const closed = yield* session()
      const expired = yield* session(1000)
      yield* parked(closed.request())
      yield* parked(expired.request())
      const both = yield* inLine()
      yield* log.close(closed.id)
      yield* Effect.sleep(1100)
      yield* log.reclaim({ limit: 10 })
      return [both, yield* inLine(), Number(yield* cli(redis(), "HGET", key(`q:${queue}`), "pk"))]
    })
  }
]

describe.each(situations)("$name", { timeout: 60_000 }, ({ expected, mutants, run }) => {
  test("by the log's functions", async () => {
    expect(await running(run(library()))).toEqual(expected)
  })

  test.each(mutants)("not if $name", async (mutant) => {
    const found = await running(Effect.exit(run(mutated(mutant))))
    expect(Exit.isSuccess(found) ? found.value : "failed").not.toEqual(expected)
  })
})

test(
  "what is granted to claims that wait is what they are answered when they are sent again",
  { timeout: 60_000 },
  () =>
    running(
      Effect.gen(function* () {
        const { add, parked, log, session } = yield* place(library())
        const far = 8_000_000_000_000_000
        const options: ReadonlyArray<Partial<EnqueueItem>> = [
          { payload: JSON.stringify({ text: 'ä€😀\u0001\u2028"\\/\u007f' }), metadata: { über: "ß" } },
          { deadline: far, group: "g/ö", payload: '["😀"]', priority: -3 },
          { payload: JSON.stringify("x".repeat(100_000)) },
          { payload: JSON.stringify("ö".repeat(50_000)), group: "long" }
        ]
        for (const each of options) {
          const request = (yield* session()).request()
          const waiting = yield* parked(request)
          const [asked] = yield* add(1, each)
          const grants = yield* soon(waiting)
          expect(grants).toMatchObject([{ id: asked?.id, payload: each.payload, deadline: each.deadline }])
          expect((yield* log.claim(request)).grants).toEqual(grants)
        }
      })
    )
)

test("many that wait are served in turn, and what is kept for a session does not grow", { timeout: 60_000 }, () =>
  running(
    Effect.gen(function* () {
      const { add, inLine, key, parked, session } = yield* place(library())
      const idle = yield* session()
      yield* parked(idle.request(1, newQueue()))
      for (let i = 0; i < 100; i++) {
        const waiting = yield* parked(idle.request())
        yield* idle.others(1)
        yield* add(1)
        yield* idle.complete((yield* soon(waiting)) ?? [])
      }
      expect(Number(yield* cli(redis(), "HLEN", key(`c:${idle.id}`)))).toBeLessThan(100)
      expect(yield* cli(redis(), "HGET", key(`h:${idle.id}`), "op")).toBe("1")

      const fibers = []
      for (let i = 0; i < 40; i++) fibers.push(yield* parked((yield* session()).request(1)))
      yield* add(40)
      const found = yield* Effect.forEach(fibers, soon)
      expect(new Set(found.flatMap((grants) => grants?.map(({ id }) => id) ?? [])).size).toBe(40)
      expect(yield* inLine()).toBe(0)
    })
  )
)

test("who waits in a session that has died is told so as soon as it asks again", { timeout: 60_000 }, () =>
  running(
    Effect.gen(function* () {
      const { log, parked, session } = yield* place(library())
      const { id, request } = yield* session()
      const waiting = yield* parked(request())
      yield* log.close(id)
      // whoever was cut off has missed something
      yield* cli(redis(), "CLIENT", "KILL", "TYPE", "pubsub")
      const { outcome, reason } = yield* failureOf(Effect.timeoutOption(Fiber.join(waiting), soonMillis))
      expect(`${outcome} ${reason}`).toBe("unknown SessionDead")
    })
  )
)

test(
  "where replicas confirm what is written, who waits is told to ask, and the answer waits for them",
  { timeout: 60_000 },
  () =>
    running(
      Effect.gen(function* () {
        yield* replicaOf(redis())
        const queue = newQueue()
        const options = {
          server: { _tag: "Url", url: redis().url() },
          name: "confirmed",
          replicas: { count: 1 }
        } as const
        const log = yield* RedisLog.make(options)
        const { id: session } = yield* log.open({ owner: "test", leaseDuration: 60_000 })
        const waiting = yield* Effect.forkScoped(log.claim({ session, call: 1, queue, limit: 1, park: true }))
        yield* waitFor(
          "the call is open",
          Effect.map(cli(redis(), "HGET", `{confirmed}:h:${session}`, "op"), (open) => open === "1")
        )
        expect(yield* cli(redis(), "ZCARD", `{confirmed}:pk:${queue}`)).toBe(0)
        yield* log.enqueue([item(queue)])
        expect((yield* soon(waiting))?.grants.length).toBe(1)
      })
    )
)
