import * as Effect from "effect/Effect"
import { expect, test } from "vitest"
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
