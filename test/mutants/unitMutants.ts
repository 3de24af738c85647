/** Places of our own sources of which no law and no fleet is known to show that they matter, but a unit test does. */
import type { SourceMutant } from "./SourceMutant.ts"

/** One place changed, and the test that has to fail then. */
export interface UnitMutant extends Pick<SourceMutant, "name" | "file" | "find" | "replace"> {
  /** The test's file, from the repository's root. */
  readonly test: string
  readonly testName: string
}

export const unitMutants: ReadonlyArray<UnitMutant> = [
  {
    name: "a call whose outcome is unknown is not repeated",
    file: "src/actors/Backoff.ts",
    find: `error.reason._tag === "Unavailable" && goOn()`,
    replace: `error.reason._tag === "SessionDead" && goOn()`,
    test: "test/actors/SessionCalls.test.ts",
    testName: "repeats while the outcome is unknown and it may go on"
  },
  {
    name: "an unclear claim is followed by another of the same session",
    file: "src/actors/Dispatcher.ts",
    find: `reason === "SessionDead" || reason === "Poisoned" || unclear`,
    replace: `reason === "SessionDead" || reason === "Poisoned"`,
    test: "test/actors/LeaseSupervisor.test.ts",
    testName: "what a claim may have been granted without saying so comes back with its session"
  },
  {
    name: "closing waits for the log's answer",
    file: "src/actors/LeaseSupervisor.ts",
    find: "          Effect.timeout(closePatience),\n",
    replace: "",
    test: "test/actors/LeaseSupervisor.test.ts",
    testName: "ends even when the log answers no more"
  },
  {
    name: "an answer that was lost is waited for",
    file: "src/actors/LeaseSupervisor.ts",
    find: "      calls?.giveUpOverdue()\n",
    replace: "",
    test: "test/actors/LeaseSupervisor.test.ts",
    testName: "a reply that never comes is asked for again, and nothing stands still"
  },
  {
    name: "only the wall clock counts",
    file: "src/actors/MonotonicClock.ts",
    find: "Number(clock.monotonicTimeNanosUnsafe() - monotonicStart) / 1e6",
    replace: "clock.currentTimeMillisUnsafe() - ahead",
    test: "test/actors/MonotonicClock.test.ts",
    testName: "goes on when the wall clock is set back"
  },
  {
    name: "a refused repetition counts as a refusal",
    file: "src/actors/SessionCalls.ts",
    find: "tries > 1 && (error.reason",
    replace: "tries > 1e9 && (error.reason",
    test: "test/actors/SessionCalls.test.ts",
    testName: "a dead session's refusal of a repeated call leaves the first try unknown"
  },
  {
    name: "settlements that fail are forgotten",
    file: "src/actors/Settler.ts",
    find: "      } else {\n        supervisor.sessionDied(epoch)\n      }\n",
    replace: "      }\n",
    test: "test/actors/LeaseSupervisor.test.ts",
    testName: "a poisoned log is opened anew, by whichever call meets it first"
  },
  {
    name: "a free slot is not filled",
    file: "src/actors/WorkerPool.ts",
    find: "    finish(run, exit)\n    pump()\n",
    replace: "    finish(run, exit)\n",
    test: "test/actors/WorkerPool.test.ts",
    testName: "a handler that ignores its interruption loses its slot"
  },
  {
    name: "starts without a look at the lease",
    file: "src/actors/WorkerPool.ts",
    find: "if (now >= supervisor.trustedUntil()) {",
    replace: "if (now < 0) {",
    test: "test/actors/LeaseSupervisor.test.ts",
    testName: "a waiting grant does not start after a stall, though the supervisor has not looked yet"
  },
  {
    name: "a closed log takes what it is asked for",
    file: "src/backends/file/FileOperations.ts",
    find: "return engine.journal.closed ? refused(operation, new Closed({})) : undefined",
    replace: "return undefined",
    test: "test/backends/file/Closed.test.ts",
    testName: "a log that was closed refuses what it is asked afterwards"
  },
  {
    name: "what moved while it was read is carried forward all the same",
    file: "src/backends/file/Compaction.ts",
    find: "      if (!isStill(engine, row, location)) continue\n      const { store, journal, recorder } = engine",
    replace: "      const { store, journal, recorder } = engine",
    test: "test/backends/file/SlowRead.test.ts",
    testName: "a job that is replaced while compaction reads it keeps its new payload"
  }
]
