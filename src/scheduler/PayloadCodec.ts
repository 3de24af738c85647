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

/**
 * A schema that a job may use.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
// `any` twice, as variance makes no other type fit every codec; nothing is read through it
// oxlint-disable-next-line typescript/no-explicit-any
export type JobSchema = Schema.Codec<any, any, never, never>

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface PayloadCodec<A> {
  /** Text, or undefined for a value that is encoded as nothing (`Schema.Void`). */
  readonly encode: (value: A) => Exit.Exit<string | undefined, string>
  readonly decode: (text: string | undefined) => Exit.Exit<A, string>
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
  return {
    encode: (value) => {
      const exit = encode(value)
      if (!Exit.isSuccess(exit)) return Exit.fail(issueOf(exit.cause))
      return Exit.succeed(exit.value === undefined ? undefined : JSON.stringify(exit.value))
    },
    decode: (text) => {
      let value: unknown
      if (text !== undefined && text !== "") {
        try {
          value = JSON.parse(text)
        } catch (error) {
          return Exit.fail(`not JSON: ${error instanceof Error ? error.message : String(error)}`)
        }
      }
      const exit = decode(value)
      return Exit.isSuccess(exit) ? Exit.succeed(exit.value) : Exit.fail(issueOf(exit.cause))
    }
  }
}
