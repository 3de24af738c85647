/**
 * The frame of every command: its scope, and its failure as JSON where JSON was asked for.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { lineOf, Unsuccessful } from "./Failure.ts"
import { printJson } from "./Output.ts"

const tagOf = (error: unknown): string => {
  if (typeof error !== "object" || error === null || !("_tag" in error)) return "Error"
  // a log's error says by its reason what happened
  const inner = "reason" in error ? error.reason : undefined
  const named = typeof inner === "object" && inner !== null && "_tag" in inner ? inner : error
  return String(named._tag)
}

/**
 * Runs a command's body. With `json` a failure is answered as `{"error":{"tag","message"}}` on standard output, beside
 * the line on standard error.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const answering = <A, E, R>(
  json: boolean,
  body: Effect.Effect<A, E, R>
): Effect.Effect<A, E, Exclude<R, Scope.Scope>> =>
  Effect.scoped(
    json
      ? Effect.tapError(body, (error) =>
          Effect.sync(() => {
            // its answer is there already
            if (!(error instanceof Unsuccessful)) printJson({ error: { tag: tagOf(error), message: lineOf(error) } })
          })
        )
      : body
  )
