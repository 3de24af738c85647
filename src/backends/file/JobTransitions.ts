/**
 * Events on columns: what the model's `apply` says, written back, with all that follows from it.
 *
 * @since 0.1.0
 */
import type { Event } from "../../model/Event.ts"
import type { Job } from "../../model/Job.ts"
import { apply } from "../../model/Transition.ts"
import { noSession } from "./GrantTable.ts"
import type { JobStore } from "./JobStore.ts"
import { Flag, type JobChunk, noSlot, Status, statusNames } from "./JobTable.ts"
import { place, showNext, unplace } from "./Placement.ts"
import type { QueueState } from "./QueueState.ts"

/**
 * The job as the model sees it.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const jobOf = (store: JobStore, row: number): Job => {
  const chunk = store.table.chunk(row)
  const i = store.table.index(row)
  const status = statusNames[chunk.status[i]!]!
  if (status === "Free") throw new Error("leasehold: no job in this row")
  const slot = chunk.slot[i]!
  const session = slot === noSlot ? noSession : store.grants.session[slot]!
  const profile = store.profiles.at(chunk.profile[i]!)
  const flags = chunk.flags[i]!
  return {
    status,
    priority: chunk.priority[i]!,
    visibleAt: chunk.visibleAt[i]!,
    attempts: slot === noSlot ? 0 : store.grants.attempts[slot]!,
    deliveries: slot === noSlot ? 0 : store.grants.deliveries[slot]!,
    generation: slot === noSlot ? 1 : store.grants.generation[slot]!,
    // an earlier grant's token is not kept: any number below the next one says that there was one
    token: session !== noSession ? store.grants.token[slot]! : (flags & Flag.Granted) === 0 ? 0 : 1,
    session: session === noSession ? undefined : store.holders.nameOf(session),
    started: (flags & Flag.Started) !== 0,
    maxAttempts: profile.maxAttempts,
    maxDeliveries: profile.maxDeliveries,
    deadline: (flags & Flag.Deadline) === 0 ? undefined : store.deadlines.get(row),
    finishedAt: slot === noSlot || chunk.status[i]! < Status.Completed ? undefined : store.grants.finishedAt[slot]!,
    cause: (flags & Flag.Cause) === 0 ? undefined : store.causes.get(row)
  }
}

/**
 * Folds any event of the model but `Enqueued`, `Replaced` and `Granted`, which carry more than the model knows.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const applyEvent = (store: JobStore, row: number, event: Event): void => {
  const before = store.job(row)
  const after = apply(before, event)
  if (after === undefined) return store.purge(row)
  const chunk = store.table.chunk(row)
  const i = store.table.index(row)
  const queue = store.queueOf(row)
  if (before.status === "Waiting" && store.scheduling) unplace(store, row)
  if (before.session !== undefined && after.session === undefined) store.endGrant(row, chunk, i)
  const code = statusNames.indexOf(after.status)
  queue.counts[chunk.status[i]!]!--
  queue.counts[code]!++
  chunk.status[i] = code
  if (chunk.priority[i] !== after.priority) chunk.flags[i]! &= ~Flag.InLane
  chunk.priority[i] = after.priority
  chunk.visibleAt[i] = after.visibleAt
  const slot = chunk.slot[i]!
  // a job without a slot was never granted, and no event but a grant or an end changes these of such a job
  if (slot !== noSlot) {
    store.grants.attempts[slot] = after.attempts
    store.grants.deliveries[slot] = after.deliveries
    store.grants.generation[slot] = after.generation
  }
  chunk.flags[i] = after.started ? chunk.flags[i]! | Flag.Started : chunk.flags[i]! & ~Flag.Started
  store.setCause(row, after.cause)
  if (after.deadline === undefined && before.deadline !== undefined) {
    store.deadlines.delete(row)
    chunk.flags[i]! &= ~Flag.Deadline
  }
  standing(store, row, chunk, i, queue, before, after)
}

/** What follows from where the job stood and stands: slot, group, key, retention, its place. */
const standing = (
  store: JobStore,
  row: number,
  chunk: JobChunk,
  i: number,
  queue: QueueState,
  before: Job,
  after: Job
): void => {
  const wasTerminal = before.finishedAt !== undefined
  const isTerminal = after.finishedAt !== undefined
  if (isTerminal) {
    store.grants.finishedAt[store.slotOf(chunk, i, row)] = after.finishedAt
    if (after.status === "Cancelled" && (chunk.flags[i]! & Flag.Key) !== 0) store.keys.free(row)
  }
  if ((chunk.flags[i]! & Flag.Group) !== 0) {
    const wasMember = !wasTerminal || before.session !== undefined
    const isMember = !isTerminal || after.session !== undefined
    if (wasMember && !isMember) store.leaveGroup(row)
    else if (!wasMember && isMember) store.joinGroup(row, store.groups.get(row)!.key)
  }
  if (after.status === "Cancelled" && after.session !== undefined && before.status === "Leased") {
    store.holders.cancelled(store.grants.session[chunk.slot[i]!]!, chunk.slot[i]!)
  }
  if (!store.scheduling) return
  if (after.status === "Waiting") place(store, row)
  // a member that left the line may have stood before one that can run
  if (before.status === "Waiting" && (chunk.flags[i]! & Flag.Group) !== 0) showNext(store, queue, row)
  const settledNow = isTerminal && after.session === undefined && (!wasTerminal || before.session !== undefined)
  if (
    (settledNow && after.status !== "DeadLettered") ||
    (after.status === "Cancelled" && before.status === "DeadLettered")
  ) {
    queue.retained.push(row)
    store.table.mention(row)
  }
  if (isTerminal && !wasTerminal && store.onTerminal !== undefined) store.onTerminal(row)
}
