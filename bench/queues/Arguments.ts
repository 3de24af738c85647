/** The command line of `npm run bench:peers`. */
import { tmpdir } from "node:os"
import { parseArgs } from "node:util"
import { UsageError } from "../Arguments.ts"
import { type Workload, workloads } from "./Order.ts"
import { type StoreName, storeNames } from "./Store.ts"
import { storeNamed } from "./Stores.ts"

export interface Arguments {
  readonly store: StoreName
  readonly workloads: ReadonlyArray<Workload>
  /** Who takes part, by name. */
  readonly only: ReadonlyArray<string>
  /** Ways in which the server writes to the disk, each measured apart; none where there is no choice. */
  readonly syncs: ReadonlyArray<string>
  readonly backlogs: ReadonlyArray<number>
  /** Jobs of a backlog to drain inside the clock. */
  readonly jobs: number
  /** How long churn goes on. */
  readonly seconds: number
  readonly rounds: number
  /** Small, to see that everything runs: no figures to quote. */
  readonly quick: boolean
  /** A round in which neighbours used more cores than this is run again. */
  readonly quiet: number | undefined
  /** On the disk to be measured. */
  readonly directory: string
  readonly json: string | undefined
}

const namesIn = (store: StoreName): ReadonlyArray<string> => storeNamed(store).contestants.map(({ name }) => name)

export const usage = `npm run bench:peers -- --store ${storeNames.join("|")} [options]
  --workloads A,B   of ${workloads.join(", ")}; default all
  --only A,B        default all; ${storeNames.map((store) => `with ${store} of ${namesIn(store).join(", ")}`).join("; ")}
  --fsync A,B       with redis: appendfsync, of ${storeNamed("redis").syncs.join(", ")}; default each, one after the other
  --rounds N        rounds of each workload, default 7
  --backlogs N,M    backlogs to drain, default 20000,200000,1000000
  --jobs N          jobs of a backlog to drain inside the clock, default 50000
  --seconds N       how long churn goes on, default 60
  --quick           small and one round: to see that it runs, not for figures
  --quiet CORES     repeat a round in which other processes used more than CORES
  --directory DIR   measure the disk of DIR, default the temporary directory
  --json FILE       write the results to FILE
  --table FILE,FILE print the tables of earlier results instead of measuring
  --into DOC        with --table: put them between the marks in DOC`

const integer = (name: string, text: string): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new UsageError(`--${name} needs positive integers, not "${text}"`)
  return value
}

const listed = <A extends string>(name: string, text: string | undefined, all: ReadonlyArray<A>): ReadonlyArray<A> => {
  if (text === undefined) return all
  const wanted = text.split(",")
  for (const one of wanted) {
    if (!all.some((known) => known === one)) {
      throw new UsageError(`--${name} takes some of ${all.join(", ")}, not "${one}"`)
    }
  }
  return all.filter((known) => wanted.includes(known))
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
        store: { type: "string" },
        fsync: { type: "string" },
        workloads: { type: "string" },
        only: { type: "string" },
        rounds: { type: "string" },
        backlogs: { type: "string" },
        jobs: { type: "string" },
        seconds: { type: "string" },
        quick: { type: "boolean" },
        quiet: { type: "string" },
        directory: { type: "string" },
        json: { type: "string" },
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
  const name = storeNames.find((one) => one === values.store)
  if (name === undefined) throw new UsageError(`--store must be one of ${storeNames.join(", ")}`)
  const store = storeNamed(name)
  if (values.fsync !== undefined && store.syncs.length === 0) throw new UsageError(`--fsync is not for ${name}`)
  const quiet = values.quiet === undefined ? undefined : Number(values.quiet)
  if (quiet !== undefined && !(quiet >= 0)) throw new UsageError(`--quiet must be a number, not "${values.quiet}"`)
  const quick = values.quick ?? false
  const number = (name: "rounds" | "jobs" | "seconds", usual: number, small: number): number => {
    const text = values[name]
    return text === undefined ? (quick ? small : usual) : integer(name, text)
  }
  return {
    _tag: "Measure",
    options: {
      store: name,
      syncs: listed("fsync", values.fsync, store.syncs),
      workloads: listed("workloads", values.workloads, workloads),
      only: listed("only", values.only, namesIn(name)),
      backlogs: (values.backlogs ?? (quick ? "2000" : "20000,200000,1000000"))
        .split(",")
        .map((text) => integer("backlogs", text)),
      jobs: number("jobs", 50_000, 2_000),
      seconds: number("seconds", 60, 3),
      rounds: number("rounds", 7, 1),
      quick,
      quiet,
      directory: values.directory ?? tmpdir(),
      json: values.json
    }
  }
}
