/**
 * What a request asks for beyond the usual, as logs keep it: JSON, exactly as it was sent, so that a request that is sent
 * again can be recognised.
 *
 * @since 0.1.0
 */
import type { EnqueueItem } from "./Enqueue.ts"

/**
 * The optional parts of a request.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Rest = Omit<EnqueueItem, "id" | "queue" | "name" | "version" | "payload">

const optional = [
  "priority",
  "delay",
  "at",
  "maxAttempts",
  "maxDeliveries",
  "leaseDuration",
  "timeout",
  "deadline",
  "group",
  "key",
  "metadata",
  "trace"
] as const satisfies ReadonlyArray<keyof Rest>

/** Nothing is kept that the port does not know: what a caller without types adds may be anything, of any depth. */
const declared = ({ key, trace }: EnqueueItem, field: "key" | "trace"): unknown => {
  if (field === "key") return key && { value: key.value, window: key.window, onConflict: key.onConflict }
  return trace && { traceId: trace.traceId, spanId: trace.spanId, sampled: trace.sampled }
}

/**
 * The optional parts of a request as JSON, null if it has none.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const restOf = (item: EnqueueItem): string | null => {
  let rest: Record<string, unknown> | undefined
  for (const field of optional) {
    const value = field === "key" || field === "trace" ? declared(item, field) : item[field]
    if (value !== undefined) (rest ??= {})[field] = value
  }
  return rest === undefined ? null : JSON.stringify(rest)
}

const none: Rest = {}

/**
 * What {@link restOf} has written.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const parseRest = (text: string | null): Rest =>
  // written by `restOf`, or by the function for other languages, which makes the same form
  text === null ? none : (JSON.parse(text) as Rest)

const canonical = ({ deadline: _, key, metadata, trace: __, ...rest }: Rest): string => {
  const plain: ReadonlyArray<readonly [string, unknown]> = Object.entries(rest)
  return JSON.stringify([
    plain.toSorted(([a], [b]) => (a < b ? -1 : 1)),
    key === undefined ? null : [key.value, key.window, key.onConflict ?? "keep"],
    metadata === undefined ? null : Object.entries(metadata).toSorted(([a], [b]) => (a < b ? -1 : 1))
  ])
}

/**
 * Whether two requests' optional parts ask for the same. Trace and deadline do not count: a producer stamps both anew
 * when it sends again.
 *
 * @since 0.1.0
 * @category equality
 * @stability unstable
 */
export const isSameRest = (a: string | null, b: string | null): boolean =>
  a === b || canonical(parseRest(a)) === canonical(parseRest(b))
