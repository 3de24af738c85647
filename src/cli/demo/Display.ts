/**
 * How the demo shows its progress: a bar on a terminal, plain lines elsewhere.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Display {
  readonly line: (text: string) => void
  readonly progress: (done: number, total: number) => void
}

const width = 32

/**
 * `plainEvery`: on no terminal, a line for each step of this share of the whole.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = (out: NodeJS.WriteStream, plainEvery = 0.1): Display => {
  const terminal = out.isTTY
  let drawn = false
  let nextPlain = plainEvery
  return {
    line: (text) => {
      if (drawn) out.write("\r\x1b[2K")
      drawn = false
      out.write(`${text}\n`)
    },
    progress: (done, total) => {
      const share = total === 0 ? 1 : done / total
      const text = `${done} of ${total} files (${Math.floor(share * 100)} %)`
      if (terminal) {
        const filled = Math.round(share * width)
        out.write(`\r\x1b[2K[${"█".repeat(filled)}${"·".repeat(width - filled)}] ${text}`)
        drawn = true
      } else if (share >= nextPlain) {
        out.write(`  ${text}\n`)
        while (nextPlain <= share) nextPlain += plainEvery
      }
    }
  }
}

/**
 * A two-column table.
 *
 * @since 0.1.0
 * @category formatting
 * @stability unstable
 */
export const table = (rows: ReadonlyArray<readonly [string, string]>): string => {
  const label = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(label)}  ${right}`).join("\n")
}
