/**
 * The log's time between the events of a history, as far as answers tell.
 *
 * @since 0.1.0
 */
import type { History, Operation } from "./History.ts"

/**
 * Bounds of the log's time, Unix milliseconds, at the events of a history.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Timeline {
  readonly atLeast: (event: number) => number
  readonly atMost: (event: number) => number
}

/** The log's time as an answer tells it: not before the first sending of the call, and not after the answer. */
const told = (operation: Operation): number | undefined => {
  if (operation.outcome.tag !== "Ok") return undefined
  switch (operation.op) {
    case "time":
      return operation.outcome.value as number
    case "open":
    case "claim":
    case "renew":
      return (operation.outcome.value as { readonly now: number }).now
    default:
      return undefined
  }
}

/** Who repeats a call may be told of the time when it happened, so that only first sendings bound it from above. */
const isFirst = (operation: Operation, seen: Set<string>): boolean => {
  if (operation.op !== "claim" && operation.op !== "renew") return true
  const call = `${operation.args.session} ${operation.args.call}`
  if (seen.has(call)) return false
  seen.add(call)
  return true
}

/**
 * Reads the log's time off a history.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const timelineOf = (history: History): Timeline => {
  const { operations } = history
  const last = operations.reduce(
    (max, { inv, res }) => Math.max(max, inv, res === Number.MAX_SAFE_INTEGER ? 0 : res),
    0
  )
  const low = Array.from({ length: last + 1 }, () => Number.NEGATIVE_INFINITY)
  const high = Array.from({ length: last + 1 }, () => Number.POSITIVE_INFINITY)
  const advances = new Map<number, { readonly inv: number; readonly millis: number }>()
  const seen = new Set<string>()
  for (const operation of operations) {
    const { inv, res } = operation
    if (operation.op === "advance" && operation.outcome.tag === "Ok") {
      advances.set(res, { inv, millis: operation.args.millis })
    }
    const first = isFirst(operation, seen)
    const now = told(operation)
    if (now === undefined) continue
    low[res] = Math.max(low[res] ?? now, now)
    if (first) high[inv] = Math.min(high[inv] ?? now, now)
  }
  for (let event = 1; event <= last; event++) {
    const advance = advances.get(event)
    const moved = advance === undefined ? Number.NEGATIVE_INFINITY : (low[advance.inv] ?? 0) + advance.millis
    low[event] = Math.max(low[event - 1] ?? 0, low[event] ?? 0, moved)
  }
  for (let event = last - 1; event >= 0; event--) {
    high[event] = Math.min(high[event] ?? 0, high[event + 1] ?? Number.POSITIVE_INFINITY)
  }
  return {
    atLeast: (event) => low[Math.min(event, last)] ?? Number.NEGATIVE_INFINITY,
    atMost: (event) => (event > last ? Number.POSITIVE_INFINITY : (high[event] ?? Number.POSITIVE_INFINITY))
  }
}
