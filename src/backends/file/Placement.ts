/**
 * Where waiting jobs stand: in the lane of their priority, among the delays, or in their group's line.
 *
 * Nothing is ever taken out of the middle of a lane, a heap or a line. An entry that no longer holds is recognised and
 * dropped when it comes up; until then it keeps its row from being used again.
 *
 * @since 0.1.0
 */
import type { Group } from "./Groups.ts"
import type { JobStore } from "./JobStore.ts"
import { Flag, Status } from "./JobTable.ts"
import type { QueueState } from "./QueueState.ts"

/**
 * Gives a waiting job its place.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const place = (store: JobStore, row: number): void => {
  const { table } = store
  const chunk = table.chunk(row)
  const i = table.index(row)
  const queue = store.profiles.at(chunk.profile[i]!).queue
  const flags = chunk.flags[i]!
  const visibleAt = chunk.visibleAt[i]!
  if (visibleAt > store.now) {
    chunk.flags[i] = flags | Flag.Delayed
    queue.delayed++
    delay(store, queue, row, visibleAt)
    // a job that was granted before keeps its place, so that its group waits for its next attempt
    if ((flags & Flag.Group) !== 0 && store.deliveriesOf(row) > 0 && queue.policy.groupOnRetry === "block") {
      joinLine(store, queue, row)
    }
    return
  }
  if ((flags & Flag.Group) === 0) list(store, queue, row)
  else joinLine(store, queue, row)
}

/**
 * A waiting job is about to leave its place: only what is counted is undone at once.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const unplace = (store: JobStore, row: number): void => {
  const chunk = store.table.chunk(row)
  const i = store.table.index(row)
  const flags = chunk.flags[i]!
  if ((flags & Flag.Delayed) === 0) return
  chunk.flags[i] = flags & ~Flag.Delayed
  store.queueOf(row).delayed--
}

const delay = (store: JobStore, queue: QueueState, row: number, visibleAt: number): void => {
  const { delays } = queue
  const { table } = store
  if (delays.size > 2 * queue.delayed + 1024) {
    delays.retain((key, other) => {
      const chunk = table.chunk(other)
      const i = table.index(other)
      const keep =
        (chunk.flags[i]! & Flag.Delayed) !== 0 && chunk.visibleAt[i] === key && chunk.status[i] === Status.Waiting
      if (!keep) table.unmention(other)
      return keep
    })
  }
  delays.push(visibleAt, row)
  table.mention(row)
}

/** Puts the row into the lane of its priority unless it stands there. */
const list = (store: JobStore, queue: QueueState, row: number): void => {
  store.touched.add(queue)
  putBack(store, queue, row)
}

/**
 * Undoes {@link takeNext}: nothing has become claimable by it.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const putBack = (store: JobStore, queue: QueueState, row: number): void => {
  const chunk = store.table.chunk(row)
  const i = store.table.index(row)
  if ((chunk.flags[i]! & Flag.InLane) !== 0) return
  chunk.flags[i]! |= Flag.InLane
  const lane = queue.lane(chunk.priority[i]!)
  lane.push(chunk.sequence[i]!, row)
  store.table.mention(row)
  if (!lane.active) queue.activate(lane)
}

const joinLine = (store: JobStore, queue: QueueState, row: number): void => {
  const chunk = store.table.chunk(row)
  const i = store.table.index(row)
  const group = store.groups.get(row)!
  if ((chunk.flags[i]! & Flag.InLine) === 0) {
    chunk.flags[i]! |= Flag.InLine
    group.line.push(chunk.sequence[i]!, row)
    store.table.mention(row)
  }
  showHead(store, queue, group)
}

/** The first member that still stands in the line, or -1. */
const headOf = (store: JobStore, queue: QueueState, group: Group): number => {
  const { line } = group
  const { table } = store
  while (line.size > 0) {
    const row = line.topRow
    const chunk = table.chunk(row)
    const i = table.index(row)
    if (chunk.status[i] === Status.Waiting && store.groups.get(row) === group) {
      if ((chunk.flags[i]! & Flag.Delayed) === 0) return row
      if (store.deliveriesOf(row) > 0 && queue.policy.groupOnRetry === "block") return row
    }
    line.pop()
    chunk.flags[i]! &= ~Flag.InLine
    table.unmention(row)
  }
  return -1
}

/** Puts the group's head into its lane if it may run. */
const showHead = (store: JobStore, queue: QueueState, group: Group): void => {
  if (group.held >= queue.policy.groupConcurrency) return
  const head = headOf(store, queue, group)
  if (head === -1) return
  const chunk = store.table.chunk(head)
  if ((chunk.flags[store.table.index(head)]! & Flag.Delayed) === 0) list(store, queue, head)
}

