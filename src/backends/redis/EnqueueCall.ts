/**
 * Enqueueing as words of a call, and what the answer says of each job.
 *
 * @since 0.1.0
 */
import type { EnqueueItem, EnqueueResult } from "../../log/JobLog.ts"
import { isSame, toBody } from "./Body.ts"
import type { Reply } from "./ConnectionCall.ts"
import { fromShort } from "./JobId.ts"
import { integer, list, optional, stateOf, text } from "./Replies.ts"

/** What the server has to know of a job beyond its body; of a plain one hardly anything. */
const specification = (item: EnqueueItem, queue: number): string => {
  const { at, deadline, delay, group, key, priority } = item
  if (at === undefined && deadline === undefined && delay === undefined && group === undefined && key === undefined) {
    return priority === undefined || priority === 0 ? String(queue) : `${queue}:${priority}`
  }
  return JSON.stringify({
    q: queue,
    p: priority,
    at,
    delay,
    deadline,
    group,
    key: key === undefined ? undefined : `${item.name}\n${key.value}`,
    window: key?.window,
    replace: key?.onConflict === "replace" ? true : undefined
  })
}

/**
 * Jobs as words: how many queues, their names, and of each job what the server has to know and its body.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const enqueueWords = (
  items: ReadonlyArray<EnqueueItem>
): { readonly queues: Array<string>; readonly jobs: Array<string> } => {
  const queues: Array<string> = []
  const jobs: Array<string> = []
  for (const item of items) {
    let queue = queues.indexOf(item.queue)
    if (queue === -1) queue = queues.push(item.queue) - 1
    jobs.push(specification(item, queue + 1), toBody(item))
  }
  return { queues, jobs }
}

const known = (item: EnqueueItem, queue: Reply | undefined, body: Reply | undefined): boolean =>
  isSame(item, text(queue), text(body))

const answer = (item: EnqueueItem, exception: ReadonlyArray<Reply>): EnqueueResult => {
  const [, kind, first, second, third] = exception
  switch (kind) {
    case "known":
      return known(item, first, second)
        ? { _tag: "Inserted", id: item.id }
        : { _tag: "Refused", id: item.id, reason: "idConflict" }
    case "replaced":
      return { _tag: "Replaced", id: fromShort(text(first)) }
    case "replacedBefore":
      return known(item, item.queue, second)
        ? { _tag: "Replaced", id: fromShort(text(first)) }
        : { _tag: "Refused", id: item.id, reason: "idConflict" }
    case "gone": {
      const state = second === "-" ? "Completed" : stateOf(second)
      return {
        _tag: "Duplicate",
        id: fromShort(text(first)),
        state,
        ...(state === "Completed" ? { resultGone: true } : undefined)
      }
    }
    case "duplicate": {
      const result = optional(third, text)
      return {
        _tag: "Duplicate",
        id: fromShort(text(first)),
        state: stateOf(second),
        ...(result === undefined ? undefined : { result })
      }
    }
    default:
      throw new Error(`leasehold: enqueue answered ${String(kind)}`)
  }
}

/**
 * The answers to all jobs; those without an exception were inserted.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const enqueueResults = (
  items: ReadonlyArray<EnqueueItem>,
  exceptions: Reply | undefined
): ReadonlyArray<EnqueueResult> => {
  const results: Array<EnqueueResult> = items.map(({ id }) => ({ _tag: "Inserted", id }))
  for (const exception of list(exceptions).map(list)) {
    const at = integer(exception[0]) - 1
    const item = items[at]
    if (item === undefined) throw new Error(`leasehold: enqueue answered an item ${at}`)
    results[at] = answer(item, exception)
  }
  return results
}
