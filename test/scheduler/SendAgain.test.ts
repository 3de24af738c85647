import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as MemoryLog from "../../src/backends/memory/MemoryLog.ts"
import * as Job from "../../src/scheduler/Job.ts"
import { JobQueue, make } from "../../src/scheduler/JobQueue.ts"

class Report extends Job.make("report", { payload: { year: Schema.Int }, deadline: "1 hour" }) {}

it.effect("the same id sent again later, with a new deadline and in another trace, is the same job", () =>
  Effect.gen(function* () {
    const log = yield* MemoryLog.make()
    const id = "0192d2c4-7a00-7000-8000-000000000001"
    const send = Report.enqueue({ year: 2026 }, { id }).pipe(
      Effect.withSpan("producer"),
      Effect.provideService(JobQueue, make(log))
    )
    expect(yield* send).toEqual({ _tag: "Inserted", id })
    yield* TestClock.adjust("5 minutes")
    expect(yield* send).toEqual({ _tag: "Inserted", id })
    const other = yield* Effect.flip(
      Report.enqueue({ year: 2027 }, { id }).pipe(Effect.provideService(JobQueue, make(log)))
    )
    expect(other._tag).toBe("CommandRefused")
  })
)
