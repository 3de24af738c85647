/**
 * A report as JSON, for machines. Its shape is kept: fields may be added, none changes its meaning under one `format`.
 *
 * @since 0.1.0
 */
import type { Report } from "./Check.ts"
import { replayByCall } from "./FormatReport.ts"
import type { FormatOptions } from "./FormatReport.ts"
import type { LawResult } from "./Law.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JsonLaw {
  readonly name: string
  readonly outcome: LawResult["outcome"]
  /** Why it was not checked. */
  readonly reason?: string | undefined
  readonly runs: number
  readonly commands: number
  readonly seed: number
  readonly cutShort: number
  readonly counterexample?:
    | {
        readonly message: string
        /** What was done and answered, one line each; shrunk. */
        readonly history: ReadonlyArray<string>
        /** The generated input as JSON. */
        readonly input: string
        readonly path: string
        /** The one command that replays it. */
        readonly replay: string
      }
    | undefined
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JsonReport {
  readonly format: 1
  readonly log: string
  readonly passed: boolean
  readonly capabilities: Report["capabilities"]
  readonly hands: Report["hands"]
  readonly totals: {
    readonly passed: number
    readonly broken: number
    readonly notClaimed: number
    readonly untested: number
    readonly runs: number
    readonly commands: number
  }
  readonly laws: ReadonlyArray<JsonLaw>
  readonly coverage: {
    /** Cells that can be reached, and those of them that were. */
    readonly expected: number
    readonly hit: number
    readonly empty: ReadonlyArray<string>
    readonly cells: Readonly<Record<string, number>>
  }
}

const lawToJson = (result: LawResult, options: FormatOptions): JsonLaw => {
  const { name, outcome, runs, commands, seed, cutShort, reason, counterexample: example } = result
  const replay = options.replayWith ?? replayByCall
  return {
    name,
    outcome,
    ...(reason === undefined ? undefined : { reason }),
    runs,
    commands,
    seed,
    cutShort,
    ...(example === undefined
      ? undefined
      : {
          counterexample: {
            message: example.message,
            history: example.history,
            input: example.input,
            path: example.path,
            replay: replay(name, seed, example.path)
          }
        })
  }
}

/**
 * A report as plain data that `JSON.stringify` takes; 64-bit numbers within histories and inputs are strings already.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const reportToJson = (report: Report, options: FormatOptions = {}): JsonReport => {
  const count = (outcome: LawResult["outcome"]): number =>
    report.laws.filter((result) => result.outcome === outcome).length
  const sum = (of: (result: LawResult) => number): number =>
    report.laws.reduce((total, result) => total + of(result), 0)
  const expected = Object.keys(report.coverage.cells).length
  return {
    format: 1,
    log: report.log,
    passed: report.passed,
    capabilities: report.capabilities,
    hands: report.hands,
    totals: {
      passed: count("passed"),
      broken: count("broken"),
      notClaimed: count("notClaimed"),
      untested: count("untested"),
      runs: sum((result) => result.runs),
      commands: sum((result) => result.commands)
    },
    laws: report.laws.map((result) => lawToJson(result, options)),
    coverage: {
      expected,
      hit: expected - report.coverage.empty.length,
      empty: report.coverage.empty,
      cells: report.coverage.cells
    }
  }
}
