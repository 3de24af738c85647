/** `npm run bench`: measures Leasehold against hand-written limits of the same work. docs/benchmarks.md has the method. */
import { readFileSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { type Arguments, parseCommand, usage, UsageError } from "./Arguments.ts"
import { groupsOf } from "./Figures.ts"
import { describeMachine, machineLine, paceMillis } from "./Machine.ts"
import { runProgram } from "./Program.ts"
import { readResults, type Results, writeResults } from "./Results.ts"
import type { Row } from "./Row.ts"
import { runGroups } from "./Runner.ts"
import { renderResults, renderRows, replaceTable } from "./Table.ts"

const measure = async (options: Arguments, args: ReadonlyArray<string>): Promise<boolean> => {
  const groups = groupsOf(options)
  if (groups.length === 0) throw new UsageError("no figure has that name")
  const machine = describeMachine(resolve(options.directory))
  console.error(machineLine(machine))
  const rows: Array<Row> = []
  const before = paceMillis()
  const results = (): Results => ({
    machine,
    command: ["npm run bench --", ...args].join(" "),
    paceMillis: { before, after: paceMillis() },
    rows
  })
  await runGroups(
    groups,
    options,
    (line) => console.error(line),
    (more) => {
      rows.push(...more)
      // a long run that is stopped keeps what it has
      if (options.json !== undefined) writeResults(options.json, results())
    }
  )
  const { after } = results().paceMillis
  console.log(renderRows(rows))
  console.log(`\n${machineLine(machine)}\npace before ${before.toFixed(0)} ms, after ${after.toFixed(0)} ms`)
  return rows.every((row) => row.error === null)
}

const printTable = (path: string, into: string | undefined): void => {
  const results = readResults(path)
  const table = renderResults(results, machineLine(results.machine))
  if (into === undefined) console.log(table)
  else writeFileSync(into, replaceTable(readFileSync(into, "utf8"), table))
}

const args = process.argv.slice(2)
try {
  const command = parseCommand(args)
  switch (command._tag) {
    case "Help":
      console.log(usage)
      break
    case "Program":
      await runProgram(command.order)
      break
    case "Table":
      printTable(command.results, command.into)
      break
    case "Measure":
      if (!(await measure(command.options, args))) process.exitCode = 1
      break
  }
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(`${error.message}\n\n${usage}`)
  process.exitCode = 2
}
