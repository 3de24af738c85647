/**
 * What all commands share in how they answer.
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
