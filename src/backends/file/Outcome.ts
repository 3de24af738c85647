/**
 * What a synchronous step of the engine comes to.
 *
 * @since 0.1.0
 */
import type { LogErrorReason } from "../../log/LogError.ts"

/**
 * What an operation comes to: its value, or why it is refused.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Outcome<A> =
  | { readonly _tag: "Done"; readonly value: A }
  | { readonly _tag: "Refused"; readonly reason: LogErrorReason }
  /** Nothing was decided: the stored requests of these rows have to be read first. */
  | { readonly _tag: "Missing"; readonly rows: ReadonlyArray<number> }

/**
 * The operation came to this value.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const done = <A>(value: A): Outcome<A> => ({ _tag: "Done", value })

/**
 * The operation is refused for this reason.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const refuse = (reason: LogErrorReason): Outcome<never> => ({ _tag: "Refused", reason })
