/** Memory logs that obey operators badly, and logs that say of themselves what is not so. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as VirtualClock from "../../../properties/VirtualClock.ts"
import * as MemoryLog from "../../../src/backends/memory/MemoryLog.ts"
import type { Harness } from "../../../properties/Harness.ts"
import type { JobLogOperations } from "../../../src/log/JobLog.ts"
import { refused, SessionDead } from "../../../src/log/LogError.ts"
import { fileHarness } from "../../properties/fileHarness.ts"
import { memoryHarness } from "../../properties/memoryHarness.ts"
import { showing } from "../Mutant.ts"
import { type LawMutant, type Wrap, inMemory, boasting } from "./LawMutant.ts"

/** The memory log, but that it takes nothing from a session whose lease has run out. */
const lateRefused: Harness = {
  ...memoryHarness,
  name: "late settlements refused",
  make: Effect.map(memoryHarness.make, (test) => {
    const log = test.log
    const ends = new Map<string, number>()
    const strict: JobLogOperations = {
      ...log,
      capabilities: { ...log.capabilities, lateSettle: "refused" },
      open: (options) =>
        Effect.tap(log.open(options), ({ expiresAt, id }) => Effect.sync(() => ends.set(id, expiresAt))),
      settle: (request) =>
        Effect.gen(function* () {
          const { now } = yield* log.read({ _tag: "Counts" })
          if (now < (ends.get(request.session) ?? 0)) return yield* log.settle(request)
          return yield* Effect.fail(refused("settle", new SessionDead({ session: request.session })))
        })
    }
    return { ...test, log: strict }
  })
}

/** Shows that a queue goes on, and grants nothing of it any more. */
const pauseForEver: Wrap = (log) => {
  const resumed = new Set<string>()
  return {
    ...showing(log, { counts: (counts) => ({ ...counts, paused: counts.paused && !resumed.has(counts.queue) }) }),
    renew: (request) =>
      Effect.map(log.renew(request), (answer) => ({
        ...answer,
        paused: answer.paused.filter((queue) => !resumed.has(queue))
      })),
    control: (commands) =>
      Effect.forEach(commands, (command) => {
        if (command._tag === "Resume") {
          resumed.add(command.queue)
          return Effect.succeed({ _tag: "Done" } as const)
        }
        if (command._tag === "Pause") resumed.delete(command.queue)
        return Effect.map(log.control([command]), ([result]) => result ?? ({ _tag: "Done" } as const))
      })
  }
}

const refusedPurgeCancels: Wrap = (log) => ({
  ...log,
  control: (commands) =>
    Effect.tap(log.control(commands), (results) =>
      Effect.forEach(commands, (command, i) => {
        const result = results[i]
        if (command._tag !== "Purge" || result?._tag !== "Refused" || result.reason !== "notTerminal") {
          return Effect.void
        }
        return log.control([{ _tag: "Cancel", id: command.id }])
      })
    )
})

const reschedulesAnything: Wrap = (log) => ({
  ...log,
  control: (commands) =>
    Effect.map(log.control(commands), (results) =>
      results.map((result, i) => (commands[i]?._tag === "Reschedule" ? ({ _tag: "Done" } as const) : result))
    )
})

/** Tells the wall clock's time, which may be set. */
const wallTime: Harness = {
  name: "the wall clock's time",
  make: Effect.gen(function* () {
    const clock = VirtualClock.make()
    const log = VirtualClock.runLogOn(clock, yield* Effect.provideService(MemoryLog.make(), Clock.Clock, clock))
    const wall: JobLogOperations = {
      ...log,
      read: (query) => Effect.map(log.read(query), (answer) => ({ ...answer, now: clock.currentTimeMillisUnsafe() }))
    }
    return { log: wall, advance: clock.advance, stepClock: clock.step }
  })
}

const rescheduledNow: Wrap = (log) => ({
  ...log,
  control: (commands) =>
    log.control(
      commands.map((command) =>
        command._tag === "Reschedule" && command.at !== undefined
          ? { _tag: "Reschedule", id: command.id, delay: 0 }
          : command
      )
    )
})

/** Starts from the defaults with every policy that is set. */
const policiesStartAnew: Wrap = (log) => ({
  ...log,
  control: (commands) =>
    log.control(
      commands.map((command) =>
        command._tag === "Configure"
          ? { ...command, policy: { ...command.policy, maxBacklog: command.policy.maxBacklog ?? "unlimited" } }
          : command
      )
    )
})

export const operatorMutants: ReadonlyArray<LawMutant> = [
  inMemory("eventuallyClaimed", 50, "a paused queue never goes on", pauseForEver),
  inMemory("outcomeTruth", 100, "a refused purge cancels", refusedPurgeCancels),
  inMemory("transitionsKept", 50, "a reschedule is never refused", reschedulesAnything),
  inMemory("neverEarly", 50, "the instant of a reschedule is left out", rescheduledNow),
  inMemory("limitsAtTheEdge", 1, "a policy that leaves the backlog out sets it free", policiesStartAnew),
  inMemory("pauseHolds", 50, "a job of a paused queue is not shown as paused", (log) =>
    showing(log, { job: (job) => ({ ...job, paused: undefined }) })
  ),
  inMemory("pauseHolds", 50, "counts do not show the pause", (log) =>
    showing(log, { counts: (counts) => ({ ...counts, paused: false }) })
  ),
  boasting("a late settlement is refused, and claimed to be accepted", lateRefused, { lateSettle: "accepted" }),
  boasting("a late settlement is accepted, and claimed to be refused", memoryHarness, { lateSettle: "refused" }),
  boasting("a log of one process claims to be for several", fileHarness, { crossProcess: true }),
  inMemory("limitsAtTheEdge", 1, "several commands are answered in another order", (log) => ({
    ...log,
    control: (commands) => Effect.map(log.control(commands), (results) => results.toReversed())
  })),
  {
    name: "the log's time is the wall clock's",
    law: "clockStepSafe",
    within: 50,
    original: memoryHarness,
    harness: wallTime
  }
]
