/**
 * Environment variables as typed settings: each knows its default, its bounds and how to say what is wrong with it.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** Reads a variable if it is set. `parse` answers undefined for what is not `expected`. */
const optional = <A>(
  name: string,
  expected: string,
  parse: (text: string) => A | undefined
): Config.Config<Option.Option<A>> => {
  const check = Schema.makeFilter((text: string) =>
    parse(text) === undefined ? `${JSON.stringify(text)} is not ${expected}` : undefined
  )
  return Config.option(Config.schema(Schema.String.check(check), name)).pipe(
    Config.map(Option.flatMap((text) => Option.fromUndefinedOr(parse(text))))
  )
}

const withDefault = <A>(config: Config.Config<Option.Option<A>>, fallback: A): Config.Config<A> =>
  Config.map(
    config,
    Option.getOrElse(() => fallback)
  )

const digits = (value: number): string => String(value).replace(/\B(?=(?:\d{3})+$)/g, ",")

/** Bytes by unit, greatest first. */
const units = [
  ["GiB", 1024 ** 3],
  ["MiB", 1024 ** 2],
  ["KiB", 1024],
  ["B", 1]
] as const

const inBytes = (value: number): string => {
  const [unit, size] = units.find(([, each]) => value >= each && value % each === 0) ?? ["B", 1]
  return `${value / size} ${unit}`
}

const parseInteger = (text: string): number | undefined => (/^-?\d{1,15}$/.test(text) ? Number(text) : undefined)

const shortUnits: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

const parseDuration = (text: string): number | undefined => {
  const short = /^(\d{1,12}) ?(ms|s|m|h|d)$/.exec(text)
  if (short !== null) return Number(short[1]) * shortUnits[short[2]!]!
  // any text may be tried: what is no duration answers none
  return Option.getOrUndefined(Option.map(Duration.fromInput(text as Duration.Input), Duration.toMillis))
}

const parseBytes = (text: string): number | undefined => {
  const found = /^(\d{1,15})(?: ?(B|KiB|MiB|GiB))?$/.exec(text)
  const unit = units.find(([name]) => name === (found?.[2] ?? "B"))
  return found === null || unit === undefined ? undefined : Number(found[1]) * unit[1]
}

const within = (
  parse: (text: string) => number | undefined,
  minimum: number,
  maximum: number
): ((text: string) => number | undefined) => {
  return (text) => {
    const value = parse(text)
    return value === undefined || value < minimum || value > maximum ? undefined : value
  }
}

/**
 * A whole number, where it is set.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const optionalInteger = (name: string, minimum: number, maximum: number): Config.Config<Option.Option<number>> =>
  optional(name, `a whole number from ${digits(minimum)} to ${digits(maximum)}`, within(parseInteger, minimum, maximum))

/**
 * A whole number.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const integer = (name: string, fallback: number, minimum: number, maximum: number): Config.Config<number> =>
  withDefault(optionalInteger(name, minimum, maximum), fallback)

/**
 * A duration such as `30 seconds` or `500ms`; bounds are milliseconds.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const duration = (
  name: string,
  fallback: Duration.Input,
  minimum: number,
  maximum: number
): Config.Config<Duration.Duration> => {
  const range = `${Duration.format(Duration.millis(minimum))} to ${Duration.format(Duration.millis(maximum))}`
  const expected = `a duration from ${range}, such as "30 seconds" or "500ms"`
  const millis = optional(name, expected, within(parseDuration, minimum, maximum))
  return withDefault(Config.map(millis, Option.map(Duration.millis)), Duration.fromInputUnsafe(fallback))
}

/**
 * A size such as `32 MiB`, in bytes.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const bytes = (name: string, fallback: number, minimum: number, maximum: number): Config.Config<number> => {
  const expected = `a size from ${inBytes(minimum)} to ${inBytes(maximum)}, such as "32 MiB"`
  return withDefault(optional(name, expected, within(parseBytes, minimum, maximum)), fallback)
}

/**
 * `true` or `false`.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const flag = (name: string, fallback: boolean): Config.Config<boolean> =>
  withDefault(
    optional(name, "true or false", (text) => (text === "true" ? true : text === "false" ? false : undefined)),
    fallback
  )

/**
 * A text that is not empty, where it is set.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const optionalText = (name: string, maxLength: number): Config.Config<Option.Option<string>> =>
  optional(name, `a text of 1 to ${digits(maxLength)} characters`, (text) =>
    text.length >= 1 && text.length <= maxLength ? text : undefined
  )

/**
 * A text that is not empty.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const text = (name: string, fallback: string, maxLength: number): Config.Config<string> =>
  withDefault(optionalText(name, maxLength), fallback)

/**
 * One of several words.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const choice = <const A extends string>(
  name: string,
  fallback: A,
  choices: ReadonlyArray<A>,
  what: string
): Config.Config<A> =>
  withDefault(
    optional(name, `${what}: choose ${choices.join(" or ")}`, (given) => choices.find((each) => each === given)),
    fallback
  )

/**
 * What is wrong with which variable, in one line.
 *
 * @since 0.1.0
 * @category formatting
 * @stability unstable
 */
export const describe = (error: Config.ConfigError): string => {
  const message = error.cause.message
  const found = /^([\s\S]*)\n\s*at \["([^"]+)"\]$/.exec(message)
  return (found === null ? message : `${found[2]}: ${found[1]}`).replaceAll("\n", " ")
}
