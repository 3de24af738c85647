import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import * as FileLog from "../../src/backends/file/FileLog.ts"
import * as MemoryLog from "../../src/backends/memory/MemoryLog.ts"
import { JobLog } from "../../src/log/JobLog.ts"
import type { LogError } from "../../src/log/LogError.ts"
import * as Store from "../support/persistedQueueStore.ts"

const made: Array<string> = []
const directory = (): string => {
  const fresh = fs.mkdtempSync(path.join(os.tmpdir(), "leasehold-persisted-"))
  made.push(fresh)
  return fresh
}
afterAll(() => made.forEach((name) => fs.rmSync(name, { recursive: true, force: true })))

const Mail = Schema.Struct({ to: Schema.String })
const mails = (options?: { readonly maxAttempts?: number }) =>
  PersistedQueue.make({ name: "mail", schema: Mail, retrySchedule: Schedule.spaced("1 millis"), ...options })

type Needs = PersistedQueue.PersistedQueueFactory | JobLog

const on =
  (log: Layer.Layer<JobLog, LogError>) =>
  <A, E>(program: Effect.Effect<A, E, Needs>): Promise<A> =>
    Effect.runPromise(
      Effect.scoped(
        Effect.provide(program, PersistedQueue.layer.pipe(Layer.provideMerge(Store.layer), Layer.provideMerge(log)))
      )
    )

const states = Effect.gen(function* () {
  const log = yield* JobLog
  const answer = yield* log.read({ _tag: "Jobs", limit: 100 })
  return answer._tag === "Jobs" ? answer.jobs.map((job) => job.state) : []
})

describe.for([
  ["memory", () => MemoryLog.layer()],
  ["file", () => FileLog.layer({ directory: directory() })]
] as const)("Effect's PersistedQueue, unchanged, on the %s log", ([, layer]) => {
  test("what is offered is taken once, in order, and not again under its id", async () => {
    const seen = await on(layer())(
      Effect.gen(function* () {
        const queue = yield* mails()
        yield* queue.offer({ to: "a" }, { id: "one" })
        yield* queue.offer({ to: "again" }, { id: "one" })
        yield* queue.offer({ to: "b" })
        const first = yield* queue.take((mail, { id, attempts }) => Effect.succeed({ mail, id, attempts }))
        const second = yield* queue.take((mail) => Effect.succeed(mail))
        yield* queue.offer({ to: "after completion" }, { id: "one" })
        return { first, second, states: yield* states }
      })
    )
    expect(seen.first).toEqual({ mail: { to: "a" }, id: "one", attempts: 1 })
    expect(seen.second).toEqual({ to: "b" })
    expect(seen.states).toEqual(["Completed", "Completed"])
  })

  test("a failure is retried, counted, and dead-lettered after the last attempt", async () => {
    const seen = await on(layer())(
      Effect.gen(function* () {
        const queue = yield* mails({ maxAttempts: 3 })
        yield* queue.offer({ to: "a" })
        const attempts: Array<number> = []
        for (let i = 0; i < 3; i++) {
          yield* Effect.flip(
            queue.take((_, meta) => {
              attempts.push(meta.attempts)
              return Effect.fail("declined")
            })
          )
        }
        return { attempts, states: yield* states }
      })
    )
    expect(seen).toEqual({ attempts: [1, 2, 3], states: ["DeadLettered"] })
  })

  test("an element that does not decode is dead-lettered and passed over", async () => {
    const seen = await on(layer())(
      Effect.gen(function* () {
        const other = yield* PersistedQueue.make({ name: "mail", schema: Schema.Number })
        yield* other.offer(42)
        const queue = yield* mails()
        yield* queue.offer({ to: "b" })
        const mail = yield* queue.take((value) => Effect.succeed(value))
        return { mail, states: yield* states }
      })
    )
    expect(seen).toEqual({ mail: { to: "b" }, states: ["DeadLettered", "Completed"] })
  })

  test("an interrupted handler gives its element back without an attempt", async () => {
    const attempts = await on(layer())(
      Effect.gen(function* () {
        const queue = yield* mails()
        yield* queue.offer({ to: "a" })
        const started = yield* Deferred.make<void>()
        const running = yield* Effect.forkChild(
          queue.take(() => Effect.andThen(Deferred.succeed(started, undefined), Effect.never))
        )
        yield* Deferred.await(started)
        yield* Fiber.interrupt(running)
        return yield* queue.take((_, meta) => Effect.succeed(meta.attempts))
      })
    )
    expect(attempts).toBe(1)
  })

  test("a taker that waits is woken, and one that gives up loses nothing", async () => {
    const seen = await on(layer())(
      Effect.gen(function* () {
        const queue = yield* mails()
        const given = yield* Effect.forkChild(queue.take((mail) => Effect.succeed(mail.to)))
        yield* Effect.yieldNow
        yield* Fiber.interrupt(given)
        const waiting = yield* Effect.forkChild(queue.take((mail) => Effect.succeed(mail.to)))
        yield* Effect.yieldNow
        yield* queue.offer({ to: "late" }, { delay: "5 millis" })
        return yield* Fiber.join(waiting)
      })
    )
    expect(seen).toBe("late")
  })
})

test("what was offered to the file log is taken after it was opened again", async () => {
  const where = directory()
  const program = <A, E>(effect: Effect.Effect<A, E, Needs>) => on(FileLog.layer({ directory: where }))(effect)
  await program(Effect.flatMap(mails(), (queue) => queue.offer({ to: "later" })))
  const mail = await program(Effect.flatMap(mails(), (queue) => queue.take((value) => Effect.succeed(value))))
  expect(mail).toEqual({ to: "later" })
})
