import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Harness } from "../../properties/Harness.ts"
import * as VirtualClock from "../../properties/VirtualClock.ts"
import type { Disk } from "../../src/backends/file/journal/Disk.ts"
import * as FileLog from "../../src/backends/file/FileLog.ts"
import type { JobLogOperations } from "../../src/log/JobLog.ts"
import { SimulatedDisk } from "../../src/simulation/disk/SimulatedDisk.ts"
import { type Keep, keepSome } from "../../src/simulation/disk/Survivors.ts"
import { newerVersion, spoil } from "./fileDamage.ts"

/** Which unsynced pieces a crash keeps: none, all, or a seeded subset. */
const survivors = (seed: number): Keep => {
  switch (seed % 4) {
    case 0:
      return () => false
    case 1:
      return () => true
    default:
      return keepSome(seed)
  }
}

/** Small, so that segments end, are carried forward and are given up within one history. */
const segmentBytes = 4096

const turns = (times: number): Effect.Effect<void> => Effect.repeat(Effect.yieldNow, { times })

/**
 * The same disk, on which reads and removals take their time, so that other things happen meanwhile. Tells
 * how many bytes are written and when a file is removed.
 */
const watching = (
  disk: Disk,
  on: { readonly written: (bytes: number) => void; readonly removed: () => void }
): Disk => ({
  ...disk,
  open: (path, mode) =>
    Effect.map(disk.open(path, mode), (file) => ({
      ...file,
      read: (buffer, offset, length, position) => Effect.andThen(turns(2), file.read(buffer, offset, length, position)),
      write: (buffer, offset, length, position) =>
        Effect.suspend(() => {
          on.written(length)
          return file.write(buffer, offset, length, position)
        })
    })),
  remove: (path) => Effect.tap(Effect.andThen(turns(20), disk.remove(path)), () => Effect.sync(on.removed))
})

/** Writes what is garbage at once, until the log gives up a segment of its own accord. */
const compacting = (log: () => JobLogOperations, removed: () => number) =>
  Effect.gen(function* () {
    const before = removed()
    const nothing = Array.from({ length: 60 }, () => ({ _tag: "Configure", queue: "compaction", policy: {} }) as const)
    for (let round = 0; round < 40 && removed() === before; round++) {
      yield* log().control(nothing)
      for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow
    }
  })

/** The file log on a simulated disk; `through` may put a faulty disk in between. */
export const simulatedHarness = (name: string, through: (disk: Disk) => Disk = (disk) => disk): Harness => ({
  name,
  make: Effect.gen(function* () {
    const clock = VirtualClock.make()
    const outer = yield* Effect.scope
    let disk = new SimulatedDisk()
    let written = 0
    let removed = 0
    const on = { written: (bytes: number) => void (written += bytes), removed: () => void (removed += 1) }
    const openIn = (scope: Scope.Scope, of: SimulatedDisk) =>
      FileLog.make({ directory: "/log", segmentBytes, disk: watching(through(of.disk), on) }).pipe(
        Scope.provide(scope),
        Effect.provideService(Clock.Clock, clock),
        Effect.map((log) => VirtualClock.runLogOn(clock, log))
      )
    const open = (of: SimulatedDisk) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const log = yield* Effect.onError(openIn(scope, of), () => Scope.close(scope, Exit.void))
        return { log, scope }
      })
    let current = yield* open(disk)
    yield* Scope.addFinalizer(
      outer,
      Effect.suspend(() => Scope.close(current.scope, Exit.void))
    )
    /** Closed in good order, then changed, then opened again. */
    const openedAgain = (change: (disk: SimulatedDisk) => void) =>
      Effect.gen(function* () {
        yield* Scope.close(current.scope, Exit.void)
        change(disk)
        current = yield* open(disk)
        return current.log
      })
    return {
      log: current.log,
      advance: clock.advance,
      stepClock: clock.step,
      crash: ({ seed }) =>
        Effect.gen(function* () {
          disk = loseIts(disk, seed)
          // the dead are not closed: should the log not open again, closing it would wait for ever
          current = { ...current, scope: yield* Scope.make() }
          if (seed % 5 === 0) {
            // a second crash in the middle of the recovery from the first
            disk.haltAt(disk.steps + 1 + (seed % 7))
            const recovering = yield* Effect.forkDetach(open(disk))
            for (let turn = 0; turn < 40; turn++) yield* Effect.yieldNow
            recovering.interruptUnsafe()
            disk = loseIts(disk, seed + 2)
          }
          current = yield* open(disk)
          return current.log
        }),
      restart: openedAgain(() => {}),
      damage: ({ seed }) => {
        if (seed % 2 === 0) return openedAgain((closed) => spoil(closed, "/log", seed, true))
        return Effect.gen(function* () {
          // stopped without a farewell: all that was acknowledged is durable all the same
          disk = loseIts(disk, 0)
          spoil(disk, "/log", seed, false)
          current = { ...current, scope: yield* Scope.make() }
          current = yield* open(disk)
          return current.log
        })
      },
      newerFormat: openedAgain((closed) => newerVersion(closed, "/log")),
      failSync: ({ times }) =>
        Effect.sync(() => {
          if (times === 0) disk.heal()
          else disk.fail({ operation: "datasync", nth: 1, code: "EIO", forever: times === Number.POSITIVE_INFINITY })
        }),
      openSecond: Effect.flatMap(Effect.scope, (scope) => openIn(scope, disk)),
      compact: compacting(
        () => current.log,
        () => removed
      ),
      written: Effect.sync(() => written)
    }
  })
})

/** From now on nothing happens on the disk, whose owner is left hanging as a dead process would be. */
const loseIts = (disk: SimulatedDisk, seed: number): SimulatedDisk => {
  disk.haltAt(disk.steps + 1)
  return disk.afterCrash(survivors(seed))
}

/** The file log on a simulated disk. */
export const fileHarness = simulatedHarness("file, simulated disk")
