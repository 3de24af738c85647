/**
 * A report as people and machines read it.
 *
 * @since 0.1.0
 */
import type { Failure, Report } from "./Check.ts"
import type { RunOptions } from "./Scenario.ts"

const optionsText = (options: RunOptions): string => {
  const set = Object.entries(options).filter(([, value]) => value !== undefined)
  return `{ ${set.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(", ")} }`
}

const failureText = ({ armed, hash, lines, options, replayed, seed, stack, violations }: Failure): Array<string> => [
  `FAILED at seed ${seed} (trace ${hash})`,
  ...violations.map((violation) => `  ${violation.replaceAll("\n", "\n  ")}`),
  ...(stack === undefined ? [] : [`  ${stack.replaceAll("\n", "\n  ")}`]),
  `faults: ${armed.length === 0 ? "none" : armed.join(", ")}`,
  replayed
    ? `replay it with: Simulation.replay(scenario, ${seed}, ${optionsText(options)})`
    : "A second run of this seed took other steps: something outside of the simulation has a say, such as a variable of a module.",
  ...(lines.length === 0 ? [] : [`the last ${lines.length} lines of its trace, in virtual milliseconds:`, ...lines])
]

/**
 * The report as text.
 *
 * @since 0.1.0
 * @category formatting
 * @stability unstable
 */
export const formatReport = (report: Report): string => {
  const { counters, elapsed, failure, firstSeed, scenario, seeds } = report
  const struck = Object.entries(counters).filter(([name]) => name.startsWith("fault/"))
  const faults = struck.map(([name, count]) => `${name.slice("fault/".length)} ${count}`).join(", ")
  return [
    `${scenario}: ${seeds} seeds from ${firstSeed}, ${Math.round(elapsed / 1000)} virtual seconds`,
    `faults that struck: ${faults === "" ? "none" : faults}`,
    ...(failure === undefined ? ["passed"] : failureText(failure))
  ].join("\n")
}

/**
 * The report as one line of JSON.
 *
 * @since 0.1.0
 * @category formatting
 * @stability unstable
 */
export const toJson = (report: Report): string => JSON.stringify(report)
