/** The command line of `npm run bench`. */
import { tmpdir } from "node:os"
import { parseArgs } from "node:util"
import { type LogName, logs } from "./Measurement.ts"

export interface Arguments {
  /** Where to write the results. */
  readonly json: string | undefined
  /** Only figures whose name begins with one of these; empty for all. */
  readonly only: ReadonlyArray<string>
  /** Logs to measure; undefined for each figure's own. */
  readonly log: LogName | undefined
  /** Backlogs to drain; undefined for all. */
  readonly backlogs: ReadonlyArray<number> | undefined
  readonly rounds: number
  /** A tenth of the work and one round, to see that everything runs: no figures to quote. */
  readonly quick: boolean
  /** A round in which neighbours used more cores than this is run again. */
  readonly quiet: number | undefined
  /** On the disk to be measured. */
  readonly directory: string
  /** Where to write a CPU profile of Leasehold's side of each figure, in runs of their own. */
  readonly profiles: string | undefined
}

export const usage = `npm run bench -- [options]
  --json FILE       write the results to FILE
  --only NAME       only figures whose name begins with NAME (may be repeated)
  --log NAME        measure this log: ${logs.join(", ")}
  --backlog N       drain this backlog (may be repeated)
  --rounds N        rounds of each figure, default 7
  --quick           a tenth of the work in one round: to see that it runs, not for figures
  --quiet CORES     repeat a round in which other processes used more than CORES
  --directory DIR   measure the disk of DIR, default the temporary directory
  --profiles DIR    write CPU profiles to DIR, from runs that are not measured
  --table FILE      print the table of earlier results instead of measuring
  --into DOC        with --table: put it between the marks in DOC`

/** Told to the user with the usage. */
export class UsageError extends Error {}

const integer = (name: string, text: string, minimum: number): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < minimum) {
    throw new UsageError(`--${name} must be an integer from ${minimum}, not "${text}"`)
  }
  return value
}

const logNamed = (text: string): LogName => {
  const log = logs.find((name) => name === text)
  if (log === undefined) throw new UsageError(`--log must be one of ${logs.join(", ")}, not "${text}"`)
  return log
}

export type Command =
  | { readonly _tag: "Measure"; readonly options: Arguments }
  | { readonly _tag: "Table"; readonly results: string; readonly into: string | undefined }
  | { readonly _tag: "Program"; readonly order: string }
  | { readonly _tag: "Help" }

const read = (args: ReadonlyArray<string>) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        json: { type: "string" },
        only: { type: "string", multiple: true },
        log: { type: "string" },
        backlog: { type: "string", multiple: true },
        rounds: { type: "string" },
        quick: { type: "boolean" },
        quiet: { type: "string" },
        directory: { type: "string" },
        profiles: { type: "string" },
        table: { type: "string" },
        into: { type: "string" },
        program: { type: "string" },
        help: { type: "boolean", short: "h" }
      }
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** Throws a {@link UsageError} for anything it does not understand. */
export const parseCommand = (args: ReadonlyArray<string>): Command => {
  const values = read(args)
  if (values.help === true) return { _tag: "Help" }
  if (values.program !== undefined) return { _tag: "Program", order: values.program }
  if (values.table !== undefined) return { _tag: "Table", results: values.table, into: values.into }
  if (values.into !== undefined) throw new UsageError("--into needs --table")
  const quiet = values.quiet === undefined ? undefined : Number(values.quiet)
  if (quiet !== undefined && !(quiet >= 0)) throw new UsageError(`--quiet must be a number, not "${values.quiet}"`)
  const quick = values.quick ?? false
  return {
    _tag: "Measure",
    options: {
      json: values.json,
      only: values.only ?? [],
      log: values.log === undefined ? undefined : logNamed(values.log),
      backlogs: values.backlog?.map((text) => integer("backlog", text, 1)),
      rounds: values.rounds === undefined ? (quick ? 1 : 7) : integer("rounds", values.rounds, 1),
      quick,
      quiet,
      directory: values.directory ?? tmpdir(),
      profiles: values.profiles
    }
  }
}
