import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import { describe, expect, test } from "vitest"
import { type Options, type Result, run, type Simulation } from "../../../src/simulation/kernel/Simulation.ts"

const valueOf = <A, E>(result: Result<A, E>): A => {
  if (result.ending._tag !== "Finished") throw new Error(result.ending.message)
  if (Exit.isFailure(result.ending.exit)) throw new Error(Cause.pretty(result.ending.exit.cause))
  return result.ending.exit.value
}

/** Three workers take from one queue at seeded speeds. */
const busy = (simulation: Simulation) =>
  Effect.gen(function* () {
    const queue = yield* Queue.unbounded<number>()
    const done: Array<string> = []
    for (const name of ["a", "b", "c"]) {
      yield* Effect.forkChild(
        Effect.gen(function* () {
          while (true) {
            const n = yield* Queue.take(queue)
            yield* Effect.sleep(yield* Random.nextIntBetween(1, 20))
            done.push(`${name}${n}`)
            simulation.note(`${name} did ${n}`)
          }
        })
      )
    }
    yield* Queue.offerAll(
      queue,
      Array.from({ length: 30 }, (_, n) => n)
    )
    while (done.length < 30) yield* Effect.sleep(5)
    return done.join(" ")
  })

describe("one seed", () => {
  test("takes the same steps each time, and another seed takes others", () => {
    const hashes = new Set<string>()
    for (let seed = 0; seed < 50; seed++) {
      const first = run(busy, { seed, preempt: seed % 2 === 0 ? 0 : 0.05, keepLines: 10 })
      const again = run(busy, { seed, preempt: seed % 2 === 0 ? 0 : 0.05 })
      expect(again.hash).toBe(first.hash)
      expect(valueOf(again)).toBe(valueOf(first))
      expect(first.lines).toHaveLength(10)
      hashes.add(first.hash)
    }
    expect(hashes.size).toBe(50)
  })

  // pinned, so that another version of Node, of Effect or of this file that takes other steps is noticed
  test("takes the steps it took everywhere else", () => {
    const { elapsed, hash, steps } = run(busy, { seed: 7, preempt: 0.02 })
    expect({ elapsed, hash, steps }).toMatchInlineSnapshot(`
      {
        "elapsed": 110,
        "hash": "dced9a92be3d7815",
        "steps": 63,
      }
    `)
  })

  test("finds the race between a read and a write that have a turn between them", () => {
    const race = Effect.gen(function* () {
      let balance = 0
      const add = Effect.gen(function* () {
        yield* Effect.yieldNow
        const before = balance
        yield* Effect.yieldNow
        balance = before + 1
      })
      yield* Effect.all([add, add], { concurrency: "unbounded" })
      return balance
    })
    const seen = new Set(Array.from({ length: 40 }, (_, seed) => valueOf(run(() => race, { seed }))))
    expect([...seen].sort()).toEqual([1, 2])
  })
})

describe("time", () => {
  test("jumps to what comes next, and a simulated day costs nothing", () => {
    const result = run(
      () =>
        Effect.gen(function* () {
          const start = yield* Clock.currentTimeMillis
          yield* Effect.sleep("1 day")
          return (yield* Clock.currentTimeMillis) - start
        }),
      { seed: 1 }
    )
    expect(valueOf(result)).toBe(86_400_000)
    expect(result.elapsed).toBe(86_400_000)
  })

  test("runs differently on a node with a wrong clock", () => {
    const result = run(
      (simulation) =>
        Effect.gen(function* () {
          const fast = simulation.node("fast", { rate: 2, skew: 5_000 })
          const [before, after] = yield* fast.run(
            Effect.gen(function* () {
              const start = yield* Clock.currentTimeMillis
              yield* Effect.sleep(10_000)
              return [start, yield* Clock.currentTimeMillis] as const
            })
          )
          return { before: before - 1_893_456_000_000, slept: after - before, passed: simulation.now() }
        }),
      { seed: 1 }
    )
    expect(valueOf(result)).toEqual({ before: 5_000, slept: 10_000, passed: 5_000 })
  })

  test("of a suspended machine stands still on the monotonic clock, by which its timers go", () => {
    const result = run(
      (simulation) =>
        Effect.gen(function* () {
          const node = simulation.node("laptop")
          const fiber = yield* Effect.forkChild(
            node.run(
              Effect.gen(function* () {
                const wall = yield* Clock.currentTimeMillis
                const monotonic = yield* Clock.monotonicTimeNanos
                yield* Effect.sleep(100)
                return {
                  wall: (yield* Clock.currentTimeMillis) - wall,
                  monotonic: Number((yield* Clock.monotonicTimeNanos) - monotonic) / 1e6
                }
              })
            )
          )
          yield* Effect.sleep(50)
          node.pause()
          yield* Effect.sleep(1_000)
          node.resume({ suspended: true })
          return yield* Fiber.join(fiber)
        }),
      { seed: 3 }
    )
    expect(valueOf(result)).toEqual({ wall: 1_100, monotonic: 100 })
  })
})

