import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { assert, test } from "vitest"
import * as VirtualClock from "../../../properties/VirtualClock.ts"
import * as FileLog from "../../../src/backends/file/FileLog.ts"
import type { EnqueueItem, JobLogOperations, JobView } from "../../../src/log/JobLog.ts"
import { SimulatedDisk } from "../../../src/simulation/disk/SimulatedDisk.ts"
import { keepSome, seeded } from "../../../src/simulation/disk/Survivors.ts"
import { jobsOf } from "./support/LogRig.ts"

const idOf = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`

const sizeOf = (disk: SimulatedDisk): number =>
  disk.names("/log").reduce((sum, name) => sum + disk.bytes(`/log/${name}`).length, 0)

const openOn = Effect.fnUntraced(function* (disk: SimulatedDisk, clock: VirtualClock.VirtualClock) {
  const scope = yield* Scope.make()
  const log = yield* FileLog.make({ directory: "/log", disk: disk.disk, segmentBytes: 4096 }).pipe(
    Effect.provideService(Clock.Clock, clock),
    Effect.provideService(Scope.Scope, scope)
  )
  return { log: VirtualClock.runLogOn(clock, log), close: Scope.close(scope, Exit.void) }
})

/** Jobs of every kind that stay, while others come and go by the thousand. */
const churn = Effect.fnUntraced(function* (log: JobLogOperations, rounds: number, from: number) {
  const session = yield* log.open({ owner: "churn", leaseDuration: 60_000 })
  let call = 1
  for (let round = 0; round < rounds; round++) {
    const items = Array.from({ length: 40 }, (_, n): EnqueueItem => {
      const id = idOf(from + round * 40 + n)
      return {
        id,
        queue: "busy",
        name: "n",
        version: 1,
        payload: `payload of ${id}`,
        metadata: { round: String(round) }
      }
    })
    yield* log.enqueue(items)
    const { grants } = yield* log.claim({ session: session.id, call: call++, queue: "busy", limit: 40 })
    for (const grant of grants) assert.strictEqual(grant.payload, `payload of ${grant.id}`)
    yield* log.settle({
      session: session.id,
      call: call++,
      items: grants.map(({ id, token, receipt }) => ({ id, token, receipt, settlement: { _tag: "Complete" } as const }))
    })
  }
  yield* log.close(session.id)
})

const staying = Effect.fnUntraced(function* (log: JobLogOperations) {
  const base = { queue: "calm", name: "m", version: 2 }
  yield* log.control([{ _tag: "Configure", queue: "busy", policy: { retainCompletedCount: 5 } }])
  yield* log.control([{ _tag: "Pause", queue: "later" }])
  yield* log.enqueue([
    { ...base, id: idOf(1), payload: "plain" },
    { ...base, id: idOf(2), payload: "ünïcode", group: "g", deadline: Date.UTC(2040, 0), priority: -3 },
    { ...base, id: idOf(3), payload: "keyed", key: { value: "k", window: 3_600_000 }, timeout: 5, leaseDuration: 100 },
    { ...base, id: idOf(4), payload: "failing", metadata: { a: "b" } },
    {
      ...base,
      id: idOf(5),
      payload: "dying",
      trace: { traceId: "a".repeat(32), spanId: "b".repeat(16), sampled: true }
    },
    { ...base, id: idOf(6), payload: "waiting", delay: 1_000_000 },
    { ...base, id: idOf(7), queue: "later", payload: "cancelled" },
    { ...base, id: idOf(8), queue: "purged", payload: "x", key: { value: "gone", window: 3_600_000 } }
  ])
  const session = yield* log.open({ owner: "calm", leaseDuration: 3_600_000 })
  const take = Effect.fnUntraced(function* (call: number, queue: string) {
    const { grants } = yield* log.claim({ session: session.id, call, queue, limit: 100 })
    return new Map(grants.map(({ id, token, receipt }) => [id, { id, token, receipt }]))
  })
  const calm = yield* take(1, "calm")
  const cause = { kind: "failure", tag: "Oops", message: "it failed" } as const
  yield* log.settle({
    session: session.id,
    call: 2,
    items: [
      { ...calm.get(idOf(3))!, settlement: { _tag: "Complete", result: "résult" } },
      { ...calm.get(idOf(4))!, settlement: { _tag: "Retry", delay: 500_000, cause } },
      { ...calm.get(idOf(5))!, settlement: { _tag: "DeadLetter", cause } }
    ]
  })
  yield* log.renew({
    session: session.id,
    call: 3,
    started: [calm.get(idOf(1))!.token],
    progress: [{ token: calm.get(idOf(1))!.token, value: "half" }]
  })
  const purged = yield* take(4, "purged")
  yield* log.settle({
    session: session.id,
    call: 5,
    items: [{ ...purged.get(idOf(8))!, settlement: { _tag: "Complete" } }]
  })
  yield* log.control([
    { _tag: "Cancel", id: idOf(7) },
    { _tag: "Purge", id: idOf(8) }
  ])
  return session.id
})

const keyIsHeld = Effect.fnUntraced(function* (log: JobLogOperations) {
  const base = { version: 2, payload: "again" }
  const [kept, gone] = yield* log.enqueue([
    { ...base, id: idOf(900), queue: "calm", name: "m", key: { value: "k", window: 1 } },
    { ...base, id: idOf(901), queue: "purged", name: "m", key: { value: "gone", window: 1 } }
  ])
  assert.deepStrictEqual(kept, { _tag: "Duplicate", id: idOf(3), state: "Completed", result: "résult" })
  assert.deepStrictEqual(gone, { _tag: "Duplicate", id: idOf(8), state: "Completed", resultGone: true })
})

test("what stays is carried forward unchanged, and the log stays small", async () => {
  await Effect.runPromise(
    Effect.gen(function* () {
      const disk = new SimulatedDisk()
      const clock = VirtualClock.make()
      const first = yield* openOn(disk, clock)
      yield* staying(first.log)
      const before = (yield* jobsOf(first.log)).filter((job) => job.queue !== "busy")
      assert.strictEqual(before.length, 7)
      yield* churn(first.log, 60, 10_000)
      yield* Effect.yieldNow
      // 60 rounds take about 360 kB
      assert.isBelow(sizeOf(disk), 64 * 1024)
      assert.notInclude(disk.names("/log"), "0000000000000001.seg")
      const after = (yield* jobsOf(first.log)).filter((job) => job.queue !== "busy")
      assert.deepStrictEqual(after, before)
      yield* keyIsHeld(first.log)
      yield* first.close
      const second = yield* openOn(disk, clock)
      const reopened = (yield* jobsOf(second.log)).filter((job) => job.queue !== "busy")
      // the former session's grants are back: one had started, the other two had not
      assert.deepStrictEqual(
        reopened.map(({ id, state, attempts }) => [id, state, attempts]),
        [
          [idOf(1), "Ready", 1],
          [idOf(2), "Ready", 0],
          [idOf(3), "Completed", 1],
          [idOf(4), "Scheduled", 1],
          [idOf(5), "DeadLettered", 1],
          [idOf(6), "Scheduled", 0],
          [idOf(7), "Cancelled", 0]
        ]
      )
      const stable = (job: JobView | undefined) => ({ ...job, session: undefined, token: undefined })
      for (const n of [2, 3, 4, 5, 6]) assert.deepStrictEqual(stable(reopened[n]), stable(before[n]))
      yield* keyIsHeld(second.log)
      yield* churn(second.log, 30, 100_000)
      yield* second.close
    })
  )
})

test("a kept claim is answered again after its segments are gone", async () => {
  await Effect.runPromise(
    Effect.gen(function* () {
      const disk = new SimulatedDisk()
      const { log, close } = yield* openOn(disk, VirtualClock.make())
      yield* log.control([{ _tag: "Configure", queue: "busy", policy: { retainCompletedCount: 0 } }])
      yield* log.enqueue([{ id: idOf(1), queue: "q", name: "n", version: 1, payload: "mine" }])
      const session = yield* log.open({ owner: "o", leaseDuration: 3_600_000 })
      const request = { session: session.id, call: 1, queue: "q", limit: 1 }
      const first = yield* log.claim(request)
      const [{ id, token, receipt }] = first.grants as [(typeof first.grants)[0]]
      const items = [{ id, token, receipt, settlement: { _tag: "Complete" } as const }]
      yield* log.settle({ session: session.id, call: 2, items })
      yield* log.control([{ _tag: "Purge", id }])
      yield* churn(log, 60, 10_000)
      assert.notInclude(disk.names("/log"), "0000000000000001.seg")
      assert.deepStrictEqual(yield* log.claim(request), first)
      yield* close
    })
  )
})

test(
  "power fails anywhere in a compaction: nothing that was acknowledged is lost or comes back",
  { timeout: 60_000 },
  async () => {
    const random = seeded(7)
    for (let run = 0; run < 40; run++) {
      await Effect.runPromise(
        Effect.gen(function* () {
          const disk = new SimulatedDisk()
          const clock = VirtualClock.make()
          const first = yield* openOn(disk, clock)
          yield* staying(first.log)
          yield* churn(first.log, 6, 10_000)
          const before = (yield* jobsOf(first.log)).filter((job) => job.queue === "calm")
          const acknowledged: Array<string> = []
          let next = 20_000
          const traffic = Effect.gen(function* () {
            while (true) {
              const id = idOf(next++)
              yield* log.enqueue([{ id, queue: "count", name: "n", version: 1, payload: "x".repeat(200) }])
              acknowledged.push(id)
              yield* churn(log, 1, 30_000 + next * 100)
            }
          })
          const { log } = first
          let halted = false
          disk.haltAt(disk.steps + 1 + Math.floor(random() * 200), () => {
            halted = true
          })
          yield* Effect.forkDetach(traffic)
          while (!halted) yield* Effect.yieldNow
          const count = acknowledged.length
          disk.crash(keepSome(run))
          const second = yield* openOn(disk, clock)
          const jobs = yield* jobsOf(second.log)
          const after = new Map(jobs.map((job) => [job.id, job]))
          for (const id of acknowledged.slice(0, count)) assert.strictEqual(after.get(id)?.state, "Ready", `run ${run}`)
          for (const { id, payload } of before) assert.strictEqual(after.get(id)?.payload, payload, `run ${run}`)
          assert.strictEqual(after.get(idOf(3))?.result, "résult", `run ${run}`)
          yield* keyIsHeld(second.log)
          yield* churn(second.log, 3, 90_000)
          yield* second.close
        })
      )
    }
  }
)
