import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import * as RedisLog from "../../../src/backends/redis/RedisLog.ts"
import type { JobLogOperations } from "../../../src/log/JobLog.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import { RedisCluster, type Step } from "../../support/servers/RedisCluster.ts"
import {
  allJobs,
  claimer,
  completionOf,
  idOf,
  item,
  newQueue,
  persisting,
  type Received,
  running,
  stateOf,
  waitFor,
  worker
} from "./TroubleSupport.ts"

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await RedisCluster.start()
})
afterAll(() => cluster?.close())

const open = (name: string, options: Partial<RedisLog.Options> = {}) =>
  RedisLog.make({ server: { _tag: "Cluster", nodes: cluster.nodes }, name, ...options })

const slotOf = (name: string) => Effect.promise(() => cluster.slotOf(`{${name}}:m`))

/** A failure that had no effect and passes, as long as a slot is on its way. */
const isPassing = ({ outcome, reason }: LogError): boolean => outcome === "refused" && reason._tag === "Unavailable"

/** All queues' counts of jobs: what they are in all. */
const countsOf = (log: JobLogOperations) =>
  Effect.map(log.read({ _tag: "Counts" }), (answer) =>
    answer._tag === "Counts"
      ? answer.queues.map(({ completed, leased, queue, ready }) => ({ completed, leased, queue, ready }))
      : []
  )

