import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { assert, test } from "vitest"
import * as VirtualClock from "../../../properties/VirtualClock.ts"
import * as FileLog from "../../../src/backends/file/FileLog.ts"
import type { JobLogOperations } from "../../../src/log/JobLog.ts"
import { SimulatedDisk } from "../../../src/simulation/disk/SimulatedDisk.ts"

const idOf = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`
const job = (n: number) => ({ id: idOf(n), queue: "q", name: "n", version: 1, payload: `payload ${n}` })

interface Rig {
  readonly disk: SimulatedDisk
  readonly clock: VirtualClock.VirtualClock
  readonly log: JobLogOperations
}

const withLog = (test: (rig: Rig) => Effect.Effect<void, unknown>, options?: { readonly diskReserve: number }) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const disk = new SimulatedDisk()
      const clock = VirtualClock.make()
      const scope = yield* Scope.make()
      const log = yield* FileLog.make({ directory: "/log", disk: disk.disk, segmentBytes: 4096, ...options }).pipe(
        Effect.provideService(Clock.Clock, clock),
        Effect.provideService(Scope.Scope, scope)
      )
      yield* test({ disk, clock, log: VirtualClock.runLogOn(clock, log) })
      yield* Scope.close(scope, Exit.void)
    })
  )

const stateOf = Effect.fnUntraced(function* (log: JobLogOperations, n: number) {
  const answer = yield* log.read({ _tag: "Job", id: idOf(n) })
  return answer._tag === "Job" ? answer.job?.state : undefined
})

for (const operation of ["write", "datasync"] as const) {
  test(`a failed ${operation} poisons the log until a session is opened, which recovers what was acknowledged`, () =>
    withLog(({ disk, log }) =>
      Effect.gen(function* () {
        yield* log.enqueue([job(1)])
        const session = yield* log.open({ owner: "o", leaseDuration: 60_000 })
        const { grants } = yield* log.claim({ session: session.id, call: 1, queue: "q", limit: 1 })
        const parked = yield* Effect.forkDetach(
          Effect.flip(log.claim({ session: session.id, call: 2, queue: "other", limit: 1, park: true }))
        )
        const watching = yield* Effect.forkDetach(Effect.flip(log.changes({ _tag: "Job", id: idOf(1) })))
        yield* Effect.yieldNow
        disk.fail({ operation, nth: 1, code: "EIO" })
        const failed = yield* Effect.flip(log.enqueue([job(2)]))
        assert.strictEqual(failed.outcome, "unknown")
        assert.strictEqual(failed.reason._tag, "Poisoned")
        assert.strictEqual((yield* Fiber.join(parked)).reason._tag, "Poisoned")
        assert.strictEqual((yield* Fiber.join(watching)).reason._tag, "Poisoned")
        for (const refusal of [
          yield* Effect.flip(log.enqueue([job(3)])),
          yield* Effect.flip(log.read({ _tag: "Counts" })),
          yield* Effect.flip(log.claim({ session: session.id, call: 3, queue: "q", limit: 1 }))
        ]) {
          assert.strictEqual(refusal.outcome, "refused")
          assert.strictEqual(refusal.reason._tag, "Poisoned")
        }
        const again = yield* log.open({ owner: "o", leaseDuration: 60_000 })
        assert.notStrictEqual(again.id, session.id)
        const dead = yield* Effect.flip(
          log.settle({
            session: session.id,
            call: 4,
            items: grants.map(({ id, token, receipt }) => ({
              id,
              token,
              receipt,
              settlement: { _tag: "Complete" } as const
            }))
          })
        )
        assert.strictEqual(dead.reason._tag, "SessionDead")
        assert.strictEqual(yield* stateOf(log, 1), "Ready")
        assert.isUndefined(yield* stateOf(log, 3))
        // what was unknown is learned by repeating it
        assert.deepStrictEqual(yield* log.enqueue([job(2)]), [{ _tag: "Inserted", id: idOf(2) }])
        const claimed = yield* log.claim({ session: again.id, call: 1, queue: "q", limit: 10 })
        assert.deepStrictEqual(
          claimed.grants.map((grant) => grant.id),
          [idOf(1), idOf(2)]
        )
        assert.isTrue(claimed.grants.every((grant) => grant.token > grants[0]!.token))
      })
    ))
}

test("when the disk's reserve is touched enqueues are refused and settlements go through", () =>
  withLog(
    ({ disk, log }) =>
      Effect.gen(function* () {
        yield* log.enqueue(Array.from({ length: 40 }, (_, n) => ({ ...job(n), payload: "x".repeat(150) })))
        disk.free = 900_000
        // the next segment's beginning looks at the disk
        yield* log.enqueue([job(100)])
        yield* Effect.yieldNow
        yield* Effect.yieldNow
        const full = yield* Effect.flip(log.enqueue([job(101)]))
        assert.strictEqual(full.outcome, "refused")
        assert.strictEqual(full.reason._tag, "Full")
        assert.isTrue(full.isRetryable)
        // what exists already is answered as ever
        assert.deepStrictEqual(yield* log.enqueue([job(100)]), [{ _tag: "Inserted", id: idOf(100) }])
        const session = yield* log.open({ owner: "o", leaseDuration: 60_000 })
        const { grants } = yield* log.claim({ session: session.id, call: 1, queue: "q", limit: 100 })
        const followUp = { ...job(200), queue: "next" }
        const results = yield* log.settle({
          session: session.id,
          call: 2,
          items: grants.map(({ id, token, receipt }, n) => ({
            id,
            token,
            receipt,
            settlement: { _tag: "Complete", ...(n === 0 ? { enqueue: [followUp] } : undefined) } as const
          }))
        })
        assert.isTrue(results.every((result) => result._tag === "Settled"))
        disk.free = Number.POSITIVE_INFINITY
        yield* Effect.flip(log.enqueue([job(101)]))
        yield* Effect.yieldNow
        yield* Effect.yieldNow
        assert.deepStrictEqual(yield* log.enqueue([job(101)]), [{ _tag: "Inserted", id: idOf(101) }])
      }),
    { diskReserve: 1_000_000 }
  ))

test("nothing is written while there is nothing to do", () =>
  withLog(({ clock, disk, log }) =>
    Effect.gen(function* () {
      yield* log.enqueue([job(1)])
      const session = yield* log.open({ owner: "o", leaseDuration: 60_000 })
      yield* log.claim({ session: session.id, call: 1, queue: "q", limit: 1 })
      const steps = disk.steps
      for (let call = 2; call < 100; call++) {
        yield* clock.advance(20_000)
        yield* log.renew({ session: session.id, call, started: [], progress: [] })
        yield* log.reclaim({ limit: 100 })
        yield* log.read({ _tag: "Counts" })
      }
      assert.strictEqual(disk.steps, steps)
    })
  ))

test("an enqueue that meets a parked claim is stored together with its grant", () =>
  withLog(({ disk, log }) =>
    Effect.gen(function* () {
      const session = yield* log.open({ owner: "o", leaseDuration: 60_000 })
      const parked = yield* Effect.forkDetach(
        log.claim({ session: session.id, call: 1, queue: "q", limit: 5, park: true })
      )
      yield* Effect.yieldNow
      const syncs = (): number => disk.trace.filter((step) => step.startsWith("datasync")).length
      const before = syncs()
      yield* log.enqueue([job(1)])
      const { grants } = yield* Fiber.join(parked)
      assert.deepStrictEqual(
        grants.map((grant) => grant.payload),
        ["payload 1"]
      )
      assert.strictEqual(syncs(), before + 1)
    })
  ))
