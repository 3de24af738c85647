/**
 * Runs all laws against a log.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Capabilities } from "../src/log/Capabilities.ts"
import type { LogError } from "../src/log/LogError.ts"
import { capabilitiesHonest, limitsAtTheEdge } from "./EdgeLaws.ts"
import type { Harness } from "./Harness.ts"
import * as HistoryLaws from "./HistoryLaws.ts"
import type { CheckOptions, Law, LawResult } from "./Law.ts"
import { lawNames } from "./LawName.ts"
import type { LawName } from "./LawName.ts"
import { noLostWakeUp } from "./WakeUp.ts"

/**
 * All laws by name.
 *
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const laws: Readonly<Record<LawName, Law>> = {
  ...HistoryLaws,
  noLostWakeUp,
  limitsAtTheEdge,
  capabilitiesHonest
}

/**
 * What {@link checkLog} found.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Report {
  readonly log: string
  readonly capabilities: Capabilities
  /** The harness can crash this log, so that the laws were also checked over crashes. */
  readonly crashes: boolean
  readonly laws: ReadonlyArray<LawResult>
  /** No law is broken. */
  readonly passed: boolean
}

/**
 * Checks all laws, or those named, one after the other. A law is left out only if the log does not claim what it is
 * about. Fails when the harness cannot make a log; a broken law is a part of the report.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const checkLog = (
  harness: Harness,
  options: Omit<CheckOptions, "path"> & { readonly only?: ReadonlyArray<LawName> | undefined } = {}
): Effect.Effect<Report, LogError> =>
  Effect.gen(function* () {
    const test = yield* Effect.scoped(Effect.map(harness.make, (made) => made))
    const results: Array<LawResult> = []
    for (const name of options.only ?? lawNames) results.push(yield* laws[name].check(harness, options))
    return {
      log: harness.name,
      capabilities: harness.capabilities ?? test.log.capabilities,
      crashes: test.crash !== undefined,
      laws: results,
      passed: results.every((result) => result.outcome !== "broken")
    }
  })
