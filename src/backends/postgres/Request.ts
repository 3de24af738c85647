/**
 * Requests as rows: their optional parts are kept together as JSON, exactly as they were sent, so that a request that
 * is sent again can be recognised.
 *
 * @since 0.1.0
 */
import type { EnqueueItem } from "../../log/JobLog.ts"
import { isSameRest, restOf } from "../../log/StoredRequest.ts"
import { defaultMaxDeliveries } from "../../model/Job.ts"
import { fromText, toText } from "./Text.ts"

/**
 * A request as the log knows it.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface KnownRequest {
  readonly queue: string
  readonly name: string
  readonly version: number
  /** As stored. */
  readonly payload: string
  readonly rest: string | null
}

/**
 * Whether a request asks for the very same job as one that is known. Trace and deadline do not count: a producer stamps
 * both anew when it sends again.
 *
 * @since 0.1.0
 * @category equality
 * @stability unstable
 */
export const isSame = (item: EnqueueItem, known: KnownRequest): boolean => {
  if (item.queue !== known.queue || item.name !== known.name || item.version !== known.version) return false
  if (item.payload !== fromText(known.payload)) return false
  return isSameRest(restOf(item), known.rest)
}

const defaultAttempts = 10

/**
 * How many attempts a request asks for.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const attemptsOf = ({ maxAttempts }: EnqueueItem): number => maxAttempts ?? defaultAttempts

/**
 * How many deliveries a request asks for.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const deliveriesOf = (item: EnqueueItem): number => item.maxDeliveries ?? defaultMaxDeliveries(attemptsOf(item))

/** A column, or null where no item has anything for it. */
const some = <A>(
  items: ReadonlyArray<EnqueueItem>,
  has: (item: EnqueueItem) => boolean,
  value: (item: EnqueueItem) => A
): ReadonlyArray<A> | null => (items.some(has) ? items.map(value) : null)

/**
 * Items as the columns that the function `enqueue` takes; a column that no item needs is null.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const columns = (items: ReadonlyArray<EnqueueItem>) => ({
  ids: items.map(({ id }) => id),
  queues: items.map(({ queue }) => queue),
  names: items.map(({ name }) => name),
  versions: items.map(({ version }) => version),
  payloads: items.map(({ payload }) => toText(payload)),
  priorities: items.map(({ priority }) => priority ?? 0),
  attempts: items.map(attemptsOf),
  deliveries: items.map(deliveriesOf),
  rests: items.map(restOf),
  delays: some(
    items,
    ({ delay }) => delay !== undefined,
    ({ delay }) => delay
  ),
  instants: some(
    items,
    ({ at }) => at !== undefined,
    ({ at }) => at
  ),
  deadlines: some(
    items,
    ({ deadline }) => deadline !== undefined,
    ({ deadline }) => deadline
  ),
  groups: some(
    items,
    ({ group }) => group !== undefined,
    ({ group }) => (group === undefined ? null : toText(group))
  ),
  keys: some(
    items,
    ({ key }) => key !== undefined,
    ({ key }) => (key === undefined ? null : toText(key.value))
  ),
  spans: some(
    items,
    ({ key }) => key !== undefined,
    ({ key }) => key?.window
  ),
  replaces: some(
    items,
    ({ key }) => key !== undefined,
    ({ key }) => key?.onConflict === "replace"
  )
})
