/**
 * What functions on the server answer, read as what it is. The functions are this release's own, so an answer of another
 * shape is a bug.
 *
 * @since 0.1.0
 */
import type { JobState } from "../../log/JobLog.ts"
import type { Reply } from "./ConnectionCall.ts"

const wrong = (expected: string, reply: Reply | undefined): Error =>
  new Error(`leasehold: a function answered ${JSON.stringify(reply)?.slice(0, 100)} and not ${expected}`)

/**
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const list = (reply: Reply | undefined): ReadonlyArray<Reply> => {
  if (typeof reply === "object" && reply !== null) return reply
  throw wrong("a list", reply)
}

/**
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const text = (reply: Reply | undefined): string => {
  if (typeof reply === "string") return reply
  throw wrong("a text", reply)
}

/**
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const integer = (reply: Reply | undefined): number => {
  const value = typeof reply === "string" ? Number(reply) : reply
  if (typeof value === "number" && Number.isSafeInteger(value)) return value
  throw wrong("an integer", reply)
}

/**
 * Undefined for nil.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const optional = <A>(reply: Reply | undefined, read: (reply: Reply) => A): A | undefined =>
  reply === null || reply === undefined ? undefined : read(reply)

const states: Readonly<Record<string, JobState>> = {
  S: "Scheduled",
  R: "Ready",
  L: "Leased",
  C: "Completed",
  D: "DeadLettered",
  X: "Cancelled"
}

/**
 * A state by its letter.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const stateOf = (reply: Reply | undefined): JobState => {
  const state = states[text(reply)]
  if (state === undefined) throw wrong("a state", reply)
  return state
}

/**
 * The letter of a state.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const letterOf = (state: JobState): string =>
  Object.entries(states).find(([, name]) => name === state)?.[0] ?? ""
