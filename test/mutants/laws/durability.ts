/** File logs that forget, damage or owe something across a crash, a restart or a failing disk. */
import * as Effect from "effect/Effect"
import type { TestLog } from "../../../properties/Harness.ts"
import type { ControlCommand, JobLogOperations } from "../../../src/log/JobLog.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import { fileHarness } from "../../properties/fileHarness.ts"
import { type LawMutant, type Wrap, handled, opening, onDisk } from "./LawMutant.ts"

/** Another log, new and empty, in the place of one that would not open. */
const startsEmpty = Effect.map(Effect.orDie(fileHarness.make), ({ log }) => log)

/** Opened again it goes by the wall clock, whatever time it had reached. */
const forgetsItsTime = (test: TestLog) =>
  Effect.gen(function* () {
    const timeOf = (log: JobLogOperations) => Effect.map(log.read({ _tag: "Counts" }), ({ now }) => now)
    let wall = yield* Effect.orDie(timeOf(test.log))
    const shifted = (log: JobLogOperations) =>
      Effect.map(timeOf(log), (time): JobLogOperations => {
        const shift = Math.min(0, wall - time)
        return {
          ...log,
          read: (query) => Effect.map(log.read(query), (answer) => ({ ...answer, now: answer.now + shift }))
        }
      })
    const { advance, crash, restart, stepClock } = test
    return {
      advance: (millis: number) =>
        Effect.andThen(
          advance(millis),
          Effect.sync(() => void (wall += millis))
        ),
      stepClock:
        stepClock &&
        ((millis: number) =>
          Effect.andThen(
            stepClock(millis),
            Effect.sync(() => void (wall += millis))
          )),
      crash: crash && ((options: { readonly seed: number }) => Effect.flatMap(crash(options), shifted)),
      restart: restart && Effect.flatMap(restart, shifted)
    }
  })

const configures = (count: number): ReadonlyArray<ControlCommand> =>
  Array.from({ length: count }, () => ({ _tag: "Configure", queue: "garbage", policy: {} }) as const)

/** Answers from memory for an id that is known, also while it is on its way to the disk. */
const knownBeforeDurable: Wrap = (log) => {
  const known = new Set<string>()
  return {
    ...log,
    enqueue: (items) =>
      Effect.suspend(() => {
        if (items.every(({ id }) => known.has(id))) {
          return Effect.succeed(items.map(({ id }) => ({ _tag: "Inserted", id }) as const))
        }
        for (const { id } of items) known.add(id)
        return log.enqueue(items)
      })
  }
}

const commandsAnsweredEarly: Wrap = (log) => ({
  ...log,
  control: (commands) =>
    Effect.as(
      Effect.forkDetach(log.control(commands), { startImmediately: true }),
      commands.map(() => ({ _tag: "Done" }) as const)
    )
})

const tornBatches: Wrap = (log) => ({
  ...log,
  enqueue: (items) =>
    Effect.map(
      Effect.forEach(items, (item) => log.enqueue([item])),
      (results) => results.flat()
    )
})

const first = (log: JobLogOperations): Effect.Effect<string | undefined, LogError> =>
  Effect.map(log.read({ _tag: "Jobs", limit: 1 }), (answer) =>
    answer._tag === "Jobs" ? answer.jobs[0]?.id : undefined
  )

const moves = (log: JobLogOperations): Effect.Effect<void, LogError> =>
  Effect.flatMap(first(log), (id) =>
    id === undefined ? Effect.void : Effect.asVoid(log.control([{ _tag: "Reschedule", id, delay: 1 }]))
  )

const drops = (log: JobLogOperations): Effect.Effect<void, LogError> =>
  Effect.flatMap(first(log), (id) => {
    if (id === undefined) return Effect.void
    const commands: ReadonlyArray<ControlCommand> = [
      { _tag: "Cancel", id },
      { _tag: "Purge", id }
    ]
    return Effect.forEach(commands, (command) => log.control([command]), { discard: true })
  })

export const durabilityMutants: ReadonlyArray<LawMutant> = [
  handled("clockStepSafe", 10, "an opening forgets what time it was", forgetsItsTime),
  opening("atomicBatch", 100, "a batch is several records", (log) => Effect.succeed(tornBatches(log))),
  opening("readYourDurability", 100, "a repeated enqueue is answered before the first is durable", (log) =>
    Effect.succeed(knownBeforeDurable(log))
  ),
  opening("durabilityNamed", 200, "a command is answered before it is durable", (log) =>
    Effect.succeed(commandsAnsweredEarly(log))
  ),
  opening("recoveryIdempotent", 50, "each opening moves a job", (log, opened) =>
    Effect.as(opened === 0 ? Effect.void : moves(log), log)
  ),
  opening("recoveryBound", 100, "each opening writes more than the one before", (log, opened) =>
    Effect.as(
      Effect.forEach(Array.from({ length: opened === 0 ? 0 : 2 ** opened }), () => log.control(configures(200)), {
        discard: true
      }),
      log
    )
  ),
  handled("compactionKeepsAll", 50, "compaction forgets a job", ({ compact, log }) => ({
    compact: compact === undefined ? undefined : Effect.andThen(compact, drops(log))
  })),
  onDisk("poisonOnSyncError", 100, "a failed sync is tried again", (disk) => ({
    open: (path, mode) =>
      Effect.map(disk.open(path, mode), (file) => ({
        ...file,
        datasync: Effect.retry(file.datasync, { times: 3 })
      }))
  })),
  onDisk("poisonOnSyncError", 100, "a failed sync is ignored", (disk) => ({
    open: (path, mode) =>
      Effect.map(disk.open(path, mode), (file) => ({ ...file, datasync: Effect.ignore(file.datasync) }))
  })),
  handled("haltOnDamage", 20, "a damaged log starts empty", ({ damage }) => ({
    damage:
      damage === undefined ? undefined : (options) => Effect.catch(damage(options), () => Effect.scoped(startsEmpty))
  })),
  handled("versionSafe", 20, "a later format is taken for an empty log", ({ newerFormat }) => ({
    newerFormat: newerFormat === undefined ? undefined : Effect.catch(newerFormat, () => Effect.scoped(startsEmpty))
  })),
  onDisk("singleOwner", 20, "nothing locks the directory", () => ({ lock: () => Effect.succeed(Effect.void) })),
  opening("quiescence", 50, "each beat writes, with nothing to do", (log) =>
    Effect.succeed({
      ...log,
      reclaim: (options: { readonly limit: number }) =>
        Effect.andThen(log.control(configures(20)), log.reclaim(options))
    })
  )
]
