/** The file of results. */
import { readFileSync, writeFileSync } from "node:fs"
import type { Machine } from "./Machine.ts"
import type { Row } from "./Row.ts"

export interface Results {
  readonly machine: Machine
  /** What made them. */
  readonly command: string
  /** Milliseconds of a fixed piece of JavaScript before and after: how steady the machine was. */
  readonly paceMillis: { readonly before: number; readonly after: number }
  readonly rows: ReadonlyArray<Row>
}

/** One row to a line, so that two files can be compared. */
export const writeResults = (path: string, results: { readonly rows: ReadonlyArray<unknown> }): void => {
  const { rows, ...head } = results
  const lines = rows.map((row) => `    ${JSON.stringify(row)}`).join(",\n")
  const text = JSON.stringify(head, undefined, 2).replace(/\n\}$/, `,\n  "rows": [\n${lines}\n  ]\n}\n`)
  writeFileSync(path, text)
}

export const readResults = (path: string): Results => {
  const value: unknown = JSON.parse(readFileSync(path, "utf8"))
  if (typeof value !== "object" || value === null || !("rows" in value) || !Array.isArray(value.rows)) {
    throw new Error(`${path} holds no benchmark results`)
  }
  // written by writeResults
  return value as Results
}