describe("a Cluster", { timeout: 90_000 }, () => {
  it("carries whole logs, each on one node and several on several", () =>
    running(
      Effect.gen(function* () {
        const names = Array.from({ length: 12 }, (_, i) => `log-${i}`)
        const used = new Set<unknown>()
        for (const name of names) {
          used.add(cluster.ownerOf(yield* slotOf(name)))
          const log = yield* open(name)
          const queues = [newQueue(), newQueue()]
          const followUp = item(queues[1]!)
          const jobs = [item(queues[0]!), item(queues[0]!, { group: "one" }), item(queues[1]!, { priority: 5 })]
          yield* log.enqueue(jobs)
          const { claim, next, session } = yield* claimer(log, queues[0]!)
          const { grants } = yield* claim()
          assert.deepStrictEqual(
            grants.map(({ id }) => id),
            jobs.slice(0, 2).map(({ id }) => id)
          )
          const started = grants.map(({ token }) => token)
          assert.deepStrictEqual((yield* log.renew({ session, call: next(), started, progress: [] })).lost, [])
          // the follow-up is another queue's
          const items = grants
            .map(completionOf)
            .map((one) => ({ ...one, settlement: { _tag: "Complete", enqueue: [followUp] } as const }))
          yield* log.settle({ session, call: next(), items: items.slice(0, 1) })
          assert.strictEqual(yield* stateOf(log, followUp.id), "Ready")
          yield* log.close(session)
          assert.strictEqual(yield* stateOf(log, jobs[1]!.id), "Ready")
          assert.strictEqual((yield* log.reclaim({ limit: 10 })).reclaimed, 0)
          assert.deepStrictEqual(yield* log.control([{ _tag: "Cancel", id: jobs[2]!.id }]), [{ _tag: "Done" }])
          assert.strictEqual((yield* allJobs(log)).size, 4)
        }
        assert.strictEqual(used.size, 3)
      })
    ))

  it("wakes a worker by a job that another program enqueues through another node", () =>
    running(
      Effect.gen(function* () {
        const queue = newQueue()
        const received: Array<Received> = []
        yield* Effect.forkScoped(worker(yield* open("news"), queue, received))
        const other = yield* open("news")
        for (let n = 1; n <= 3; n++) {
          yield* other.enqueue([item(queue)])
          yield* waitFor(
            "the worker has it",
            Effect.sync(() => received.length === n),
            n === 1 ? 10_000 : 2000
          )
        }
      })
    ))

  it("moves a log to another node under load, and no call sees half of it", () =>
    running(
      Effect.gen(function* () {
        const name = "moving"
        const queue = newQueue()
        const slot = yield* slotOf(name)
        const from = cluster.ownerOf(slot)
        const to = cluster.otherThan(from)
        const received: Array<Received> = []
        for (let i = 0; i < 2; i++) yield* Effect.forkScoped(worker(yield* open(name), queue, received))
        const producer = yield* open(name)
        const hasty = yield* open(name)
        // what stays as it is shows whether all of it is there
        const still = Array.from({ length: 50 }, (_, n) => item("still", n % 2 === 0 ? {} : { group: `g${n % 5}` }))
        yield* producer.enqueue(still)
        const told: Array<string> = []
        let going = true
        let tries = 0
        const producing = yield* Effect.forkScoped(
          Effect.gen(function* () {
            while (going) {
              const items = [0, 1].map((n) => ({
                ...item(queue, n === 0 ? {} : { group: "one" }),
                id: idOf(1_000_000 + tries++)
              }))
              const answers = yield* persisting(producer.enqueue(items))
              for (const answer of answers) {
                assert.strictEqual(answer._tag, "Inserted")
                told.push(answer.id)
              }
            }
          })
        )
        const seen: Array<{ readonly ready: number; readonly jobs: number }> = []
        const failures: Array<LogError> = []
        const reading = yield* Effect.forkScoped(
          Effect.gen(function* () {
            while (going) {
              const answer = yield* Effect.result(
                Effect.all([
                  hasty.read({ _tag: "Counts", queue: "still" }),
                  hasty.read({ _tag: "Jobs", queue: "still", limit: 100 })
                ])
              )
              if (answer._tag === "Failure") failures.push(answer.failure)
              else {
                const [counts, page] = answer.success
                seen.push({
                  ready: counts._tag === "Counts" ? (counts.queues[0]?.ready ?? -1) : -1,
                  jobs: page._tag === "Jobs" ? page.jobs.length : -1
                })
              }
              yield* Effect.sleep(5)
            }
          })
        )
        yield* waitFor(
          "work is done",
          Effect.sync(() => received.length > 50)
        )
        const done: Record<Step, number> = { opened: 0, half: 0, moved: 0 }
        const paused = async (step: Step): Promise<void> => {
          const reads = seen.length
          await new Promise((resolve) => setTimeout(resolve, step === "half" ? 1500 : 300))
          done[step] = seen.length - reads
        }
        yield* Effect.promise(() => cluster.moveSlot(slot, to, paused))
        // half of a log answers nothing, not even a read
        assert.isAtMost(done.half, 1)
        const before = received.length
        yield* waitFor(
          "work goes on",
          Effect.sync(() => received.length > before + 50),
          20_000
        )
        going = false
        yield* Effect.all([Fiber.join(producing), Fiber.join(reading)])
        yield* waitFor(
          "all is done",
          Effect.sync(() => received.length >= told.length),
          20_000
        )
        yield* waitFor(
          "all is settled",
          Effect.map(countsOf(producer), (counts) =>
            counts.some((one) => one.queue === queue && one.completed === told.length)
          )
        )

        assert.isTrue(failures.every(isPassing), String(failures.find((error) => !isPassing(error))))
        assert.isAbove(seen.length, 10)
        for (const look of seen) assert.deepStrictEqual(look, { ready: still.length, jobs: still.length })
        assert.deepStrictEqual(received.map(({ grant }) => grant.id).toSorted(), told.toSorted())
        const jobs = yield* allJobs(producer)
        assert.strictEqual(jobs.size, told.length + still.length)
        for (const id of told) assert.strictEqual(jobs.get(id)?.state, "Completed")
        // it is all at the other node now
        assert.strictEqual(yield* Effect.promise(() => from.text("CLUSTER", "COUNTKEYSINSLOT", slot)), "0")
        assert.isAbove(Number(yield* Effect.promise(() => to.text("CLUSTER", "COUNTKEYSINSLOT", slot))), 10)
      })
    ))

  it("refuses what it cannot do while a log is between two nodes for longer than anyone waits", () =>
    running(
      Effect.gen(function* () {
        const name = "between"
        const slot = yield* slotOf(name)
        const to = cluster.otherThan(cluster.ownerOf(slot))
        const log = yield* open(name)
        const queue = newQueue()
        const jobs = [item(queue), item(queue), item(queue)]
        yield* log.enqueue(jobs.slice(0, 1))
        const { next, session } = yield* claimer(log, queue)
        const claim = { session, call: next(), queue, limit: 10 }
        const failures: Array<LogError> = []
        yield* Effect.promise(() =>
          cluster.moveSlot(slot, to, async (step) => {
            if (step !== "half") return
            const calls: ReadonlyArray<Effect.Effect<unknown, LogError>> = [
              log.enqueue(jobs.slice(1, 2)),
              log.claim(claim),
              log.read({ _tag: "Job", id: jobs[0]!.id })
            ]
            failures.push(
              ...(await Effect.runPromise(Effect.forEach(calls, Effect.flip, { concurrency: "unbounded" })))
            )
          })
        )
        assert.isTrue(failures.every(isPassing), String(failures.find((error) => !isPassing(error))))
        assert.strictEqual(yield* persisting(stateOf(log, jobs[1]!.id)), undefined)
        yield* log.enqueue(jobs.slice(2))
        assert.deepStrictEqual(
          (yield* log.claim(claim)).grants.map(({ id }) => id),
          [jobs[0]!.id, jobs[2]!.id]
        )
      })
    ))
})
