import { runCrashStates } from "../../simulation/crash-states/CrashStates.ts"
import type { Part } from "../Part.ts"

/** Operations per workload, at most. */
const maxLength = 6

/** Crash states of the file log, exhaustively; each case is one workload. */
export const crashes: Part = {
  name: "crash-states",
  unit: `workloads of up to ${maxLength} operations`,
  run: async ({ goOn, position }) => {
    const result = runCrashStates({ maxLength, from: position, onProgress: goOn })
    return {
      position: result.next ?? position,
      counters: { ...result.counters },
      violations: result.violations,
      done: result.next === undefined
    }
  }
}
