import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Harness } from "../../properties/Harness.ts"
import * as VirtualClock from "../../properties/VirtualClock.ts"
import * as MemoryLog from "../../src/backends/memory/MemoryLog.ts"
import type { Capabilities } from "../../src/log/Capabilities.ts"
import type { EnqueueItem, JobLogOperations } from "../../src/log/JobLog.ts"
import { refused, Unsupported } from "../../src/log/LogError.ts"
import { memoryHarness } from "./memoryHarness.ts"

const lacking = (log: JobLogOperations): Capabilities => ({
  ...log.capabilities,
  log: "plain",
  groups: false,
  dedupe: false,
  priorities: 1,
  nameFilter: false,
  parkedClaims: false,
  inspect: false
})

const unsupported = (operation: string, capability: string) =>
  Effect.fail(refused(operation, new Unsupported({ capability, detail: "this log is plain" })))

const needs = (item: EnqueueItem): string | undefined => {
  if (item.group !== undefined) return "groups"
  if (item.key !== undefined) return "dedupe"
  return (item.priority ?? 0) === 0 ? undefined : "priorities"
}

/** A log that has next to nothing, and says so: what it lacks is refused, and nothing of it can be looked at. */
export const plainHarness: Harness = {
  ...memoryHarness,
  name: "plain",
  make: Effect.map(memoryHarness.make, (test) => {
    const log = test.log
    const plain: JobLogOperations = {
      ...log,
      capabilities: lacking(log),
      enqueue: (items) => {
        const lack = items.map(needs).find((need) => need !== undefined)
        return lack === undefined ? log.enqueue(items) : unsupported("enqueue", lack)
      },
      claim: (request) =>
        request.names === undefined ? log.claim({ ...request, park: false }) : unsupported("claim", "nameFilter"),
      read: () => unsupported("read", "inspect")
    }
    return { ...test, log: plain }
  })
}

/** The memory log on a clock that runs: each look at it finds it a little further, as with a real server. */
export const restlessHarness: Harness = {
  name: "restless",
  make: Effect.suspend(() => {
    const clock = VirtualClock.make()
    let drift = 0
    let looks = 0
    const millis = (): number => {
      looks += 1
      if (looks % 3 === 0) drift += 1
      return clock.currentTimeMillisUnsafe() + drift
    }
    const nanos = (): bigint => BigInt(millis()) * 1_000_000n
    const running: Clock.Clock = {
      ...clock,
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos)
    }
    return MemoryLog.make().pipe(
      Effect.provideService(Clock.Clock, running),
      Effect.map((log) => ({ log: VirtualClock.runLogOn(running, log), advance: clock.advance }))
    )
  })
}
