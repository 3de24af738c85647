/**
 * `leasehold check`
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type { CheckLogOptions, FormatOptions, LawName, LawResult, Report } from "../../../properties/index.ts"
import { answering } from "../Answer.ts"
import { Unsuccessful, WrongUsage } from "../Failure.ts"
import { json, note, print, printJson } from "../Output.ts"
import { pairs } from "../Table.ts"

const whole = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** An argument as a shell takes it. */
const quoted = (argument: string): string =>
  /^[\w./:@-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`

const named = (results: ReadonlyArray<LawResult>, outcome: LawResult["outcome"]): ReadonlyArray<string> => {
  const names = results.filter((result) => result.outcome === outcome).map((result) => result.name)
  return names.length === 0 ? [] : [`${outcome}: ${names.join(", ")}`]
}

const shortcomings = (report: Report, coverage: boolean): string => {
  const cells = coverage ? report.coverage.empty.length : 0
  return [
    ...named(report.laws, "broken"),
    ...named(report.laws, "untested"),
    ...(cells === 0 ? [] : [`${cells} cells of the coverage were never hit`])
  ].join("; ")
}

interface Given {
  readonly module: Option.Option<string>
  readonly law: ReadonlyArray<string>
  readonly seed: number
  readonly runs: number
  readonly path: Option.Option<string>
  readonly list: boolean
  readonly requireCoverage: boolean
  readonly quiet: boolean
  readonly json: boolean
}

const run = Effect.fnUntraced(function* (given: Given) {
  const { firstLine, HarnessDied, loadHarness, loadSuite } = yield* Effect.promise(
    () => import("../check/LoadHarness.ts")
  )
  const suite = yield* loadSuite
  const isLaw = (name: string): name is LawName => suite.lawNames.some((law) => law === name)
  const only: Array<LawName> = []
  for (const name of given.law) {
    if (isLaw(name)) only.push(name)
    else return yield* new WrongUsage({ detail: `there is no law ${name}; the laws: ${suite.lawNames.join(", ")}` })
  }
  if (given.list) {
    const shown = (only.length > 0 ? only : suite.lawNames).map((name) => suite.laws[name])
    if (given.json) printJson({ laws: shown.map(({ name, statement }) => ({ name, statement })) })
    else print(pairs(shown.map(({ name, statement }) => [name, statement])))
    return
  }
  const module = Option.getOrUndefined(given.module)
  if (module === undefined) {
    return yield* new WrongUsage({ detail: "which log? Give the --module that exports its harness" })
  }
  const path = Option.getOrUndefined(given.path)
  const [first] = only
  if (path !== undefined && (first === undefined || only.length > 1)) {
    return yield* new WrongUsage({ detail: "--path lies under one law: name it with --law" })
  }
  const harness = yield* loadHarness(module)
  const format: FormatOptions = {
    replayWith: (law, seed, path) =>
      `npx leasehold check --module ${quoted(module)} --law ${law} --seed ${seed} --path ${quoted(path)}`
  }
  const options: CheckLogOptions = {
    seed: given.seed,
    runs: given.runs,
    path,
    requireCoverage: given.requireCoverage,
    ...(only.length === 0 ? undefined : { only }),
    onResult: (result) =>
      Effect.sync(() => {
        const text = suite.formatResult(result, format)
        if (!given.json) {
          if (!given.quiet || result.counterexample !== undefined || result.outcome === "untested") print(text)
        } else if (!given.quiet) note(text.split("\n")[0] ?? "")
      })
  }
  const report = yield* suite.checkLog(harness, options).pipe(
    Effect.catchDefect((defect) => {
      // the stack leads its author to the place
      if (defect instanceof Error) note(defect.stack ?? "")
      return Effect.fail(new HarnessDied({ path: module, detail: firstLine(defect) }))
    })
  )
  // some laws alone say nothing about what all of them reach
  const { coverage: _, ...part } = report
  if (given.json) printJson(suite.reportToJson(report, format))
  else print(suite.formatSummary(only.length === 0 ? report : part))
  if (!report.passed) return yield* new Unsuccessful({ detail: shortcomings(report, given.requireCoverage) })
})

/**
 * @since 0.1.0
 * @category commands
 * @stability unstable
 */
export const check = Command.make(
  "check",
  {
    module: Flag.String("module").pipe(
      Flag.withAlias("m"),
      Flag.withMetavar("FILE"),
      Flag.withDescription('Module that exports a Harness as "harness" or by default'),
      Flag.optional
    ),
    law: Flag.String("law").pipe(
      Flag.withMetavar("NAME"),
      Flag.withDescription("Only this law; may be repeated"),
      Flag.atLeast(0)
    ),
    seed: Flag.Int("seed").pipe(
      Flag.withDescription("The same seed tries the same histories"),
      Flag.withSchema(whole(-0x80000000, 0x7fffffff)),
      Flag.withDefault(1)
    ),
    runs: Flag.Int("runs").pipe(
      Flag.withDescription("Histories to try per law"),
      Flag.withSchema(whole(1, 1_000_000)),
      Flag.withDefault(100)
    ),
    path: Flag.String("path").pipe(
      Flag.withMetavar("PATH"),
      Flag.withDescription("Replay just the counterexample at this path; needs its --law and --seed"),
      Flag.optional
    ),
    list: Flag.Boolean("list").pipe(
      Flag.withDescription("List the laws with what they say, and check nothing"),
      Flag.withDefault(false)
    ),
    requireCoverage: Flag.Boolean("require-coverage").pipe(
      Flag.withDescription("Fail when a situation that can be reached never was"),
      Flag.withDefault(false)
    ),
    quiet: Flag.Boolean("quiet").pipe(
      Flag.withAlias("q"),
      Flag.withDescription("No line for a law that holds"),
      Flag.withDefault(false)
    ),
    json
  },
  (given) => answering(given.json, run(given))
).pipe(Command.withDescription("Checks a log of your own against the laws that every log keeps"))
