/**
 * Runs all laws against a log.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Capabilities } from "../src/log/Capabilities.ts"
import type { LogError } from "../src/log/LogError.ts"
import { coverageOf, expectedCells } from "./Coverage.ts"
import type { Coverage } from "./Coverage.ts"
import { limitsAtTheEdge } from "./EdgeLaws.ts"
import { hands } from "./Harness.ts"
import type { Hand, Harness } from "./Harness.ts"
import * as ConcurrentLaws from "./concurrent/Laws.ts"
import * as FaultLaws from "./FaultLaws.ts"
import * as HistoryLaws from "./HistoryLaws.ts"
import { capabilitiesHonest } from "./HonestLaw.ts"
import * as InFlightLaws from "./InFlightLaws.ts"
import * as KeyLaws from "./KeyLaws.ts"
import type { CheckOptions, Law, LawResult } from "./Law.ts"
import { lawNames } from "./LawName.ts"
import type { LawName } from "./LawName.ts"
import * as LeaseLaws from "./LeaseLaws.ts"
import * as StorageLaws from "./StorageLaws.ts"
import { transitionsKept } from "./TransitionLaw.ts"
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
  ...FaultLaws,
  ...LeaseLaws,
  ...KeyLaws,
  ...InFlightLaws,
  ...StorageLaws,
  ...ConcurrentLaws,
  noLostWakeUp,
  limitsAtTheEdge,
  capabilitiesHonest,
  transitionsKept
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
  /** What the harness can do to the log, and for the rest its reason why not, where it gives one. */
  readonly hands: Readonly<Record<Hand, { readonly available: boolean; readonly reason?: string | undefined }>>
  readonly laws: ReadonlyArray<LawResult>
  readonly coverage: Coverage
  /** No law is broken, none is untested, and, where that was asked for, every cell was hit. */
  readonly passed: boolean
}

/**
 * How to check a log. A `path` lies under one law: give that in `only`.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface CheckLogOptions extends CheckOptions {
  /** Only these laws; default all. */
  readonly only?: ReadonlyArray<LawName> | undefined
  /** Whether a cell that no history reached fails the check; default false. Needs the law `transitionsKept`. */
  readonly requireCoverage?: boolean | undefined
  /** Told of each law's result as it comes. */
  readonly onResult?: ((result: LawResult) => Effect.Effect<void>) | undefined
}

/**
 * Checks all laws, or those named, one after the other. A law is left out only if the log does not claim what it is
 * about. Fails when the harness cannot make a log; a broken law is a part of the report.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const checkLog = (harness: Harness, options: CheckLogOptions = {}): Effect.Effect<Report, LogError> =>
  Effect.gen(function* () {
    const test = yield* Effect.scoped(Effect.map(harness.make, (made) => made))
    const results: Array<LawResult> = []
    for (const name of options.only ?? lawNames) {
      const result = yield* laws[name].check(harness, options)
      results.push(result)
      if (options.onResult !== undefined) yield* options.onResult(result)
    }
    const capabilities = harness.capabilities ?? test.log.capabilities
    const available = (hand: Hand): boolean => test[hand] !== undefined
    const coverage = coverageOf(
      expectedCells(capabilities, available),
      results.map((result) => result.cells)
    )
    const handOf = (hand: Hand) => ({
      available: available(hand),
      ...(available(hand) || harness.cannot?.[hand] === undefined ? undefined : { reason: harness.cannot[hand] })
    })
    return {
      log: harness.name,
      capabilities,
      crashes: available("crash"),
      // every hand is in the list
      hands: Object.fromEntries(hands.map((hand) => [hand, handOf(hand)])) as Report["hands"],
      laws: results,
      coverage,
      passed:
        results.every((result) => result.outcome !== "broken" && result.outcome !== "untested") &&
        (options.requireCoverage !== true || coverage.empty.length === 0)
    }
  })