describe("a crash", () => {
  test("runs no finalizer and leaves no timer", () => {
    const result = run(
      (simulation) =>
        Effect.gen(function* () {
          const seen: Array<string> = []
          const node = simulation.node("victim")
          yield* Effect.forkDetach(
            node.run(
              Effect.gen(function* () {
                seen.push("started")
                yield* Effect.sleep(100)
                seen.push("woke")
              }).pipe(Effect.ensuring(Effect.sync(() => seen.push("finalized"))))
            )
          )
          yield* Effect.sleep(50)
          node.crash()
          yield* Effect.sleep(1_000)
          return seen
        }),
      { seed: 1 }
    )
    expect(valueOf(result)).toEqual(["started"])
  })

  test("can be planned at every await point", () => {
    const steps = (crashAt: number) =>
      run(
        (simulation) =>
          Effect.gen(function* () {
            let reached = 0
            const node = simulation.node("victim")
            node.planAt(crashAt, () => node.crash())
            yield* Effect.forkDetach(
              node.run(
                Effect.gen(function* () {
                  while (reached < 20) {
                    reached++
                    yield* Effect.yieldNow
                  }
                })
              )
            )
            yield* Effect.sleep(1)
            return reached
          }),
        { seed: 1 }
      )
    const reached = Array.from({ length: 15 }, (_, at) => valueOf(steps(at + 1)))
    expect(reached).toEqual([...reached].sort((a, b) => a - b))
    expect(new Set(reached).size).toBe(15)
  })
})

describe("what cannot be replayed", () => {
  const ending = (program: Effect.Effect<unknown>, options?: Partial<Options>) =>
    run(() => program, { seed: 1, maxSteps: 10_000, ...options }).ending

  test.for<[string, () => unknown]>([
    ["Date.now", () => Date.now()],
    ["new Date()", () => new Date()],
    ["Math.random", () => Math.random()],
    ["performance.now", () => performance.now()],
    ["process.hrtime", () => process.hrtime.bigint()],
    ["setTimeout", () => setTimeout(() => {}, 1)],
    ["setImmediate", () => setImmediate(() => {})],
    ["queueMicrotask", () => queueMicrotask(() => {})],
    ["process.nextTick", () => process.nextTick(() => {})],
    ["crypto.randomUUID", () => crypto.randomUUID()],
    ["fetch", () => fetch("http://localhost")]
  ])("is an error: %s", ([what, use]) => {
    const found = ending(Effect.sync(use))
    expect(found._tag === "Ambient" ? found.message : found).toContain(what.replace("crypto", "rypto").slice(1))
    expect(found._tag === "Ambient" ? found.stack : "").toContain("Simulation.test.ts")
  })

  test("is an error even where a fiber that nobody awaits used it", () => {
    expect(ending(Effect.andThen(Effect.forkDetach(Effect.sync(() => Date.now())), Effect.sleep(10)))._tag).toBe(
      "Ambient"
    )
  })

  test("is an error as a promise", () => {
    expect(ending(Effect.promise(() => Promise.resolve(1)))._tag).toBe("Ambient")
    expect(ending(Effect.promise(async () => await Promise.resolve(1)))._tag).toBe("Ambient")
  })

  test("shows as a deadlock where it only waits", () => {
    expect(ending(Effect.never)._tag).toBe("Deadlock")
    const outside = Deferred.makeUnsafe<void>()
    expect(ending(Deferred.await(outside))._tag).toBe("Deadlock")
  })

  test("shows as a step limit where it never ends", () => {
    expect(ending(Effect.forever(Effect.yieldNow))._tag).toBe("StepLimit")
  })

  test("leaves the outside as it was", () => {
    const before = [Date, Date.now, Math.random, setTimeout, Promise.prototype.then]
    ending(Effect.sync(() => Date.now()))
    expect([Date, Date.now, Math.random, setTimeout, Promise.prototype.then]).toEqual(before)
    expect(new Date().getTime()).toBeGreaterThan(0)
  })
})
