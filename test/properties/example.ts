import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { checkLog, formatReport, VirtualClock } from "../../properties/index.ts"
import type { Harness } from "../../properties/index.ts"
import * as MyLog from "../../src/backends/memory/MemoryLog.ts"

export const harness: Harness = {
  name: "my log",
  make: Effect.gen(function* () {
    const clock = VirtualClock.make()
    const log = yield* Effect.provideService(MyLog.make(), Clock.Clock, clock)
    return { log: VirtualClock.runLogOn(clock, log), advance: clock.advance }
  })
}

export const check = Effect.gen(function* () {
  const report = yield* checkLog(harness, { seed: 1, runs: 20 })
  yield* Effect.log(formatReport(report))
  if (!report.passed) return yield* Effect.die(new Error("a law is broken"))
  return report
})
