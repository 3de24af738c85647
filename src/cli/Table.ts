/**
 * Aligned columns. On a terminal the heading is bold and long lines are cut to its width; elsewhere every value is
 * whole, so that other programs can read it.
 *
 * @since 0.1.0
 */
import { plain } from "./Output.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Column<A> {
  readonly title: string
  readonly value: (row: A) => string
  /** Default left. */
  readonly align?: "left" | "right" | undefined
}

/**
 * Where a table is shown.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Screen {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/**
 * Lays out rows below a heading.
 *
 * @since 0.1.0
 * @category formatting
 * @stability unstable
 */
export const table = <A>(
  rows: ReadonlyArray<A>,
  columns: ReadonlyArray<Column<A>>,
  screen: Screen = process.stdout
): string => {
  const cells = rows.map((row) => columns.map((column) => plain(column.value(row))))
  const widths = columns.map((column, at) => {
    let width = column.title.length
    for (const row of cells) width = Math.max(width, row[at]!.length)
    return width
  })
  const line = (texts: ReadonlyArray<string>): string => {
    const padded = texts.map((text, at) => {
      if (columns[at]!.align === "right") return text.padStart(widths[at]!)
      return at === texts.length - 1 ? text : text.padEnd(widths[at]!)
    })
    const whole = padded.join("  ").trimEnd()
    const limit = screen.isTTY === true ? (screen.columns ?? Infinity) : Infinity
    return whole.length > limit ? `${whole.slice(0, limit - 1)}…` : whole
  }
  const heading = line(columns.map((column) => column.title))
  return [screen.isTTY === true ? `\x1b[1m${heading}\x1b[0m` : heading, ...cells.map(line)].join("\n")
}

/**
 * Names and values, one pair on a line.
 *
 * @since 0.1.0
 * @category formatting
 * @stability unstable
 */
export const pairs = (rows: ReadonlyArray<readonly [name: string, value: string | undefined]>): string => {
  const shown = rows.filter((row): row is readonly [string, string] => row[1] !== undefined)
  const width = Math.max(...shown.map(([name]) => name.length))
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${plain(value)}`).join("\n")
}
