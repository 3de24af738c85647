/**
 * A report as text.
 *
 * @since 0.1.0
 */
import type { Report } from "./Check.ts"
import type { LawResult } from "./Law.ts"
import { json } from "./World.ts"

const marks = { passed: "ok    ", broken: "BROKEN", notClaimed: "-     " } as const

const formatLaw = (result: LawResult): ReadonlyArray<string> => {
  const runs = result.outcome === "notClaimed" ? "not claimed" : `${result.runs} runs, seed ${result.seed}`
  const cut = result.cutShort === 0 ? "" : `, ${result.cutShort} cut short by another law`
  const head = `${marks[result.outcome]} ${result.name.padEnd(24)} ${runs}${cut}`
  const example = result.counterexample
  if (example === undefined) return [head]
  return [
    head,
    `       ${example.message}`,
    ...example.history.map((line) => `       | ${line}`),
    `       replay: laws.${result.name}.check(harness, { seed: ${result.seed}, path: "${example.path}" })`,
    `       input: ${example.input}`
  ]
}

/**
 * One line per law, and for a broken one what was done, what was answered, and how to replay it.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const formatReport = (report: Report): string => {
  const count = (outcome: LawResult["outcome"]): number =>
    report.laws.filter((result) => result.outcome === outcome).length
  return [
    `log: ${report.log}${report.crashes ? ", crashed and reopened" : ", never crashed"}`,
    `capabilities: ${json(report.capabilities)}`,
    ...report.laws.flatMap(formatLaw),
    `${count("passed")} passed, ${count("broken")} broken, ${count("notClaimed")} not claimed`
  ].join("\n")
}
