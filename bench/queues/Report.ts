/** The results as a file, and as tables for people. */
import { readFileSync } from "node:fs"
import type { Machine } from "../Machine.ts"
import { machineLine } from "../Machine.ts"
import { type Column, type Marks, number, range, ratio, renderTable } from "../Table.ts"
import type { Ratio, Row } from "./Rows.ts"
import type { StoreName } from "./Store.ts"
import { storeNamed } from "./Stores.ts"

export interface Results {
  readonly store: StoreName
  readonly machine: Machine
  readonly server: { readonly version: string; readonly settings: Readonly<Record<string, string>> }
  /** What made them. */
  readonly command: string
  /** Milliseconds of a fixed piece of JavaScript before and after: how steady the machine was. */
  readonly paceMillis: { readonly before: number; readonly after: number }
  readonly contestants: ReadonlyArray<{
    readonly name: string
    readonly kind: string
    readonly versions: ReadonlyArray<string>
    readonly configuration: string
  }>
  readonly rows: ReadonlyArray<Row>
}

/** Where a store's results stand in a document. */
export const marksOf = (store: StoreName): Marks => ({
  begin: `<!-- ${store} results: made by npm run bench:peers -- --table -->`,
  end: `<!-- end of ${store} results -->`
})

export const readResults = (path: string): Results => {
  const value: unknown = JSON.parse(readFileSync(path, "utf8"))
  if (typeof value !== "object" || value === null || !("rows" in value) || !("contestants" in value)) {
    throw new Error(`${path} holds no results of this benchmark`)
  }
  // written by writeResults, at first when there was one store only
  return { store: "postgres", ...value } as Results
}

const unique = <A>(values: ReadonlyArray<A>): ReadonlyArray<A> => [...new Set(values)]

/** Results of several runs on one machine and server, which measured different workloads or contestants. */
export const mergeResults = (all: ReadonlyArray<Results>): Results => {
  const [first] = all
  if (first === undefined) throw new Error("there are no results")
  for (const { machine, server, store } of all) {
    if (machine.cpu !== first.machine.cpu || store !== first.store || server.version !== first.server.version) {
      throw new Error("these results are of different machines or servers, and cannot stand beside each other")
    }
  }
  const contestants = all.flatMap((each) => each.contestants)
  const commits = unique(all.map(({ machine }) => machine.commit))
  return {
    ...first,
    machine: { ...first.machine, commit: commits.join(" and ") },
    command: all.map(({ command }) => command).join("`, `"),
    contestants: contestants.filter(({ name }, index) => contestants.findIndex((one) => one.name === name) === index),
    rows: all.flatMap(({ rows }) => rows)
  }
}

/** A line for each contestant, a column for each figure. */
const renderGroup = (rows: ReadonlyArray<Row>): string => {
  const names = unique(rows.map((row) => row.contestant))
  const figures = unique(rows.map((row) => row.figure))
  const find = (name: string, figure: string): Row | undefined =>
    rows.find((row) => row.contestant === name && row.figure === figure)
  const cellOf = (row: Row | undefined): string =>
    row === undefined ? "" : row.error === null ? range(row.median, row.lowerQuartile, row.upperQuartile) : "failed"
  const errors = unique(rows.flatMap(({ contestant, error }) => (error === null ? [] : [`${contestant}: ${error}`])))
  const columns: ReadonlyArray<Column<string>> = [
    { head: "", right: false, cell: (name) => name },
    ...figures.map((figure) => ({
      head: `${figure}, ${rows.find((row) => row.figure === figure)?.unit ?? ""}`,
      right: true,
      cell: (name: string) => cellOf(find(name, figure))
    })),
    {
      head: "rounds",
      right: true,
      cell: (name) => String(rows.find((row) => row.contestant === name)?.samples.length ?? 0)
    },
    {
      head: "neighbours",
      right: true,
      cell: (name) => rows.find((row) => row.contestant === name)?.neighbours?.toFixed(1) ?? ""
    }
  ]
  return [renderTable(columns, names), ...errors.flatMap((error) => ["", error])].join("\n")
}

/** With the quartile that speaks against Leasehold. */
const ratioCell = (value: Ratio | null, { better }: Row): string =>
  value === null ? "" : ratio(value.median, better === "higher" ? value.lowerQuartile : value.upperQuartile)

const ratioColumns: ReadonlyArray<Column<Row>> = [
  { head: "workload", right: false, cell: (row) => row.group },
  { head: "figure", right: false, cell: (row) => `${row.figure}, ${row.unit}` },
  { head: "better", right: false, cell: (row) => row.better },
  { head: "leasehold", right: true, cell: (row) => number(row.median) },
  { head: "by the limit (quartile)", right: true, cell: (row) => ratioCell(row.toLimit, row) },
  { head: "by the best peer (quartile)", right: true, cell: (row) => ratioCell(row.toPeer, row) },
  { head: "best peer", right: false, cell: (row) => row.bestPeer ?? "" }
]

const renderRatios = (rows: ReadonlyArray<Row>): string =>
  renderTable(
    ratioColumns,
    rows.filter((row) => row.toLimit !== null || row.toPeer !== null)
  )

/** Every table, for rows of any number of groups. */
const renderRows = (rows: ReadonlyArray<Row>): string =>
  [
    ...unique(rows.map((row) => row.group)).flatMap((group) => [
      `**${group}** (median [quartiles])`,
      "",
      renderGroup(rows.filter((row) => row.group === group)),
      ""
    ]),
    "**Ratios**, round by round",
    "",
    renderRatios(rows)
  ].join("\n")

const renderContestants = ({ contestants }: Results): string =>
  renderTable(
    [
      { head: "", right: false, cell: ({ name }) => name },
      { head: "versions", right: false, cell: ({ versions }) => versions.join(", ") },
      { head: "configuration", right: false, cell: ({ configuration }) => configuration }
    ],
    contestants
  )

export const renderResults = (results: Results): string =>
  [
    `Machine: ${machineLine(results.machine)}.`,
    "",
    `Server: ${storeNamed(results.store).title} ${results.server.version}, ${Object.entries(results.server.settings)
      .map(([name, value]) => `${name} ${value}`)
      .join(", ")}.`,
    "",
    `Command: \`${results.command}\``,
    "",
    renderRows(results.rows),
    "",
    "**Versions and configurations**",
    "",
    renderContestants(results)
  ].join("\n")
