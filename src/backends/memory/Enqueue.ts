/**
 * Enqueueing, also of follow-up jobs.
 *
 * @since 0.1.0
 */
import type { EnqueueItem, EnqueueResult } from "../../log/JobLog.ts"
import { Full } from "../../log/LogError.ts"
import { stateAt } from "../../model/Job.ts"
import { isRejection } from "../../model/Transition.ts"
import * as JobRecord from "./JobRecord.ts"
import type { HeldKey } from "./Keys.ts"
import type { State } from "./State.ts"

const duplicate = (state: State, key: HeldKey, now: number): EnqueueResult => {
  const holder = state.records.get(key.id)
  if (holder === undefined) {
    const ended = key.ended ?? "Completed"
    return {
      _tag: "Duplicate",
      id: key.id,
      state: ended,
      ...(ended === "Completed" ? { resultGone: true } : undefined)
    }
  }
  return {
    _tag: "Duplicate",
    id: key.id,
    state: stateAt(holder.job, now),
    ...(holder.result === undefined ? undefined : { result: holder.result })
  }
}

/**
 * Enqueues one checked item.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const enqueueOne = (state: State, request: EnqueueItem, now: number): EnqueueResult => {
  const known = state.records.get(request.id)
  if (known !== undefined) {
    return JobRecord.sameRequest(known.first, request)
      ? { _tag: "Inserted", id: request.id }
      : { _tag: "Refused", id: request.id, reason: "idConflict" }
  }
  const job = JobRecord.newJob(request, now)
  const key = state.keys.holder(request, now)
  if (key !== undefined) {
    const holder = request.key?.onConflict === "replace" ? state.records.get(key.id) : undefined
    if (holder === undefined) return duplicate(state, key, now)
    if (holder.item.id === request.id) {
      // this very request has replaced the job before
      return JobRecord.sameRequest(holder.item, request)
        ? { _tag: "Replaced", id: holder.id }
        : { _tag: "Refused", id: request.id, reason: "idConflict" }
    }
    const decision = state.decide(holder, { _tag: "Replace", job }, {}, now)
    if (isRejection(decision)) return duplicate(state, key, now)
    state.commit(holder, decision, now, JobRecord.snapshot(request))
    return { _tag: "Replaced", id: holder.id }
  }
  const decision = state.decide(undefined, { _tag: "Enqueue", job }, {}, now)
  if (isRejection(decision)) throw new Error(`leasehold: a new job was refused as ${decision}`)
  state.insert(JobRecord.snapshot(request), decision, now)
  return { _tag: "Inserted", id: request.id }
}

/** How many jobs of a limited queue the batch would add, told without adding them. */
const additions = (state: State, items: ReadonlyArray<EnqueueItem>, now: number): Map<string, number> => {
  const added = new Map<string, number>()
  const ids = new Set<string>()
  const keys = new Set<string>()
  for (const item of items) {
    if (state.queue(item.queue).policy.maxBacklog === Number.POSITIVE_INFINITY) continue
    if (state.records.has(item.id) || ids.has(item.id)) continue
    if (item.key !== undefined) {
      const key = `${item.queue}\n${item.name}\n${item.key.value}`
      if (keys.has(key) || state.keys.holder(item, now) !== undefined) continue
      keys.add(key)
    }
    ids.add(item.id)
    added.set(item.queue, (added.get(item.queue) ?? 0) + 1)
  }
  return added
}

/**
 * Enqueues a checked batch, all or none.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const enqueue = (
  state: State,
  items: ReadonlyArray<EnqueueItem>,
  now: number
): ReadonlyArray<EnqueueResult> | Full => {
  for (const [name, count] of additions(state, items, now)) {
    const queue = state.queue(name)
    if (queue.waiting + count > queue.policy.maxBacklog) {
      return new Full({
        limit: "maxBacklog",
        detail: `queue ${name} has ${queue.waiting} waiting jobs of at most ${queue.policy.maxBacklog}`
      })
    }
  }
  for (const name of new Set(items.map((item) => item.queue))) state.advance(state.queue(name), now)
  return items.map((item) => enqueueOne(state, item, now))
}
