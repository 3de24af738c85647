/** A client's call is interrupted before each of its steps, and then sent again. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { expect, test } from "vitest"
import * as FileLog from "../../src/backends/file/FileLog.ts"
import { JobLog, type JobLogOperations } from "../../src/log/JobLog.ts"
import * as Job from "../../src/scheduler/Job.ts"
import { JobScheduler } from "../../src/scheduler/JobScheduler.ts"
import { SimulatedDisk } from "../../src/simulation/disk/SimulatedDisk.ts"
import type { SimulatedNode } from "../../src/simulation/kernel/SimulatedNode.ts"
import { run } from "../../src/simulation/kernel/Simulation.ts"

const id = "00000000-0000-7000-8000-000000000001"

/** Runs on a node with a file log whose disk takes its time. */
const onNode = <A>(
  seed: number,
  body: (node: SimulatedNode, log: JobLogOperations) => Effect.Effect<A, unknown, Scope.Scope>
): A => {
  const { ending } = run(
    (simulation) => {
      const node = simulation.node("node")
      const disk = new SimulatedDisk()
      disk.behave(simulation.generator.split("disk").next, { syncLatency: [0.5, 2], latency: [0, 0.2] })
      return node.run(
        Effect.scoped(
          Effect.flatMap(FileLog.make({ directory: "/log", disk: disk.disk, segmentBytes: 4096 }), (log) =>
            body(node, log)
          )
        )
      )
    },
    { seed, preempt: 0.1 }
  )
  if (ending._tag !== "Finished") throw new Error(ending.message)
  if (Exit.isFailure(ending.exit)) throw new Error(Cause.pretty(ending.exit.cause))
  return ending.exit.value
}

/** Interrupts the effect before its step number `at`; answers whether it was still under way by then. */
const interruptedAt = <A, E>(node: SimulatedNode, at: number, effect: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkDetach(effect, { startImmediately: true })
    let reached = false
    node.planAt(node.dispatches + at, () => {
      reached = fiber.pollUnsafe() === undefined
      fiber.interruptUnsafe()
    })
    const exit = yield* Fiber.await(fiber)
    return { exit, reached }
  })

const operations = ["enqueue", "claim", "renew", "settle", "close"] as const

/** All operations in order, the chosen one interrupted and sent again; answers whether there was such a step. */
const history = (seed: number, interrupted: (typeof operations)[number], at: number) =>
  onNode(seed, (node, log) =>
    Effect.gen(function* () {
      let reached = false
      const call = Effect.fnUntraced(function* <A, E>(name: (typeof operations)[number], effect: Effect.Effect<A, E>) {
        if (name !== interrupted) return yield* effect
        const first = yield* interruptedAt(node, at, effect)
        reached = first.reached
        const { exit } = first
        // a call that was given up is unknown, and never an answer that something had no effect
        expect(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)).toBe(true)
        const again = yield* effect
        if (Exit.isSuccess(exit)) expect(again).toEqual(exit.value)
        return again
      })
      const { id: session } = yield* log.open({ owner: "o", leaseDuration: 60_000 })
      const item = { id, queue: "q", name: "n", version: 1, payload: "p" }
      const other = { ...item, id: id.replace(/1$/, "2") }
      expect(yield* call("enqueue", log.enqueue([item, other]))).toEqual([
        { _tag: "Inserted", id },
        { _tag: "Inserted", id: other.id }
      ])
      const { grants } = yield* call("claim", log.claim({ session, call: 1, queue: "q", limit: 2, park: true }))
      expect(grants.map(({ delivery, token }) => ({ delivery, token }))).toEqual([
        { delivery: 1, token: 1n },
        { delivery: 1, token: 2n }
      ])
      const started = { session, call: 2, started: [1n], progress: [{ token: 1n, value: "half" }] }
      expect((yield* call("renew", log.renew(started))).lost).toEqual([])
      const settlement = { _tag: "Complete", result: "r" } as const
      const settled = { session, call: 3, items: [{ id, token: 1n, receipt: "", settlement }] }
      expect(yield* call("settle", log.settle(settled))).toMatchObject([{ _tag: "Settled", state: "Completed" }])
      yield* call("close", log.close(session))
      const answer = yield* log.read({ _tag: "Job", id })
      expect(answer).toMatchObject({ job: { state: "Completed", deliveries: 1, attempts: 1, result: "r" } })
      const released = yield* log.read({ _tag: "Job", id: other.id })
      expect(released).toMatchObject({ job: { state: "Ready", deliveries: 1, attempts: 0 } })
      return reached
    })
  )

test.for(operations)("%s, interrupted before each of its steps and sent again, happens once", (operation) => {
  for (let seed = 1; seed <= 5; seed++) {
    let steps = 0
    while (history(seed, operation, steps + 1)) steps++
    expect(steps).toBeGreaterThan(0)
    expect(steps).toBeLessThan(200)
  }
})

class Work extends Job.make("work", { payload: { millis: Schema.Int } }) {}

test("a shutdown, interrupted before each of its steps, still gives back what it holds", () => {
  const shutDown = (seed: number, at: number) =>
    onNode(seed, (node, log) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const handlers = Work.toLayer(({ millis }) => Effect.sleep(millis))
        const layer = JobScheduler.layerWith({ leaseDuration: 60_000, drainGrace: 50, concurrency: 2 }).pipe(
          Layer.provide(handlers),
          Layer.provide(Layer.succeed(JobLog, log))
        )
        yield* Layer.buildWithScope(layer, scope)
        yield* log.enqueue(yield* Effect.forEach([20, 10_000, 10_000], (millis) => Work.item({ millis })))
        yield* Effect.sleep(10)
        const { reached } = yield* interruptedAt(node, at, Scope.close(scope, Exit.void))
        // nobody waits for the shutdown any more, and it goes on all the same
        yield* Effect.sleep(5_000)
        const answer = yield* log.read({ _tag: "Counts" })
        expect(answer).toMatchObject({ queues: [{ leased: 0, ready: 2, completed: 1 }] })
        return reached
      })
    )
  for (let seed = 1; seed <= 3; seed++) {
    let steps = 0
    while (shutDown(seed, steps + 1)) steps++
    expect(steps).toBeGreaterThan(5)
  }
})
