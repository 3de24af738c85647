/**
 * Everything the memory log knows, and the one way to change a job: `commit` folds an event into it and then moves
 * it between the structures that follow its state.
 *
 * All of it is synchronous: nothing else runs in between, which is the memory log's only lock.
 *
 * @since 0.1.0
 */
import type { EnqueueItem } from "../../log/JobLog.ts"
import type { Command, CommandContext } from "../../model/Command.ts"
import type { Event } from "../../model/Event.ts"
import type { Job } from "../../model/Job.ts"
import { apply, decide, isRejection } from "../../model/Transition.ts"
import type { Decision, Rejection } from "../../model/Transition.ts"
import * as JobRecord from "./JobRecord.ts"
import { Keys } from "./Keys.ts"
import { Ledger } from "./Ledger.ts"
import { QueueState } from "./QueueState.ts"
import type { FullPolicy } from "./QueueState.ts"
import type { SessionState } from "./Sessions.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class State {
  readonly records = new Map<string, JobRecord.JobRecord>()
  readonly ledger = new Ledger()
  readonly queues = new Map<string, QueueState>()
  /** Open sessions, and dead ones that still hold grants. */
  readonly sessions = new Map<string, SessionState>()
  readonly keys = new Keys()
  /** Called once, when the job of this id is terminal or gone. */
  readonly jobWaiters = new Map<string, Set<() => void>>()
  private readonly policy: FullPolicy
  private sequence = 0
  private token = 0
  private session = 0
  private readonly changedQueues = new Set<QueueState>()
  private readonly endedJobs = new Set<string>()

  constructor(policy: FullPolicy) {
    this.policy = policy
  }

  nextToken(): number {
    return this.token + 1
  }

  nextSession(): string {
    this.session += 1
    return `session-${this.session}`
  }

  /** Ends a session: dead to its owner at once, forgotten when it holds nothing any more. */
  end(session: SessionState): void {
    if (!session.ended) {
      session.ended = true
      // claims of the session that are parked must learn of it
      for (const queue of this.queues.values()) this.announce(queue)
    }
    if (session.grants.size === 0) this.sessions.delete(session.id)
  }

  /** A queue exists from its first mention by a writer on. */
  queue(name: string): QueueState {
    let queue = this.queues.get(name)
    if (queue === undefined) {
      queue = new QueueState(name, this.policy)
      this.queues.set(name, queue)
    }
    return queue
  }

  decide(
    record: JobRecord.JobRecord | undefined,
    command: Command,
    context: Partial<CommandContext>,
    now: number
  ): Decision {
    return decide(record?.job, command, { ...neutral, ...context, now })
  }

  /** Decides a command on a known job and carries it out. */
  act(
    record: JobRecord.JobRecord,
    command: Command,
    context: Partial<CommandContext>,
    now: number
  ): Rejection | undefined {
    const decision = this.decide(record, command, context, now)
    if (isRejection(decision)) return decision
    this.commit(record, decision, now)
    return undefined
  }

  /** Creates a job. */
  insert(item: EnqueueItem, event: Event, now: number): JobRecord.JobRecord {
    this.sequence += 1
    const record = JobRecord.make(item, this.sequence, exists(apply(undefined, event), event), now)
    const queue = this.queue(item.queue)
    this.records.set(record.id, record)
    this.ledger.add(record)
    queue.jobs += 1
    queue.waiting += 1
    queue.line.join(record, now)
    this.keys.follow(record)
    this.announce(queue)
    return record
  }

  /** Folds an event into a job; `item` is the request of a replacement. */
  commit(record: JobRecord.JobRecord, event: Event, now: number, item = record.item): void {
    const queue = this.queue(record.item.queue)
    const before = record.job
    const after = apply(before, event)
    if (after === undefined) return this.remove(record, queue)

    if (before.status === "Waiting") {
      queue.waiting -= 1
      if (after.status === "Leased") queue.line.grant(record, now)
      else queue.line.leave(record, now)
    }
    record.job = after
    record.item = item
    if (after.token > this.token) this.token = after.token
    this.moveGrant(record, before, queue, now)
    if (after.status === "Waiting") {
      queue.waiting += 1
      if (before.status !== "Waiting") record.waitingSince = now
      queue.line.join(record, now)
      this.announce(queue)
    } else if (before.status === "Waiting") {
      // a job that leaves without a grant may have stood before others of its group
      if (after.status !== "Leased" && record.item.group !== undefined) this.announce(queue)
    }
    if ((after.status === "Completed" || after.status === "Cancelled") && after.session === undefined) {
      queue.finished.add(record)
    }
    if (isTerminal(after)) this.endedJobs.add(record.id)
    if (before.status !== after.status) this.keys.follow(record)
  }

  /** Brings a queue up to this instant: delays end, deadlines pass, old records go. */
  advance(queue: QueueState, now: number): void {
    if (queue.line.advance(now)) this.announce(queue)
    for (const record of queue.outdated(now)) this.act(record, { _tag: "Purge" }, {}, now)
  }

  /** Something may have become claimable in the queue. */
  announce(queue: QueueState): void {
    queue.version += 1
    this.changedQueues.add(queue)
  }

  /** Tells those who wait, after the operation is done with the state. */
  notify(): void {
    for (const queue of this.changedQueues) callAll(queue.waiters)
    this.changedQueues.clear()
    for (const id of this.endedJobs) {
      const waiters = this.jobWaiters.get(id)
      this.jobWaiters.delete(id)
      if (waiters !== undefined) callAll(waiters)
    }
    this.endedJobs.clear()
  }

  /** A grant begins or ends with the job's session: its holder, its group's permit and its token go together. */
  private moveGrant(record: JobRecord.JobRecord, before: Job, queue: QueueState, now: number): void {
    const after = record.job
    if (before.session !== undefined && after.session === undefined) {
      const session = this.sessions.get(before.session)
      session?.grants.delete(before.token)
      session?.cancelled.delete(before.token)
      queue.line.free(record, now)
      if (record.item.group !== undefined) this.announce(queue)
      return
    }
    if (after.session === undefined) return
    const session = this.sessions.get(after.session)
    if (before.session === undefined) session?.grants.set(after.token, record)
    if (after.status === "Cancelled") session?.cancelled.add(after.token)
  }

  private remove(record: JobRecord.JobRecord, queue: QueueState): void {
    this.keys.forget(record)
    this.records.delete(record.id)
    this.ledger.remove(record)
    queue.jobs -= 1
    queue.finished.delete(record)
    this.endedJobs.add(record.id)
  }
}

const neutral = { sessionLive: false, paused: false, permit: true, keyFree: true, sameRequest: false }

const isTerminal = (job: Job): boolean =>
  job.status === "Completed" || job.status === "DeadLettered" || job.status === "Cancelled"

const exists = (job: Job | undefined, event: Event): Job => {
  if (job === undefined) throw new Error(`leasehold: ${event._tag} created no job`)
  return job
}

const callAll = (waiters: Set<() => void>): void => {
  const waiting = [...waiters]
  waiters.clear()
  for (const wake of waiting) wake()
}
