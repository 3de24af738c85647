/** Results as a table for people, in Markdown. */
import type { Results } from "./Results.ts"
import type { Row } from "./Row.ts"

export const number = (value: number | null): string => {
  if (value === null) return ""
  const size = Math.abs(value)
  if (size >= 1000) return Math.round(value).toLocaleString("en-US")
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(2)
}

export const range = (median: number | null, low: number | null, high: number | null): string =>
  median === null ? "" : low === high ? number(median) : `${number(median)} [${number(low)} .. ${number(high)}]`

export const ratio = (median: number | null, worse: number | null): string =>
  median === null ? "" : worse === null ? median.toFixed(2) : `${median.toFixed(2)} (${worse.toFixed(2)})`

/** The quartile on the side that speaks against Leasehold. */
const worse = (row: Row, lower: number | null, upper: number | null): number | null =>
  row.better === "higher" ? lower : upper

export interface Column<A> {
  readonly head: string
  readonly right: boolean
  readonly cell: (row: A) => string
}

const columns: ReadonlyArray<Column<Row>> = [
  { head: "figure", right: false, cell: (row) => row.name },
  { head: "log", right: false, cell: (row) => row.log },
  { head: "backlog", right: true, cell: (row) => number(row.backlog).replace(/\.00$/, "") },
  { head: "workers", right: true, cell: (row) => (row.workers === null ? "" : String(row.workers)) },
  { head: "unit", right: false, cell: (row) => row.unit },
  {
    head: "median [min .. max]",
    right: true,
    cell: (row) => (row.error === null ? range(row.value, row.min, row.max) : `error: ${row.error}`)
  },
  { head: "raw file", right: true, cell: (row) => range(row.raw, row.rawMin, row.rawMax) },
  {
    head: "ratio (quartile)",
    right: true,
    cell: (row) => ratio(row.ratio, worse(row, row.ratioLowerQuartile, row.ratioUpperQuartile))
  },
  { head: "SQLite", right: true, cell: (row) => number(row.sqlite) },
  {
    head: "ratio (quartile)",
    right: true,
    cell: (row) => ratio(row.sqliteRatio, worse(row, row.sqliteRatioLowerQuartile, row.sqliteRatioUpperQuartile))
  },
  {
    head: "p50 / p95 / p99 ms",
    right: true,
    cell: (row) => (row.p50 === null ? "" : `${number(row.p50)} / ${number(row.p95)} / ${number(row.p99)}`)
  },
  { head: "CPU us/job", right: true, cell: (row) => number(row.cpuMicrosPerJob) },
  { head: "rounds", right: true, cell: (row) => String(row.rounds) },
  { head: "neighbours", right: true, cell: (row) => (row.neighbours === null ? "" : row.neighbours.toFixed(1)) }
]

/** A table whose columns line up also where nobody renders it. */
export const renderTable = <A>(columns: ReadonlyArray<Column<A>>, rows: ReadonlyArray<A>): string => {
  const cells = rows.map((row) => columns.map((column) => column.cell(row).replaceAll("|", "\\|")))
  const widths = columns.map((column, at) => Math.max(3, column.head.length, ...cells.map((line) => line[at]!.length)))
  const line = (texts: ReadonlyArray<string>): string =>
    `| ${texts.map((text, at) => (columns[at]!.right ? text.padStart(widths[at]!) : text.padEnd(widths[at]!))).join(" | ")} |`
  const rule = `|${columns.map((column, at) => `${"-".repeat(widths[at]! + 1)}${column.right ? ":" : "-"}`).join("|")}|`
  return [line(columns.map((column) => column.head)), rule, ...cells.map(line)].join("\n")
}

export const renderRows = (rows: ReadonlyArray<Row>): string => renderTable(columns, rows)

/** The table with the machine it was measured on and the command that made it. */
export const renderResults = (results: Results, machineLine: string): string =>
  [`Machine: ${machineLine}.`, "", `Command: \`${results.command}\``, "", renderRows(results.rows)].join("\n")

export interface Marks {
  readonly begin: string
  readonly end: string
}

export const marks: Marks = {
  begin: "<!-- results: made by npm run bench -- --table -->",
  end: "<!-- end of results -->"
}

/** Puts the table between the marks of a document. Throws if they are not there. */
export const replaceTable = (document: string, table: string, { begin, end }: Marks = marks): string => {
  const from = document.indexOf(begin)
  const to = document.indexOf(end, from)
  if (from === -1 || to === -1) throw new Error(`the document has no "${begin}" followed by "${end}"`)
  return `${document.slice(0, from)}${begin}\n\n${table}\n\n${document.slice(to)}`
}
