/**
 * Concurrent histories as data: record them on a log, write them down, and judge them, with this checker or another.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import type { LogError } from "../../src/log/LogError.ts"
import type { Harness } from "../Harness.ts"
import type { History } from "./History.ts"
import { programs } from "./Program.ts"
import { runProgram } from "./Run.ts"

export { checkHistory } from "./Check.ts"
export type { Judgement } from "./Check.ts"
export type { Finding, Rule } from "./Finding.ts"
export { formatOperation } from "./History.ts"
export type { History, Operation } from "./History.ts"

/**
 * Records histories of generated programs: several clients at once, a lossy network, and crashes where the harness can
 * crash the log. The same seed generates the same programs.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const record = (
  harness: Harness,
  options: { readonly seed: number; readonly runs: number }
): Effect.Effect<ReadonlyArray<History>, LogError> =>
  Effect.gen(function* () {
    const probe = yield* Effect.scoped(Effect.map(harness.make, (test) => test))
    const can = harness.capabilities ?? probe.log.capabilities
    const arbitrary = programs(
      { weights: {}, faulty: 30, bounds: 20 },
      { crashes: probe.crash !== undefined, reclaims: can.reclaim === "log", reads: can.inspect }
    )
    const generated = fc.sample(arbitrary, { seed: options.seed, numRuns: options.runs })
    return yield* Effect.forEach(generated, (program) =>
      Effect.map(runProgram(harness, program), ({ history }) => history)
    )
  })
