/**
 * The checks that requests are made of. Each answers `undefined` or what is wrong with one field.
 *
 * @since 0.1.0
 */
import { idPattern, Limits, namePattern } from "../model/Limits.ts"
import { InvalidRequest } from "./LogError.ts"

/**
 * A field relative to the thing that was checked, and what is wrong with it.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Problem = readonly [field: string, detail: string]

/**
 * A problem as the error of a request, its field under a prefix such as `items[3]`.
 *
 * @since 0.1.0
 * @category checks
 * @stability unstable
 */
export const invalid = (prefix: string, problem: Problem): InvalidRequest =>
  new InvalidRequest({
    field: prefix === "" ? problem[0] : problem[0] === "" ? prefix : `${prefix}.${problem[0]}`,
    detail: problem[1]
  })

/**
 * An instant: Unix milliseconds up to the last one that a date can express.
 *
 * @since 0.1.0
 * @category checks
 * @stability unstable
 */
export const instantProblem = (field: string, value: unknown): Problem | undefined =>
  integerProblem(field, value, 0, 8_640_000_000_000_000)

/**
 * Length in bytes of a string's UTF-8 form.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const utf8Length = (text: string): number => {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    if (unit < 0x800) bytes += 1
    // both halves of a pair: two units make four bytes
    else if (unit >= 0xd800 && unit <= 0xdfff) bytes += 1
    else bytes += 2
  }
  return bytes
}

/**
 * Whether a string fits into so many bytes; most are told by their length alone, as a unit takes one to three.
 *
 * @since 0.1.0
 * @category checks
 * @stability unstable
 */
export const fits = (text: string, limit: number): boolean =>
  text.length * 3 <= limit || (text.length <= limit && utf8Length(text) <= limit)

/**
 * A well-formed string of at most so many bytes.
 *
 * @since 0.1.0
 * @category checks
 * @stability unstable
 */
export const textProblem = (field: string, value: unknown, limit: number): Problem | undefined => {
  if (typeof value !== "string") return [field, "must be a string"]
  if (!fits(value, limit)) {
    return [
      field,
      `has ${utf8Length(value)} bytes, the limit is ${limit}; store large data elsewhere and pass a reference`
    ]
  }
  return value.isWellFormed()
    ? undefined
    : [field, "contains a lone surrogate, which UTF-8 cannot express; pass well-formed text"]
}

/**
 * A key of any kind: not empty, and of at most `Limits.keyBytes`.
 *
 * @since 0.1.0
 * @category checks
 * @stability unstable
 */
export const keyProblem = (field: string, value: unknown): Problem | undefined =>
  value === "" ? [field, "must not be empty; leave it out instead"] : textProblem(field, value, Limits.keyBytes)

/**
 * The name of a queue or a job.
 *
 * @since 0.1.0
 * @category checks
 * @stability unstable
 */
export const nameProblem = (field: string, value: unknown): Problem | undefined => {
  if (typeof value !== "string") return [field, "must be a string"]
  if (value.length > Limits.nameBytes) return [field, `has ${value.length} bytes, the limit is ${Limits.nameBytes}`]
  return namePattern.test(value)
    ? undefined
    : [field, "must begin with a letter or digit and go on with letters, digits and . _ : / -"]
}

/**
 * Whether a value is a job id: a UUID in lower case.
 *
 * @since 0.1.0
 * @category guards
 * @stability unstable
 */
export const isJobId = (value: unknown): value is string => typeof value === "string" && idPattern.test(value)

/**
 * The id of a job.
 *
 * @since 0.1.0
 * @category checks
 * @stability unstable
 */
export const idProblem = (field: string, value: unknown): Problem | undefined =>
  isJobId(value) ? undefined : [field, "must be a UUID in lower case, made by the client"]

/**
 * A whole number in a range.
 *
 * @since 0.1.0
 * @category checks
 * @stability unstable
 */
export const integerProblem = (field: string, value: unknown, min: number, max: number): Problem | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max
    ? undefined
    : [field, `must be a whole number from ${min} to ${max}`]

/**
 * A duration in whole milliseconds, at most ten years.
 *
 * @since 0.1.0
 * @category checks
 * @stability unstable
 */
export const durationProblem = (field: string, value: unknown, min: number): Problem | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= Limits.durationMillis
    ? undefined
    : [field, `must be whole milliseconds from ${min} to ${Limits.durationMillis} (ten years)`]

/**
 * The duration of a lease, milliseconds.
 *
 * @since 0.1.0
 * @category checks
 * @stability unstable
 */
export const leaseProblem = (field: string, value: unknown): Problem | undefined =>
  integerProblem(field, value, Limits.leaseMinMillis, Limits.leaseMaxMillis)

/**
 * The length of a list.
 *
 * @since 0.1.0
 * @category checks
 * @stability unstable
 */
export const countProblem = (what: string, length: number, min: number, limit: number): Problem | undefined =>
  length < min
    ? ["", `must have at least ${min} ${what}`]
    : length > limit
      ? ["", `has ${length} ${what}, the limit is ${limit}; send several calls`]
      : undefined
