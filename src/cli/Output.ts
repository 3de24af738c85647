/**
 * What all commands share in how they answer: people read tables, programs one JSON object on the last line.
 *
 * @since 0.1.0
 */
import * as Flag from "effect/cli/Flag"

/**
 * `--json`: one object on the last line.
 *
 * @since 0.1.0
 * @category flags
 * @stability unstable
 */
export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print one JSON object on the last line"),
  Flag.withDefault(false)
)

/**
 * Text that a terminal shows as it is: what jobs carry may hold control sequences.
 *
 * @since 0.1.0
 * @category formatting
 * @stability unstable
 */
export const plain = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    if (character === "\n") return "⏎"
    return `\\u{${character.codePointAt(0)!.toString(16)}}`
  })

/**
 * Writes a line to standard output.
 *
 * @since 0.1.0
 * @category output
 * @stability unstable
 */
export const print = (line: string): void => void process.stdout.write(`${line}\n`)

/**
 * Writes a line to standard error.
 *
 * @since 0.1.0
 * @category output
 * @stability unstable
 */
export const note = (line: string): void => void process.stderr.write(`${line}\n`)

/**
 * Writes an object as a line of JSON. Tokens are beyond what JSON's numbers hold exactly, and become strings.
 *
 * @since 0.1.0
 * @category output
 * @stability unstable
 */
export const printJson = (value: object): void =>
  print(JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? each.toString() : each)))
