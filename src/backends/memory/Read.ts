/**
 * Reading: counts, pages of jobs, one job.
 *
 * @since 0.1.0
 */
import type { JobView, QueueCounts, ReadAnswer, ReadQuery } from "../../log/JobLog.ts"
import { stateAt } from "../../model/Job.ts"
import { readySince, toView } from "./JobRecord.ts"
import type { JobRecord } from "./JobRecord.ts"
import type { QueueState } from "./QueueState.ts"
import type { State } from "./State.ts"

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

const emptyCounts = (name: string, queue: QueueState | undefined): Mutable<QueueCounts> => ({
  queue: name,
  paused: queue?.paused ?? false,
  scheduled: 0,
  ready: 0,
  leased: 0,
  completed: 0,
  deadLettered: 0,
  cancelled: 0,
  oldestReadySince: undefined
})

const add = (counts: Mutable<QueueCounts>, record: JobRecord, now: number): void => {
  switch (stateAt(record.job, now)) {
    case "Scheduled":
      counts.scheduled += 1
      return
    case "Ready":
      counts.ready += 1
      counts.oldestReadySince = Math.min(counts.oldestReadySince ?? Number.POSITIVE_INFINITY, readySince(record))
      return
    case "Leased":
      counts.leased += 1
      return
    case "Completed":
      counts.completed += 1
      return
    case "DeadLettered":
      counts.deadLettered += 1
      return
    case "Cancelled":
      counts.cancelled += 1
  }
}

/** Counts by looking at every job: reading is rare here, and nothing can drift apart. */
const count = (state: State, only: string | undefined, now: number): ReadonlyArray<QueueCounts> => {
  const all = new Map<string, Mutable<QueueCounts>>()
  if (only !== undefined) all.set(only, emptyCounts(only, state.queues.get(only)))
  else {
    for (const queue of state.queues.values()) {
      if (queue.jobs > 0 || queue.paused || queue.configured) all.set(queue.name, emptyCounts(queue.name, queue))
    }
  }
  for (const record of state.records.values()) {
    const counts = all.get(record.item.queue)
    if (counts !== undefined) add(counts, record, now)
  }
  return [...all.values()]
}

const view = (state: State, record: JobRecord, now: number): JobView =>
  toView(record, now, state.queue(record.item.queue).paused, state.keys.holder(record.item, now)?.id)

/**
 * Answers a checked query.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const read = (state: State, query: ReadQuery, now: number): ReadAnswer => {
  for (const queue of state.queues.values()) state.advance(queue, now)
  switch (query._tag) {
    case "Counts":
      return { _tag: "Counts", now, queues: count(state, query.queue, now) }
    case "Job": {
      const record = state.records.get(query.id)
      return { _tag: "Job", now, job: record === undefined ? undefined : view(state, record, now) }
    }
    case "Jobs": {
      const jobs: Array<JobView> = []
      for (const record of state.ledger.after(query.after === undefined ? 0 : Number(query.after))) {
        if (query.queue !== undefined && record.item.queue !== query.queue) continue
        if (query.name !== undefined && record.item.name !== query.name) continue
        if (query.state !== undefined && stateAt(record.job, now) !== query.state) continue
        if (jobs.length === query.limit) return { _tag: "Jobs", now, jobs, next: String(jobs.at(-1)?.sequence) }
        jobs.push(view(state, record, now))
      }
      return { _tag: "Jobs", now, jobs, next: undefined }
    }
  }
}
