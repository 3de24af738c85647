/**
 * Strings as Postgres can store them.
 *
 * @since 0.1.0
 */

const escape = "\u0001"

/**
 * A string that Postgres takes as text: the character NUL, which it refuses, is written as U+0001 U+0002, and U+0001
 * twice. All else stays as it is, so that other programs read and write texts without knowing of this.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const toText = (value: string): string =>
  value.includes("\u0000") || value.includes(escape)
    ? value.replaceAll(escape, escape + escape).replaceAll("\u0000", `${escape}\u0002`)
    : value

/**
 * The string that {@link toText} was given.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const fromText = (text: string): string => {
  let at = text.indexOf(escape)
  if (at === -1) return text
  let value = ""
  let from = 0
  for (; at !== -1; at = text.indexOf(escape, from)) {
    value += text.slice(from, at) + (text[at + 1] === "\u0002" ? "\u0000" : escape)
    from = at + 2
  }
  return value + text.slice(from)
}
