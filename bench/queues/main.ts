/** `npm run bench:peers`: Leasehold beside other queues on the same store, and the same work by hand. docs/benchmarks.md has the method. */
import { readFileSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { UsageError } from "../Arguments.ts"
import { describeMachine, machineLine, paceMillis } from "../Machine.ts"
import { writeResults } from "../Results.ts"
import { replaceTable } from "../Table.ts"
import { type Arguments, parseCommand, usage } from "./Arguments.ts"
import { type Contestant, versionsOf } from "./Contestant.ts"
import { type Group, groupsOf } from "./Figures.ts"
import { installFor } from "./Install.ts"
import { runProgram } from "./Program.ts"
import { marksOf, mergeResults, readResults, renderResults, type Results } from "./Report.ts"
import { type Round, type Row, rowsOf } from "./Rows.ts"
import { type Run, Runs } from "./Runs.ts"
import { storeNamed } from "./Stores.ts"

const program = fileURLToPath(import.meta.url)

const say = (line: string): void => console.error(line)

/** Noisy rounds are repeated until this many times the wanted rounds have run. */
const patience = 3

const isNoisy = (round: Round, quiet: number | undefined): boolean =>
  quiet !== undefined && [...round.values()].some((run) => run.neighbours !== null && run.neighbours > quiet)

/** Everybody's turn in each round, in changing order. Whoever fails once takes no further part. */
const runGroup = async (
  runs: Runs,
  group: Group,
  all: ReadonlyArray<Contestant>,
  options: Arguments
): Promise<ReadonlyArray<Row>> => {
  const errors = new Map<string, string>()
  const quiet: Array<Round> = []
  const noisy: Array<Round> = []
  for (let turn = 0; quiet.length < options.rounds && turn < options.rounds * patience; turn++) {
    const round = new Map<string, Run>()
    for (let index = 0; index < all.length; index++) {
      const contestant = all[(index + turn) % all.length]!
      if (errors.has(contestant.name)) continue
      try {
        round.set(contestant.name, await runs.run(contestant, group))
      } catch (error) {
        errors.set(contestant.name, error instanceof Error ? error.message : String(error))
      }
      say(`${group.name} round ${turn + 1} ${contestant.name}${errors.has(contestant.name) ? ": failed" : ""}`)
    }
    const isKept = !isNoisy(round, options.quiet)
    ;(isKept ? quiet : noisy).push(round)
    if (!isKept) say(`${group.name} round ${turn + 1}: noisy`)
  }
  return rowsOf(group, all, [...quiet, ...noisy].slice(0, options.rounds), errors)
}

const measure = async (options: Arguments, args: ReadonlyArray<string>): Promise<boolean> => {
  const store = storeNamed(options.store)
  const chosen = store.contestants.filter(({ name }) => options.only.includes(name))
  installFor(chosen, say)
  const machine = describeMachine(resolve(options.directory))
  say(machineLine(machine))
  const server = await store.start(resolve(options.directory))
  const ended = (): void => {
    void server.stop().then(() => process.exit(130))
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, ended)
  try {
    const rows: Array<Row> = []
    const before = paceMillis()
    const results = (): Results => ({
      store: store.name,
      machine,
      server: { version: server.version, settings: server.settings },
      command: ["npm run bench:peers --", ...args].join(" "),
      paceMillis: { before, after: paceMillis() },
      contestants: chosen.map((contestant) => ({
        name: contestant.name,
        kind: contestant.kind,
        versions: versionsOf(contestant),
        configuration: contestant.configuration
      })),
      rows
    })
    const runs = new Runs(program, server)
    const groups = groupsOf(options)
    for (const [index, group] of groups.entries()) {
      rows.push(...(await runGroup(runs, group, chosen, options)))
      // a backlog may serve more than one group
      if (groups[index + 1]?.backlog !== group.backlog) await runs.forget()
      // a long run that is stopped keeps what it has
      if (options.json !== undefined) writeResults(options.json, results())
    }
    console.log(renderResults(results()))
    const { after } = results().paceMillis
    console.log(`\npace before ${before.toFixed(0)} ms, after ${after.toFixed(0)} ms`)
    return rows.every((row) => row.error === null)
  } finally {
    await server.stop()
  }
}

const printTable = (paths: string, into: string | undefined): void => {
  const results = mergeResults(paths.split(",").map(readResults))
  const table = renderResults(results)
  if (into === undefined) console.log(table)
  else writeFileSync(into, replaceTable(readFileSync(into, "utf8"), table, marksOf(results.store)))
}

const args = process.argv.slice(2)
try {
  const command = parseCommand(args)
  switch (command._tag) {
    case "Help":
      console.log(usage)
      break
    case "Program":
      await runProgram(command.order, program)
      break
    case "Table":
      printTable(command.results, command.into)
      break
    case "Measure":
      process.exitCode = (await measure(command.options, args)) ? 0 : 1
      break
  }
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(`${error.message}\n\n${usage}`)
  process.exitCode = 2
}
