import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Harness } from "../../properties/Harness.ts"
import * as VirtualClock from "../../properties/VirtualClock.ts"
import type { Disk } from "../../src/backends/file/journal/Disk.ts"
import * as FileLog from "../../src/backends/file/FileLog.ts"
import { SimulatedDisk } from "../../src/simulation/disk/SimulatedDisk.ts"
import { type Keep, keepSome } from "../../src/simulation/disk/Survivors.ts"

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

/** The file log on a simulated disk; `through` may put a faulty disk in between. */
export const simulatedHarness = (name: string, through: (disk: Disk) => Disk = (disk) => disk): Harness => ({
  name,
  make: Effect.gen(function* () {
    const clock = VirtualClock.make()
    const outer = yield* Effect.scope
    let disk = new SimulatedDisk()
    const open = (on: SimulatedDisk) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const log = yield* FileLog.make({ directory: "/log", segmentBytes: 4096, disk: through(on.disk) }).pipe(
          Scope.provide(scope),
          Effect.provideService(Clock.Clock, clock)
        )
        return { log: VirtualClock.runLogOn(clock, log), scope }
      })
    let current = yield* open(disk)
    yield* Scope.addFinalizer(
      outer,
      Effect.suspend(() => Scope.close(current.scope, Exit.void))
    )
    return {
      log: current.log,
      advance: clock.advance,
      crash: ({ seed }) =>
        Effect.gen(function* () {
          disk = loseIts(disk, seed)
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
        })
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
