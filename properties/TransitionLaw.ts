/**
 * The law of transitions: every command in every state, under every fault, one after the other.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import type { Capabilities } from "../src/log/Capabilities.ts"
import { history } from "./Arbitraries.ts"
import type { Profile } from "./Arbitraries.ts"
import { expectedCells } from "./Coverage.ts"
import type { Hand, TestLog } from "./Harness.ts"
import { checkGenerated, runHistory } from "./Law.ts"
import type { Law, RunResult } from "./Law.ts"
import { scriptOf } from "./Scripts.ts"
import type { Step } from "./Step.ts"

const law: Pick<Law, "name" | "statement" | "claimedBy"> = {
  name: "transitionsKept",
  statement:
    "Every command does to a job in every state what the table of transitions says, under every fault that can befall the two.",
  claimedBy: () => true
}

/** What comes after each of them. */
const afterwards: Profile = {
  weights: { AdvanceToExpiry: 1, Reclaim: 1, Cancel: 1, Redrive: 1, Close: 1, RepeatCall: 1 },
  options: { delay: 10 },
  length: 6
}

interface Input {
  readonly seed: number
  readonly turns: number
  readonly rest: ReadonlyArray<Step>
}

/** The same script with what of it may vary: how a crash goes, and when it comes. */
const varied = (steps: ReadonlyArray<Step>, { seed, turns, rest }: Input): ReadonlyArray<Step> => [
  ...steps.map((step): Step => {
    // an even seed stays even, which chooses the queue
    if (step._tag === "CrashDuring") return { ...step, seed: step.seed + 2 * seed, turns }
    return step._tag === "Crash" ? { ...step, seed } : step
  }),
  ...rest
]

const scripts = (capabilities: Capabilities, test: TestLog): ReadonlyArray<ReadonlyArray<Step>> => {
  const available = (hand: Hand): boolean => test[hand] !== undefined
  return expectedCells(capabilities, available).flatMap((cell) => {
    const script = scriptOf(cell)
    return script === undefined ? [] : [script]
  })
}

/** Any violation speaks against this law: it is about all there is, but for attempts that the log does not count. */
const allOf = (results: RunResult, capabilities: Capabilities): RunResult => ({
  ...results,
  violations: results.violations.flatMap((violation) => {
    const uncounted = capabilities.attempts === "broker" && violation.laws.every((name) => name === "attemptsBounded")
    return uncounted ? [] : [{ ...violation, laws: [...violation.laws, law.name] }]
  })
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const transitionsKept: Law = {
  ...law,
  check: (harness, options = {}) => {
    let all: ReadonlyArray<ReadonlyArray<Step>> = []
    let capabilities: Capabilities | undefined
    // each run goes through the whole table
    return checkGenerated(
      harness,
      law,
      { ...options, runs: Math.ceil((options.runs ?? 100) / 50) },
      {
        inputs: (test) => {
          const can = harness.capabilities ?? test.log.capabilities
          capabilities = can
          all = scripts(can, test)
          return fc.record({ seed: fc.nat(0x7fff), turns: fc.nat(8), rest: history(afterwards, test) })
        },
        run: (input) =>
          Effect.gen(function* () {
            const coverage = new Map<string, number>()
            const cells = new Map<string, number>()
            let commands = 0
            const add = (to: Map<string, number>, from: ReadonlyMap<string, number> | undefined): void => {
              for (const [what, times] of from ?? []) to.set(what, (to.get(what) ?? 0) + times)
            }
            for (const script of all) {
              const told = yield* runHistory(harness, varied(script, input))
              const result = capabilities === undefined ? told : allOf(told, capabilities)
              add(coverage, result.coverage)
              add(cells, result.cells)
              commands += result.commands ?? 0
              if (result.violations.length > 0) return { ...result, coverage, cells, commands }
            }
            return { violations: [], history: [], coverage, cells, commands }
          }),
        shrink: true
      }
    )
  }
}