/**
 * Whether the job may be granted as far as its group is concerned.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const permits = (store: JobStore, queue: QueueState, row: number): boolean => {
  const group = store.groups.get(row)!
  return group.held < queue.policy.groupConcurrency && headOf(store, queue, group) === row
}

/**
 * After a member was granted: the next one may have a permit too.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const showNext = (store: JobStore, queue: QueueState, row: number): void =>
  showHead(store, queue, store.groups.get(row)!)

/**
 * A permit of the row's group is free again.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const freePermit = (store: JobStore, row: number): void => {
  const group = store.groups.get(row)!
  group.held--
  if (store.scheduling) showHead(store, store.queueOf(row), group)
}

/**
 * The row goes out of a group: its line must not keep its flag.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const leaveLine = (store: JobStore, queue: QueueState, group: Group, row: number): void => {
  const chunk = store.table.chunk(row)
  const i = store.table.index(row)
  if ((chunk.flags[i]! & Flag.InLine) === 0) return
  chunk.flags[i]! &= ~Flag.InLine
  group.line.retain((_, other) => {
    if (other === row) store.table.unmention(other)
    return other !== row
  })
  showHead(store, queue, group)
}

/**
 * The queue's policy has changed.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const refreshGroups = (store: JobStore, queue: QueueState): void => {
  if (queue.groups.size === 0) return
  if (queue.policy.groupOnRetry === "block") {
    for (let i = 0; i < queue.delays.size; i++) {
      const row = queue.delays.rowAt(i)
      const chunk = store.table.chunk(row)
      const at = store.table.index(row)
      const flags = chunk.flags[at]!
      if (chunk.status[at] !== Status.Waiting || store.deliveriesOf(row) === 0) continue
      if ((flags & Flag.Delayed) !== 0 && (flags & Flag.Group) !== 0) joinLine(store, queue, row)
    }
  }
  for (const group of queue.groups.values()) showHead(store, queue, group)
}

/**
 * Shows the jobs of a queue that have become visible.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const promote = (store: JobStore, queue: QueueState): void => {
  const { delays } = queue
  const { table, now } = store
  while (delays.topKey <= now) {
    const key = delays.topKey
    const row = delays.pop()
    const chunk = table.chunk(row)
    const i = table.index(row)
    if (chunk.status[i] === Status.Waiting && (chunk.flags[i]! & Flag.Delayed) !== 0 && chunk.visibleAt[i] === key) {
      chunk.flags[i]! &= ~Flag.Delayed
      queue.delayed--
      place(store, row)
    }
    table.unmention(row)
  }
}

/**
 * Takes the first claimable job out of its lane, or answers -1. A job of a group has its permit.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const takeNext = (store: JobStore, queue: QueueState): number => {
  const { active } = queue
  const { table } = store
  while (active.length > 0) {
    const lane = active[0]!
    if (lane.size === 0) {
      lane.active = false
      active.shift()
      continue
    }
    const row = lane.pop(store.sequenceOf)
    const chunk = table.chunk(row)
    const i = table.index(row)
    const flags = chunk.flags[i]!
    const current = chunk.status[i] !== Status.Free && chunk.priority[i] === lane.priority
    if (current) chunk.flags[i] = flags & ~Flag.InLane
    const claimable =
      current &&
      chunk.status[i] === Status.Waiting &&
      (flags & Flag.Delayed) === 0 &&
      ((flags & Flag.Group) === 0 || permits(store, queue, row))
    table.unmention(row)
    if (claimable) return row
  }
  return -1
}

/**
 * Gives every recovered job its place.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const takePlaces = (store: JobStore): void => {
  const { table } = store
  store.scheduling = true
  const ended = new Map<QueueState, Array<number>>()
  store.sequences.forEachAfter(0, (row) => {
    const chunk = table.chunk(row)
    const i = table.index(row)
    const status = chunk.status[i]!
    if (status === Status.Waiting) place(store, row)
    if (status <= Status.Leased && (chunk.flags[i]! & Flag.Deadline) !== 0) {
      store.orderDeadline(row, store.deadlines.get(row)!)
    }
    if (status === Status.Completed || (status === Status.Cancelled && store.grants.session[chunk.slot[i]!] === 0)) {
      const queue = store.queueOf(row)
      const rows = ended.get(queue)
      if (rows === undefined) ended.set(queue, [row])
      else rows.push(row)
    }
    return true
  })
  const finishedAt = (row: number): number => store.grants.finishedAt[table.chunk(row).slot[table.index(row)]!]!
  for (const [queue, rows] of ended) {
    rows.sort((a, b) => finishedAt(a) - finishedAt(b))
    for (const row of rows) {
      queue.retained.push(row)
      table.mention(row)
    }
  }
}
