/**
 * A report as text.
 *
 * @since 0.1.0
 */
import type { Report } from "./Check.ts"
import type { LawResult } from "./Law.ts"
import type { LawName } from "./LawName.ts"
import { json } from "./World.ts"

/**
 * How to show a report.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface FormatOptions {
  /** The one command that replays a counterexample; default the call of the API. */
  readonly replayWith?: ((law: LawName, seed: number, path: string) => string) | undefined
}

/**
 * What of a report is shown: laws checked one by one have no coverage in common.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type PartOfReport = Pick<Report, "log" | "capabilities" | "crashes" | "laws" | "passed"> & Partial<Report>

/**
 * The call of the API that replays a counterexample.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const replayByCall = (law: LawName, seed: number, path: string): string =>
  `laws.${law}.check(harness, { seed: ${seed}, path: "${path}" })`

const marks = { passed: "ok      ", broken: "BROKEN  ", notClaimed: "-       ", untested: "UNTESTED" } as const

/**
 * A law's result: one line, and for a broken one what was done, what was answered, and how to replay it.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const formatResult = (result: LawResult, options: FormatOptions = {}): string => {
  const checked = result.outcome === "passed" || result.outcome === "broken"
  const runs = `${result.runs} runs, ${result.commands} commands, seed ${result.seed}`
  const left = `${result.outcome === "untested" ? "untested" : "not claimed"}: ${result.reason ?? ""}`
  const cut = result.cutShort === 0 ? "" : `, ${result.cutShort} cut short by another law`
  const head = `${marks[result.outcome]} ${result.name.padEnd(24)} ${checked ? runs : left}${cut}`
  const example = result.counterexample
  if (example === undefined) return head
  const replay = (options.replayWith ?? replayByCall)(result.name, result.seed, example.path)
  return [
    head,
    `         ${example.message}`,
    ...example.history.map((line) => `         | ${line}`),
    `         replay: ${replay}`,
    `         input: ${example.input}`
  ].join("\n")
}

const formatHands = (hands: Report["hands"] | undefined): ReadonlyArray<string> => {
  if (hands === undefined) return []
  const shown = Object.entries(hands).map(([hand, { available, reason }]) =>
    available ? hand : `no ${hand}${reason === undefined ? "" : ` (${reason})`}`
  )
  return [`hands: ${shown.join(", ")}`]
}

const formatCoverage = (coverage: Report["coverage"] | undefined): ReadonlyArray<string> => {
  if (coverage === undefined) return []
  const total = Object.keys(coverage.cells).length
  return [
    `coverage: ${total - coverage.empty.length} of ${total} cells (state × command × fault)`,
    ...coverage.empty.map((cell) => `  never: ${cell}`)
  ]
}

const formatHead = (report: PartOfReport): ReadonlyArray<string> => [
  `log: ${report.log}${report.crashes ? ", crashed and reopened" : ", never crashed"}`,
  `capabilities: ${json(report.capabilities)}`,
  ...formatHands(report.hands)
]

const formatTail = (report: PartOfReport): ReadonlyArray<string> => {
  const count = (outcome: LawResult["outcome"]): number =>
    report.laws.filter((result) => result.outcome === outcome).length
  const untested = count("untested")
  return [
    ...formatCoverage(report.coverage),
    `${count("passed")} passed, ${count("broken")} broken, ${count("notClaimed")} not claimed` +
      (untested === 0 ? "" : `, ${untested} untested`)
  ]
}

/**
 * A report without its laws, for whoever has shown those one by one.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const formatSummary = (report: PartOfReport): string => [...formatHead(report), ...formatTail(report)].join("\n")

/**
 * One line per law, and for a broken one what was done, what was answered, and how to replay it.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const formatReport = (report: PartOfReport, options: FormatOptions = {}): string =>
  [...formatHead(report), ...report.laws.map((result) => formatResult(result, options)), ...formatTail(report)].join(
    "\n"
  )
