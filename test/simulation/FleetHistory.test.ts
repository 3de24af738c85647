import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { describe, expect, test } from "vitest"
import type { EnqueueItem } from "../../src/log/JobLog.ts"
import type { LogError } from "../../src/log/LogError.ts"
import * as MemoryLog from "../../src/backends/memory/MemoryLog.ts"
import { FleetHistory } from "../../src/simulation/FleetHistory.ts"

test("a call that dies in the log is told of, whatever its caller makes of it", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const history = new FleetHistory(() => {})
      const sound = yield* MemoryLog.make()
      const log = history.watch({ ...sound, claim: () => Effect.die(new Error("a bug")) })
      const { id } = yield* log.open({ owner: "o", leaseDuration: 1_000 })
      const request = { session: id, call: 1, queue: "q", limit: 1, park: true }
      yield* Effect.exit(log.claim(request))
      expect(history.violations).toEqual(["defect: a call died in the log: Error: a bug"])
      // nor is a caller that gives up a bug of the log
      yield* Effect.timeoutOption(history.watch(sound).claim(request), 1)
      expect(history.violations).toHaveLength(1)
    })
  ))

describe("a job is granted to a claim that came after a pause of its queue was done", () => {
  const queue = "q"
  const item: EnqueueItem = {
    id: "00000000-0000-7000-8000-000000000001",
    queue,
    name: "n",
    version: 1,
    payload: "{}"
  }

  /** Runs commands on a log that does a command to go on when it is told to. */
  const played = (
    commands: (
      pause: Effect.Effect<unknown, LogError>,
      resume: Effect.Effect<unknown, LogError>,
      done: Effect.Effect<unknown>
    ) => Effect.Effect<unknown, LogError>
  ): Promise<ReadonlyArray<string>> =>
    Effect.runPromise(
      Effect.gen(function* () {
        const history = new FleetHistory(() => {})
        history.attempt([item])
        const resumed = yield* Deferred.make<void>()
        const sound = yield* MemoryLog.make()
        yield* sound.enqueue([item])
        const log = history.watch({
          ...sound,
          control: ([command]) =>
            Effect.as(command?._tag === "Resume" ? Deferred.await(resumed) : Effect.void, [{ _tag: "Done" }])
        })
        const told = (_tag: "Pause" | "Resume") => log.control([{ _tag, queue }])
        yield* commands(told("Pause"), told("Resume"), Deferred.succeed(resumed, undefined))
        const { id } = yield* log.open({ owner: "o", leaseDuration: 1_000 })
        const { grants } = yield* log.claim({ session: id, call: 1, queue, limit: 1, park: false })
        expect(grants).toHaveLength(1)
        return history.violations
      })
    )
  const granted = [`pauseReaches: ${item.id} was granted while ${queue} was paused`]

  test("and nobody told the queue to go on", async () => {
    expect(await played((pause) => pause)).toEqual(granted)
  })

  test("and the queue had been told to go on before", async () => {
    expect(await played((pause, resume, done) => Effect.andThen(done, Effect.andThen(resume, pause)))).toEqual(granted)
  })

  test("and a command to go on crossed it that was sent before", async () => {
    expect(
      await played((pause, resume, done) =>
        Effect.gen(function* () {
          const crossing = yield* Effect.forkChild(resume, { startImmediately: true })
          yield* pause
          yield* done
          yield* Fiber.join(crossing)
        })
      )
    ).toEqual([])
  })

  test("and a command to go on that was sent before had been given up", async () => {
    expect(
      await played((pause, resume) =>
        Effect.gen(function* () {
          const givenUp = yield* Effect.forkChild(resume, { startImmediately: true })
          yield* Fiber.interrupt(givenUp)
          yield* pause
        })
      )
    ).toEqual(granted)
  })
})
