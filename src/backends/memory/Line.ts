/**
 * The waiting jobs of one queue, in claim order.
 *
 * Every job name has a heap of those that may be granted now, by (priority, sequence), so that a claim by name need
 * not step over the others. Of a group only the head stands there, and only while the group has a free permit; its
 * members wait in the group's own line, by sequence. Jobs that are not visible yet wait by their instant.
 *
 * @since 0.1.0
 */
import { Heap } from "./Heap.ts"
import type { JobRecord } from "./JobRecord.ts"

/**
 * The parts of a queue's policy that concern groups.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface GroupPolicy {
  readonly groupConcurrency: number
  readonly groupOnRetry: "block" | "stepAside"
}

interface Group {
  readonly members: Heap<JobRecord>
  /** The head, while it stands in the line. */
  head: JobRecord | undefined
  inFlight: number
}

const byClaimOrder = (a: JobRecord, b: JobRecord): boolean =>
  a.job.priority === b.job.priority ? a.sequence < b.sequence : a.job.priority < b.job.priority
const bySequence = (a: JobRecord, b: JobRecord): boolean => a.sequence < b.sequence
const byVisibleAt = (a: JobRecord, b: JobRecord): boolean => a.job.visibleAt < b.job.visibleAt
const byDeadline = (a: JobRecord, b: JobRecord): boolean => deadlineOf(a) < deadlineOf(b)
const deadlineOf = (record: JobRecord): number => record.job.deadline ?? Number.POSITIVE_INFINITY

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Line {
  policy: GroupPolicy
  private readonly lines = new Map<string, Heap<JobRecord>>()
  private readonly groups = new Map<string, Group>()
  private readonly delayed = new Heap<JobRecord>(byVisibleAt)
  private readonly deadlines = new Heap<JobRecord>(byDeadline)

  constructor(policy: GroupPolicy) {
    this.policy = policy
  }

  /** A job begins to wait. */
  join(record: JobRecord, now: number): void {
    const { job, places } = record
    if (job.deadline !== undefined) places.deadline = this.deadlines.push(record)
    if (job.visibleAt > now) {
      places.delayed = this.delayed.push(record)
      // a job that was granted before keeps its place in its group, which waits for its next attempt
      const blocks = record.item.group !== undefined && job.deliveries > 0 && this.policy.groupOnRetry === "block"
      if (!blocks) return
    }
    this.enter(record, now)
  }

  /** A job stops waiting, or is about to join anew under other terms. */
  leave(record: JobRecord, now: number): void {
    const { places } = record
    if (places.deadline !== undefined) this.deadlines.remove(places.deadline)
    if (places.delayed !== undefined) this.delayed.remove(places.delayed)
    places.deadline = undefined
    places.delayed = undefined
    this.unlist(record)
    const group = this.groupOf(record)
    if (group !== undefined && places.group !== undefined) {
      group.members.remove(places.group)
      places.group = undefined
      this.showHead(record, group, now)
    }
  }

  /** A waiting job is granted: it takes a permit of its group and leaves. */
  grant(record: JobRecord, now: number): void {
    const group = this.groupOf(record)
    if (group !== undefined) group.inFlight += 1
    this.leave(record, now)
  }

  /** A grant's permit is free again. */
  free(record: JobRecord, now: number): void {
    const group = this.groupOf(record)
    if (group === undefined) return
    group.inFlight -= 1
    if (group.inFlight < 0) throw new Error("leasehold: a group's permit was freed twice")
    this.showHead(record, group, now)
  }

  /** Shows the jobs that have become visible; answers whether there were any. */
  advance(now: number): boolean {
    let any = false
    for (let next = this.delayed.peek(); next !== undefined && next.job.visibleAt <= now; next = this.delayed.peek()) {
      any = true
      const { places } = next
      if (places.delayed !== undefined) this.delayed.remove(places.delayed)
      places.delayed = undefined
      this.enter(next, now)
    }
    return any
  }

  /** The first job in claim order, of these names if given. */
  first(names: ReadonlyArray<string> | undefined): JobRecord | undefined {
    let first: JobRecord | undefined
    for (const name of names ?? this.lines.keys()) {
      const candidate = this.lines.get(name)?.peek()
      if (candidate !== undefined && (first === undefined || byClaimOrder(candidate, first))) first = candidate
    }
    return first
  }

  /** The job's group has a free permit and the job is its head, or it has no group. */
  permits(record: JobRecord): boolean {
    const group = this.groupOf(record)
    return group === undefined || (group.members.peek() === record && group.inFlight < this.policy.groupConcurrency)
  }

  /** A waiting job whose deadline has passed. */
  overdue(now: number): JobRecord | undefined {
    const next = this.deadlines.peek()
    return next !== undefined && deadlineOf(next) <= now ? next : undefined
  }

  /** The next instant at which something here becomes visible or passes its deadline. */
  nextAt(): number {
    const visible = this.delayed.peek()?.job.visibleAt ?? Number.POSITIVE_INFINITY
    const next = this.deadlines.peek()
    return next === undefined ? visible : Math.min(visible, deadlineOf(next))
  }

  /** A visible job enters its group's line, and the head of a group or a job without group the queue's. */
  private enter(record: JobRecord, now: number): void {
    const key = record.item.group
    if (key === undefined) {
      this.list(record)
      return
    }
    let group = this.groups.get(key)
    if (group === undefined) {
      group = { members: new Heap<JobRecord>(bySequence), head: undefined, inFlight: 0 }
      this.groups.set(key, group)
    }
    record.places.group ??= group.members.push(record)
    this.showHead(record, group, now)
  }

  /** Puts the group where its head stands; `member` tells the group's key. */
  private showHead(member: JobRecord, group: Group, now: number): void {
    const head = group.members.peek()
    const shown =
      head !== undefined && head.job.visibleAt <= now && group.inFlight < this.policy.groupConcurrency
        ? head
        : undefined
    if (group.head !== shown) {
      if (group.head !== undefined) this.unlist(group.head)
      if (shown !== undefined) this.list(shown)
      group.head = shown
    }
    if (head === undefined && group.inFlight === 0 && member.item.group !== undefined) {
      this.groups.delete(member.item.group)
    }
  }

  private groupOf(record: JobRecord): Group | undefined {
    return record.item.group === undefined ? undefined : this.groups.get(record.item.group)
  }

  private list(record: JobRecord): void {
    let line = this.lines.get(record.item.name)
    if (line === undefined) {
      line = new Heap<JobRecord>(byClaimOrder)
      this.lines.set(record.item.name, line)
    }
    record.places.line = line.push(record)
  }

  private unlist(record: JobRecord): void {
    const node = record.places.line
    if (node === undefined) return
    record.places.line = undefined
    const line = this.lines.get(record.item.name)
    line?.remove(node)
    if (line?.size === 0) this.lines.delete(record.item.name)
  }
}
