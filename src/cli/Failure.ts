/**
 * How a command ends when it does not succeed: one line on standard error, and an exit code.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as CliError from "effect/cli/CliError"
import { describe } from "../scheduler/Setting.ts"
import { note, plain } from "./Output.ts"

/**
 * - `ok`: everything that was asked is done
 * - `failure`: it is not, or not all of it, or `verify` found damage
 * - `usage`: the command line itself is wrong, and nothing was tried
 * - `interrupted`: by a signal
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export const exitCodes = { ok: 0, failure: 1, usage: 2, interrupted: 130 } as const

/**
 * The command line asks for something that cannot be meant; nothing was tried.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class WrongUsage extends Schema.TaggedError<WrongUsage>()("WrongUsage", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

/**
 * The command has said what it found, and that is not success.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class Unsuccessful extends Schema.TaggedError<Unsuccessful>()("Unsuccessful", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

/**
 * A typed error as one line.
 *
 * @since 0.1.0
 * @category formatting
 * @stability unstable
 */
export const lineOf = (error: unknown): string => {
  if (error instanceof Config.ConfigError) return describe(error)
  return error instanceof Error && error.message !== "" ? error.message : String(error)
}

/** An error says so itself where only its command knows: what it was pointed at cannot be used. */
const nothingTried = (error: unknown): boolean =>
  error instanceof WrongUsage || (Predicate.hasProperty(error, "nothingTried") && error.nothingTried === true)

/**
 * Says on standard error why a command did not succeed, and answers the exit code. Only a bug shows its stack.
 *
 * @since 0.1.0
 * @category output
 * @stability unstable
 */
export const conclude = (exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit)) return exitCodes.ok
  if (Cause.hasInterruptsOnly(exit.cause)) return exitCodes.interrupted
  const error = Cause.findErrorOption(exit.cause)
  if (error._tag === "None") {
    note(`leasehold: internal error\n${Cause.pretty(exit.cause)}`)
    return exitCodes.failure
  }
  // the parser has said what is wrong, or was asked for its help
  if (CliError.isCliError(error.value)) {
    return error.value._tag === "ShowHelp" && error.value.errors.length === 0 ? exitCodes.ok : exitCodes.usage
  }
  note(`leasehold: ${plain(lineOf(error.value))}`)
  return nothingTried(error.value) ? exitCodes.usage : exitCodes.failure
}
