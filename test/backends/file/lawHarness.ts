import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Harness } from "../../../properties/Harness.ts"
import * as VirtualClock from "../../../properties/VirtualClock.ts"
import * as FileLog from "../../../src/backends/file/FileLog.ts"
import { keepSome, SimulatedDisk } from "../../support/SimulatedDisk.ts"

/** The file log on a disk that forgets and a clock that only the laws move. Small segments: rolls and trims abound. */
export const fileHarness = (segmentBytes: number): Harness => ({
  name: `file, segments of ${segmentBytes} bytes`,
  make: Effect.gen(function* () {
    const clock = VirtualClock.make()
    const disk = new SimulatedDisk()
    let scope: Scope.Closeable
    const open = Effect.gen(function* () {
      scope = yield* Scope.make()
      const log = yield* FileLog.make({ directory: "/log", disk: disk.disk, segmentBytes }).pipe(
        Effect.provideService(Clock.Clock, clock),
        Effect.provideService(Scope.Scope, scope)
      )
      return VirtualClock.runLogOn(clock, log)
    })
    const log = yield* open
    yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
    return {
      log,
      advance: clock.advance,
      crash: ({ seed }) =>
        Effect.suspend(() => {
          // the former owner's files answer nothing any more, so there is no farewell
          disk.crash(keepSome(seed))
          return open
        })
    }
  })
})
