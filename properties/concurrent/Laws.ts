/**
 * The laws over concurrent histories: several clients at once, over a network that loses, repeats and delays, and a log
 * that may crash amid them.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Capabilities } from "../../src/log/Capabilities.ts"
import type { LogError } from "../../src/log/LogError.ts"
import type { Harness, TestLog } from "../Harness.ts"
import { checkGenerated } from "../Law.ts"
import type { Law, RunResult } from "../Law.ts"
import type { LawName } from "../LawName.ts"
import { checkFacts } from "./Check.ts"
import { factsOf } from "./Facts.ts"
import { formatOperation } from "./History.ts"
import { programs } from "./Program.ts"
import type { ConcurrentProfile, Program } from "./Program.ts"
import { runProgram } from "./Run.ts"
import { countSituations } from "./Situations.ts"

const run = (harness: Harness, program: Program): Effect.Effect<RunResult, LogError> =>
  Effect.map(runProgram(harness, program), ({ coverage, defects, failures, history }) => {
    const facts = factsOf(history)
    const { findings, undecided } = checkFacts(facts)
    const counted = new Map(coverage)
    countSituations(facts, counted)
    if (undecided > 0) counted.set("search: undecided", undecided)
    const violations = [
      ...defects.map((message) => ({
        laws: ["unknownOutcomesHonest"] as const,
        message: `neither a success nor a typed failure: ${message}`
      })),
      ...findings,
      ...failures.map((message) => ({ laws: ["nothingLostInADrain"] as const, message }))
    ]
    const commands = history.operations.filter(({ op }) => op !== "advance" && op !== "crash").length
    return { violations, history: history.operations.map(formatOperation), coverage: counted, commands }
  })

const overPrograms = (options: {
  readonly name: LawName
  readonly statement: string
  readonly profile: ConcurrentProfile
}): Law => {
  const law = {
    name: options.name,
    statement: options.statement,
    claimedBy: (can: Capabilities) => can.lease === "timed" && can.fence !== "none"
  }
  return {
    ...law,
    check: (harness, checkOptions = {}) =>
      checkGenerated(harness, law, checkOptions, {
        inputs: (test: TestLog) => {
          const can = harness.capabilities ?? test.log.capabilities
          return programs(options.profile, {
            crashes: test.crash !== undefined,
            reclaims: can.reclaim === "log",
            reads: can.inspect
          })
        },
        run: (program) => run(harness, program),
        shrink: true
      })
  }
}

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const concurrentHistoriesExplained: Law = overPrograms({
  name: "concurrentHistoriesExplained",
  statement:
    "Whatever several clients do at once, some order of their calls that keeps to real time explains every answer.",
  profile: { weights: {}, faulty: 25, bounds: 25 }
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const concurrentSingleLease: Law = overPrograms({
  name: "concurrentSingleLease",
  statement:
    "Of several sessions that claim at once, no two hold a job at one log time; tokens grow, and dead sessions stay dead.",
  profile: {
    weights: { Renew: 5, Advance: 2, Claim: 2, Close: 2 },
    faulty: 15,
    bounds: 0,
    roles: { claimer: 3, timeKeeper: 4 },
    advances: [1, 400, 600, 600, 999, 1000]
  }
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const concurrentClaimsDisjoint: Law = overPrograms({
  name: "concurrentClaimsDisjoint",
  statement: "Claims that are under way at the same time get different jobs, each no more than it asked for.",
  profile: { weights: { Claim: 3 }, faulty: 10, bounds: 0 }
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const concurrentEndsOnce: Law = overPrograms({
  name: "concurrentEndsOnce",
  statement:
    "Of all that settle and cancel a job at once exactly one ends it, and an ended job is never granted again.",
  profile: {
    weights: { Settle: 3, Cancel: 4, Redrive: 2 },
    faulty: 20,
    bounds: 20,
    roles: { worker: 4, operator: 4, timeKeeper: 1 },
    stale: 60,
    advances: [999, 1000, 1000, 5000]
  }
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const noFalseEmpty: Law = overPrograms({
  name: "noFalseEmpty",
  statement: "A claim comes back empty only if no job was claimable all through it, whoever else claims meanwhile.",
  profile: { weights: { Claim: 2, Close: 2, Reclaim: 2 }, faulty: 5, bounds: 0 }
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const unknownOutcomesHonest: Law = overPrograms({
  name: "unknownOutcomesHonest",
  statement:
    "A refused call had a reason and no effect, and a call of unknown outcome is answered as the first time when repeated.",
  profile: { weights: { Claim: 2 }, faulty: 50, bounds: 10, parks: 50 }
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const nothingLostInADrain: Law = overPrograms({
  name: "nothingLostInADrain",
  statement:
    "Once clients and network are quiet, a drain meets every acknowledged job that has not ended, and no other.",
  profile: {
    weights: { Enqueue: 2, Crash: 3 },
    faulty: 40,
    bounds: 15,
    roles: { producer: 3 },
    givesUp: 60
  }
})
