import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { describe, expect, test } from "vitest"
import * as MemoryLog from "../../src/backends/memory/MemoryLog.ts"
import * as Job from "../../src/scheduler/Job.ts"
import { JobScheduler } from "../../src/scheduler/JobScheduler.ts"
import * as Simulation from "../../src/simulation/index.ts"

class Count extends Job.make("count", { payload: { n: Schema.Int } }) {}

interface World {
  done: Array<number>
}

const scenario = (
  handle: (world: World, n: number) => Effect.Effect<void>,
  more: Partial<Simulation.Scenario<World>> = {}
): Simulation.Scenario<World> => ({
  name: "counting",
  world: () => ({ done: [] }),
  node: (world) =>
    JobScheduler.layerWith({ leaseDuration: "5 seconds" }).pipe(
      Layer.provide(Count.toLayer(({ n }) => handle(world, n)))
    ),
  workload: () => Effect.forEach([1, 2, 3], (n) => Count.enqueue({ n }), { discard: true }),
  invariant: ({ done }) => [1, 2, 3].flatMap((n) => (done.includes(n) ? [] : [`${n} is missing`])),
  ...more
})

const count = (world: World, n: number) =>
  Effect.sync(() => {
    world.done.push(n)
  })

describe("check", () => {
  test("passes what is right, without faults", () => {
    const report = Simulation.check(scenario(count), { seeds: 5, faults: "none", duration: 1_000 })
    expect(report.failure).toBeUndefined()
    expect(report.seeds).toBe(5)
    expect(Simulation.formatReport(report)).toContain("passed")
    expect(JSON.parse(Simulation.toJson(report))).toMatchObject({ scenario: "counting", seeds: 5 })
  })

  test("shows a failing seed, smaller, and replays it to the same trace", () => {
    const broken = scenario((world, n) => (n === 2 ? Effect.void : count(world, n)))
    const report = Simulation.check(broken, { seeds: 50, faults: ["clockStep", "slowNetwork"], duration: 5_000 })
    const { failure } = report
    expect(failure?.violations).toEqual(["2 is missing"])
    expect(failure?.replayed).toBe(true)
    expect(failure?.armed).toEqual([])
    expect(failure?.options.nodes).toBe(1)
    const again = Simulation.replay(broken, failure?.seed ?? 0, failure?.options)
    expect(again.hash).toBe(failure?.hash)
    expect(again.lines.length).toBeGreaterThan(failure?.lines.length ?? Infinity)
    expect(Simulation.formatReport(report)).toContain(`Simulation.replay(scenario, ${failure?.seed}, { nodes: 1`)
  })

  test("makes a failure smaller without turning it into another one", () => {
    let openings = 0
    // without a restart the seed fails as well, but not in this way
    const restarting = scenario(count, {
      world: () => {
        openings = 0
        return { done: [] }
      },
      log: () => {
        openings++
        return MemoryLog.make()
      },
      invariant: () => [openings > 1 ? `restarted: ${openings - 1} times` : "never restarted"]
    })
    const options = { faults: ["logRestart", "clockStep", "pause"], duration: 20_000 } as const
    let seed = 1
    while (!Simulation.replay(restarting, seed, options).violations.join().startsWith("restarted")) seed++
    const { failure } = Simulation.check(restarting, { ...options, seeds: 1, firstSeed: seed })
    expect(failure?.violations.join()).toContain("restarted: ")
    expect(failure?.options).toMatchObject({ faults: ["logRestart"], nodes: 1 })
  })

  test("names what came from outside of the simulation, and where", () => {
    const ambient = scenario((world, n) =>
      Effect.andThen(
        Effect.sync(() => Date.now()),
        count(world, n)
      )
    )
    const { failure } = Simulation.check(ambient, { seeds: 1, faults: "none", duration: 1_000 })
    expect(failure?.violations[0]).toContain("Date.now was used")
    expect(failure?.stack).toContain("Check.test.ts")
  })

  test("says when something outside of the simulation has a say", () => {
    let runs = 0
    const leaking = scenario((world, n) => Effect.andThen(Effect.sleep(++runs), count(world, n)), {
      invariant: () => ["always wrong"]
    })
    const { failure } = Simulation.check(leaking, { seeds: 1, faults: "none", duration: 1_000 })
    expect(failure?.replayed).toBe(false)
  })

  test("says so even if all seeds pass", () => {
    let runs = 0
    const leaking = scenario((world, n) => Effect.andThen(Effect.sleep(++runs), count(world, n)))
    const { failure } = Simulation.check(leaking, { seeds: 2, faults: "none", duration: 1_000 })
    expect(failure?.violations).toEqual(["no seed fails, but none can be replayed"])
    expect(failure?.replayed).toBe(false)
  })

  test("refuses options that cannot be meant", () => {
    const refused = (options: object) => expect(() => Simulation.check(scenario(count), options))
    refused({ seeds: 0 }).toThrow("seeds must be a whole number, at least 1; it is 0")
    refused({ seeds: Number.NaN }).toThrow("seeds must be")
    refused({ nodes: 0 }).toThrow("nodes must be")
    refused({ firstSeed: 0.5 }).toThrow("firstSeed must be")
    refused({ faults: ["workercrash"] }).toThrow("not workercrash")
    refused({ faults: "workerCrash" }).toThrow("a list of these: logPowerLoss, ")
  })

  test("names the part of the scenario that throws, and what does not start", () => {
    const boom = (): never => {
      throw new Error("boom")
    }
    const options = { seeds: 1, faults: "none", duration: 1_000, settleWithin: 10_000 } as const
    const said = (more: Partial<Simulation.Scenario<World>>) =>
      Simulation.check(scenario(count, more), options).failure?.violations.join()
    expect(said({ invariant: boom })).toBe("the invariant threw Error: boom")
    expect(said({ always: boom })).toBe("always threw Error: boom")
    expect(said({ workload: boom })).toContain("the workload failed: Error: boom")
    expect(said({ node: boom })).toContain("3 waiting and 0 held; node0#1 does not start: Error: boom")
    expect(said({ node: () => Layer.effectDiscard(Effect.fail("no bank")) })).toContain("does not start: no bank")
    expect(said({ log: boom })).toContain("the log does not open: Error: boom")
  })

  test("says when a job never ends, or the client", () => {
    const options = { seeds: 1, faults: "none", duration: 1_000, settleWithin: 30_000 } as const
    const hung = Simulation.check(
      scenario(() => Effect.never),
      options
    )
    expect(hung.failure?.violations).toEqual([
      "not everything is done 30000 ms after the last fault: default has 0 waiting and 3 held"
    ])
    const waiting = Simulation.check(scenario(count, { workload: () => Effect.never }), options)
    expect(waiting.failure?.violations[0]).toContain("the workload has no end")
  })

  test("runs on another log", () => {
    // what survives a crash lies in the world: this one keeps the whole log there, without its process
    const opened: Array<number> = []
    const report = Simulation.check(
      scenario(count, {
        log: () => {
          opened.push(1)
          return MemoryLog.make()
        }
      }),
      { seeds: 3, faults: ["workerCrash", "pause"], duration: 10_000 }
    )
    expect(report.failure).toBeUndefined()
    // each seed, and the first of them again
    expect(opened).toHaveLength(4)
  })
})
