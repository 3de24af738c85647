import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { assert, test } from "vitest"
import * as VirtualClock from "../../../properties/VirtualClock.ts"
import * as FileLog from "../../../src/backends/file/FileLog.ts"
import { verifyDirectory } from "../../../src/backends/file/VerifyLog.ts"
import type { EnqueueItem, Grant, JobLogOperations, ReadAnswer, Session, Settlement } from "../../../src/log/JobLog.ts"
import { SimulatedDisk } from "../../../src/simulation/disk/SimulatedDisk.ts"
import { seeded } from "../../../src/simulation/disk/Survivors.ts"

const idOf = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`

const openOn = Effect.fnUntraced(function* (disk: SimulatedDisk, clock: VirtualClock.VirtualClock) {
  const scope = yield* Scope.make()
  const log = yield* FileLog.make({ directory: "/log", disk: disk.disk, segmentBytes: 4096 }).pipe(
    Effect.provideService(Clock.Clock, clock),
    Effect.provideService(Scope.Scope, scope)
  )
  return { log: VirtualClock.runLogOn(clock, log), close: Scope.close(scope, Exit.void) }
})

const everything = Effect.fnUntraced(function* (log: Pick<JobLogOperations, "read">) {
  const jobs: ReadAnswer = yield* log.read({ _tag: "Jobs", limit: 1000 })
  const counts: ReadAnswer = yield* log.read({ _tag: "Counts" })
  return { jobs, counts }
})

/** One random operation after the other. */
const randomOperations = (seed: number, log: JobLogOperations, clock: VirtualClock.VirtualClock) => {
  const random = seeded(seed)
  const pick = (n: number): number => Math.floor(random() * n)
  const maybe = <A>(value: A): A | undefined => (pick(3) === 0 ? value : undefined)
  let made = 0
  let session: Session | undefined
  let call = 1
  let held: Array<Grant> = []
  const item = (): EnqueueItem => ({
    id: idOf(pick(4) === 0 ? pick(made + 1) : made++),
    queue: `q${pick(2)}`,
    name: "n",
    version: 1,
    payload: "payload ".repeat(pick(20)),
    priority: maybe(pick(3) - 1),
    delay: maybe(pick(2000)),
    maxAttempts: maybe(1 + pick(2)),
    deadline: maybe(Date.UTC(2030, 0, 1) + pick(20_000)),
    group: maybe(`g${pick(2)}`),
    key: maybe({ value: `k${pick(3)}`, window: pick(3000), onConflict: pick(2) === 0 ? "keep" : "replace" }),
    metadata: maybe({ a: "é" })
  })
  const settlement = (): Settlement => {
    const cause = { kind: "failure", tag: "T", message: "m".repeat(pick(50)) } as const
    const all: ReadonlyArray<Settlement> = [
      { _tag: "Complete", result: maybe("r".repeat(pick(100))), enqueue: maybe([item()]) },
      { _tag: "Complete" },
      { _tag: "Retry", delay: pick(1000), cause },
      { _tag: "Release", delay: maybe(pick(500)), cause: maybe(cause) },
      { _tag: "DeadLetter", cause }
    ]
    return all[pick(all.length)]!
  }
  const operations = [
    () => log.enqueue(Array.from({ length: 1 + pick(3) }, item)),
    () => log.enqueue([item()]),
    () =>
      Effect.gen(function* () {
        session ??= yield* log.open({ owner: "o", leaseDuration: 5000 })
        const result = yield* log.claim({ session: session.id, call: call++, queue: `q${pick(2)}`, limit: 1 + pick(3) })
        held.push(...result.grants)
      }),
    () =>
      Effect.gen(function* () {
        if (session === undefined) return
        const items = held
          .splice(0, 1 + pick(3))
          .map(({ id, token, receipt }) => ({ id, token, receipt, settlement: settlement() }))
        yield* log.settle({ session: session.id, call: call++, items })
      }),
    () =>
      Effect.gen(function* () {
        if (session === undefined) return
        const tokens = held.map((grant) => grant.token)
        const progress = tokens.slice(0, 1).map((token) => ({ token, value: `p${pick(9)}` }))
        yield* log.renew({ session: session.id, call: call++, started: tokens.slice(0, pick(3)), progress })
      }),
    () =>
      Effect.gen(function* () {
        if (session === undefined || pick(3) > 0) return
        yield* log.close(session.id)
        session = undefined
        held = []
      }),
    () => log.reclaim({ limit: 1 + pick(5) }),
    () =>
      log.control([
        { _tag: "Cancel", id: idOf(pick(made + 1)) },
        { _tag: "Redrive", id: idOf(pick(made + 1)) },
        { _tag: "Purge", id: idOf(pick(made + 1)) },
        { _tag: "Reschedule", id: idOf(pick(made + 1)), delay: pick(500), priority: maybe(pick(3) - 1) },
        { _tag: pick(2) === 0 ? "Pause" : "Resume", queue: "q1" },
        {
          _tag: "Configure",
          queue: "q0",
          policy: { retainCompletedCount: maybe(pick(4)), groupOnRetry: maybe("stepAside" as const) }
        }
      ]),
    () => clock.advance(pick(2500))
  ]
  return Effect.suspend((): Effect.Effect<unknown, unknown> => operations[pick(operations.length)]!()).pipe(
    // a session that has expired meanwhile is one of the things that happen
    Effect.catch(() =>
      Effect.sync(() => {
        session = undefined
        held = []
      })
    )
  )
}

test("after every operation a replay beside the owner sees what the owner sees", { timeout: 60_000 }, async () => {
  for (let seed = 0; seed < 25; seed++) {
    await Effect.runPromise(
      Effect.gen(function* () {
        const disk = new SimulatedDisk()
        const clock = VirtualClock.make()
        const { log, close } = yield* openOn(disk, clock)
        const operation = randomOperations(seed, log, clock)
        for (let step = 0; step < 80; step++) {
          yield* operation
          const owner = yield* everything(log)
          const replayed = yield* Effect.scoped(
            Effect.gen(function* () {
              const reader = yield* FileLog.readDirectory("/log", { disk: disk.disk })
              return yield* everything(reader)
            })
          ).pipe(Effect.provideService(Clock.Clock, clock))
          assert.deepStrictEqual(replayed.jobs, owner.jobs, `seed ${seed}, step ${step}`)
          const byName = (answer: ReadAnswer) =>
            answer._tag !== "Counts"
              ? []
              : answer.queues
                  .filter(
                    ({ paused, oldestReadySince: _, queue: __, ...counts }) =>
                      paused || Object.values(counts).some((n) => n !== 0)
                  )
                  .toSorted((a, b) => (a.queue < b.queue ? -1 : 1))
          assert.deepStrictEqual(byName(replayed.counts), byName(owner.counts), `seed ${seed}, step ${step}`)
        }
        const report = yield* verifyDirectory(disk.disk, "/log")
        assert.isUndefined(report.damage)
        yield* close
      })
    )
  }
})

test("damage in a record is named, and nothing is changed", async () => {
  await Effect.runPromise(
    Effect.gen(function* () {
      const disk = new SimulatedDisk()
      const clock = VirtualClock.make()
      const first = yield* openOn(disk, clock)
      yield* first.log.enqueue([{ id: idOf(1), queue: "q", name: "n", version: 1, payload: "p" }])
      yield* first.close
      const path = "/log/0000000000000001.seg"
      const sound = Buffer.from(disk.bytes(path))
      const damaged = Buffer.from(sound)
      damaged[sound.indexOf("q", 64)]! ^= 1
      disk.plant(path, damaged)
      const error = yield* Effect.flip(openOn(disk, clock))
      assert.strictEqual(error.reason._tag, "Corrupt")
      const report = yield* verifyDirectory(disk.disk, "/log")
      assert.strictEqual(report.damage?.segment, "0000000000000001.seg")
      assert.deepStrictEqual(disk.bytes(path), damaged)
    })
  )
})

test("a recorded time far ahead is refused unless it is accepted, and time never goes back", async () => {
  await Effect.runPromise(
    Effect.gen(function* () {
      const disk = new SimulatedDisk()
      const ahead = VirtualClock.make(Date.UTC(2031, 0, 1))
      const first = yield* openOn(disk, ahead)
      yield* first.log.enqueue([{ id: idOf(1), queue: "q", name: "n", version: 1, payload: "p" }])
      yield* first.close
      const behind = VirtualClock.make(Date.UTC(2030, 0, 1))
      const error = yield* Effect.flip(openOn(disk, behind))
      assert.strictEqual(error.reason._tag, "ClockAhead")
      const scope = yield* Scope.make()
      const log = yield* FileLog.make({
        directory: "/log",
        disk: disk.disk,
        segmentBytes: 4096,
        acceptClockAhead: true
      }).pipe(Effect.provideService(Clock.Clock, behind), Effect.provideService(Scope.Scope, scope))
      const answer = yield* log.read({ _tag: "Counts" })
      assert.strictEqual(answer.now, Date.UTC(2031, 0, 1))
      yield* behind.advance(1000)
      const session = yield* log.open({ owner: "o", leaseDuration: 1000 })
      assert.strictEqual(session.now, Date.UTC(2031, 0, 1) + 1000)
      yield* Scope.close(scope, Exit.void)
    })
  )
})
