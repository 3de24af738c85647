/**
 * The one place where values become the text that logs store, and text becomes values again.
 *
 * Schemas must be synchronous and need no services: what is stored today must be readable by any process tomorrow.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"

// `any` twice, as variance makes no other type fit every codec; nothing is read through it
/**
 * A schema that a job may use.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type JobSchema = Schema.Codec<any, any, never, never> // oxlint-disable-line typescript/no-explicit-any

/**
 * A value or a text that its schema refuses.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Refused {
  readonly issue: string
  constructor(issue: string) {
    this.issue = issue
  }
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface PayloadCodec<A> {
  /** Text, or undefined for a value that is stored as nothing (`Schema.Void`). */
  readonly encode: (value: A) => string | undefined | Refused
  /** The value of a text; of nothing, where the schema has such a value. */
  readonly decode: (text: string | undefined) => A | Refused
}

const issueOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

/**
 * Compiles a schema.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = <S extends JobSchema>(schema: S): PayloadCodec<S["Type"]> => {
  const json = Schema.toCodecJson(schema)
  const encode = Schema.encodeUnknownExit(json)
  const decode = Schema.decodeUnknownExit(json)
  // JSON has no undefined: the codec writes null for it, and storing nothing is shorter
  const nothing = decode(null)
  const hasNothing = Exit.isSuccess(nothing) && nothing.value === undefined
  return {
    encode: (value) => {
      if (value === undefined && hasNothing) return undefined
      const exit = encode(value)
      return Exit.isSuccess(exit) ? JSON.stringify(exit.value) : new Refused(issueOf(exit.cause))
    },
    decode: (text) => {
      if (text === undefined || text === "") {
        return hasNothing ? undefined : new Refused("nothing is stored, and the schema has no value for that")
      }
      let value: unknown
      try {
        value = JSON.parse(text)
      } catch (error) {
        return new Refused(`not JSON: ${error instanceof Error ? error.message : String(error)}`)
      }
      const exit = decode(value)
      return Exit.isSuccess(exit) ? exit.value : new Refused(issueOf(exit.cause))
    }
  }
}
