import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Harness } from "../../properties/Harness.ts"
import * as VirtualClock from "../../properties/VirtualClock.ts"
import * as MemoryLog from "../../src/backends/memory/MemoryLog.ts"

/** The memory log on a clock that only the laws move. */
export const memoryHarness: Harness = {
  name: "memory",
  make: Effect.suspend(() => {
    const clock = VirtualClock.make()
    return MemoryLog.make().pipe(
      Effect.provideService(Clock.Clock, clock),
      Effect.map((log) => ({ log: VirtualClock.runLogOn(clock, log), advance: clock.advance, stepClock: clock.step }))
    )
  })
}
