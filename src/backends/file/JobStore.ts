/**
 * The state of a file log: what `apply` of the model says, on columns.
 *
 * The same methods serve the live log and its recovery; only while `scheduling` do jobs also take their places in
 * lanes, groups' lines and delays (see `Placement.ts`), which recovery builds once at its end.
 *
 * @since 0.1.0
 */
import type { Event } from "../../model/Event.ts"
import type { FailureCause } from "../../model/FailureCause.ts"
import type { Job } from "../../model/Job.ts"
import { applyEvent, jobOf } from "./JobTransitions.ts"
import type { HolderLists, Insertion, Location, RestoredState } from "./StoredJob.ts"
import { GrantTable, noSession } from "./GrantTable.ts"
import { Group } from "./Groups.ts"
import { IdIndex } from "./IdIndex.ts"
import { Flag, type JobChunk, JobTable, noSlot, Status } from "./JobTable.ts"
import { forgetNotes, setCause, setProgress, setResult } from "./JobNotes.ts"
import { Keys, type OwnKey, type Tombstone } from "./Keys.ts"
import { freePermit, leaveLine, place, unplace } from "./Placement.ts"
import { type Profile, Profiles } from "./Profiles.ts"
import { QueueState } from "./QueueState.ts"
import { RowHeap } from "./RowHeap.ts"
import { SegmentUse } from "./SegmentUse.ts"
import { SequenceIndex } from "./SequenceIndex.ts"
import { TouchedQueues } from "./TouchedQueues.ts"

/** Stored beside a request: what a segment spends on it in its frame. */
const recordOverhead = 24

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class JobStore {
  readonly table = new JobTable()
  readonly ids = new IdIndex(this.table)
  readonly sequences = new SequenceIndex()
  readonly grants = new GrantTable()
  readonly keys = new Keys()
  readonly segments = new SegmentUse()
  readonly queues = new Map<string, QueueState>()
  readonly profiles = new Profiles((name) => this.queue(name))
  readonly groups = new Map<number, Group>()
  readonly deadlines = new Map<number, number>()
  readonly causes = new Map<number, FailureCause>()
  readonly results = new Map<number, Location>()
  readonly progress = new Map<number, string>()
  /** Deadlines of jobs; some entries are outdated. */
  readonly deadlineOrder = new RowHeap()
  /** Queues in which something may have become claimable during the present operation. */
  readonly touched = new TouchedQueues()
  /** Told of every job that became terminal. */
  onTerminal: ((row: number) => void) | undefined
  holders: HolderLists
  nextSequence = 1
  nextToken = 1
  /** Log time of the present operation. */
  now = 0
  scheduling = false
  /** Some queue has a bounded backlog. */
  bounded = false

  constructor(holders: HolderLists) {
    this.holders = holders
  }

  queue(name: string): QueueState {
    let queue = this.queues.get(name)
    if (queue === undefined) {
      queue = new QueueState(name)
      this.queues.set(name, queue)
    }
    return queue
  }

  queueOf(row: number): QueueState {
    return this.profileOf(row).queue
  }

  profileOf(row: number): Profile {
    return this.profiles.at(this.table.chunk(row).profile[this.table.index(row)]!)
  }

  /** Grants of the job in its present generation. */
  deliveriesOf(row: number): number {
    const slot = this.table.chunk(row).slot[this.table.index(row)]!
    return slot === noSlot ? 0 : this.grants.deliveries[slot]!
  }

  sequenceOf = (row: number): number => this.table.chunk(row).sequence[this.table.index(row)]!

  /** Stores a new job with the next sequence; the four words of its id begin at `words[at]`. */
  insert(words: Int32Array, at: number, job: Insertion, segment: number, offset: number, length: number): number {
    const row = this.table.allocate()
    const chunk = this.table.chunk(row)
    const i = this.table.index(row)
    const id = chunk.id
    id[i * 4] = words[at]!
    id[i * 4 + 1] = words[at + 1]!
    id[i * 4 + 2] = words[at + 2]!
    id[i * 4 + 3] = words[at + 3]!
    const sequence = this.nextSequence++
    chunk.sequence[i] = sequence
    this.ids.add(row)
    this.sequences.set(sequence, row)
    job.profile.queue.counts[Status.Waiting]!++
    this.#describe(row, chunk, i, job, segment, offset, length)
    if (this.scheduling) place(this, row)
    return row
  }

  /** Brings back a job that was carried forward. Not while `scheduling`. */
  restore(words: Int32Array, sequence: number, job: Insertion, state: RestoredState, location: Location): number {
    const next = this.nextSequence
    this.nextSequence = sequence
    const row = this.insert(words, 0, job, location.segment, location.offset, location.length)
    this.nextSequence = next
    const chunk = this.table.chunk(row)
    const i = this.table.index(row)
    const counts = job.profile.queue.counts
    counts[Status.Waiting]!--
    counts[state.status]!++
    chunk.status[i] = state.status
    if (state.started) chunk.flags[i]! |= Flag.Started
    if (state.granted) chunk.flags[i]! |= Flag.Granted
    this.setCause(row, state.cause)
    if (state.granted || state.generation > 1 || state.status >= Status.Completed) {
      const slot = this.slotOf(chunk, i, row)
      this.grants.attempts[slot] = state.attempts
      this.grants.deliveries[slot] = state.deliveries
      this.grants.generation[slot] = state.generation
      this.grants.finishedAt[slot] = state.finishedAt
      if (state.holder !== noSession) this.#hold(row, slot, state.holder, state.token)
    }
    if ((chunk.flags[i]! & Flag.Group) !== 0 && state.status >= Status.Completed && state.holder === noSession) {
      this.leaveGroup(row)
    }
    return row
  }

  restoreKey(row: number, key: OwnKey, holds: boolean): void {
    this.table.chunk(row).flags[this.table.index(row)]! |= Flag.Key
    if (!holds) return this.keys.know(row, key)
    const known = this.keys.holder(key.scoped)
    if (typeof known === "object") this.segments.remove(known.segment, tombstoneBytes(known))
    this.keys.hold(row, key)
  }

  /** A key outlives the record of its job. */
  bury(tombstone: Tombstone): void {
    const known = this.keys.holder(tombstone.scoped)
    if (typeof known === "object") this.segments.remove(known.segment, tombstoneBytes(known))
    this.keys.bury(tombstone)
    this.segments.add(tombstone.segment, tombstoneBytes(tombstone))
  }

  /** A key is free again. */
  unbury(tombstone: Tombstone): void {
    this.keys.unbury(tombstone)
    this.segments.remove(tombstone.segment, tombstoneBytes(tombstone))
  }

  /** Fills in what a request says about a job, new or replaced. */
  #describe(
    row: number,
    chunk: JobChunk,
    i: number,
    job: Insertion,
    segment: number,
    offset: number,
    length: number
  ): void {
    chunk.profile[i] = job.profile.index
    chunk.priority[i] = job.priority
    chunk.visibleAt[i] = job.visibleAt
    this.profiles.join(job.profile)
    this.locate(row, segment, offset, length)
    if (job.deadline !== undefined) this.setDeadline(row, job.deadline)
    if (job.group !== undefined) this.joinGroup(row, job.group)
    if (job.key !== undefined) {
      this.restoreKey(row, job.key, true)
    }
  }

  /** Says where the job's request is stored from now on. */
  locate(row: number, segment: number, offset: number, length: number): void {
    const chunk = this.table.chunk(row)
    const i = this.table.index(row)
    chunk.segment[i] = segment
    chunk.offset[i] = offset
    chunk.length[i] = length
    this.segments.add(segment, length + recordOverhead)
  }

  unlocate(row: number): void {
    const chunk = this.table.chunk(row)
    const i = this.table.index(row)
    this.segments.remove(chunk.segment[i]!, chunk.length[i]! + recordOverhead)
  }

  setDeadline(row: number, deadline: number): void {
    this.table.chunk(row).flags[this.table.index(row)]! |= Flag.Deadline
    this.deadlines.set(row, deadline)
    if (this.scheduling) this.orderDeadline(row, deadline)
  }

  orderDeadline(row: number, deadline: number): void {
    const order = this.deadlineOrder
    if (order.size > 2 * this.deadlines.size + 1024) {
      order.retain((key, other) => {
        const keep = this.deadlines.get(other) === key
        if (!keep) this.table.unmention(other)
        return keep
      })
    }
    order.push(deadline, row)
    this.table.mention(row)
  }

  joinGroup(row: number, key: string): void {
    const queue = this.queueOf(row)
    let group = queue.groups.get(key)
    if (group === undefined) {
      group = new Group(key)
      queue.groups.set(key, group)
    }
    group.members++
    this.groups.set(row, group)
    this.table.chunk(row).flags[this.table.index(row)]! |= Flag.Group
  }

  /** The job does not count among its group's members any more; it still knows its group's name. */
  leaveGroup(row: number): void {
    const group = this.groups.get(row)!
    if (--group.members > 0) return
    const queue = this.queueOf(row)
    if (queue.groups.get(group.key) === group) queue.groups.delete(group.key)
  }

  /** Another request takes the place of a job that was never granted. */
  replace(row: number, job: Insertion, segment: number, offset: number, length: number): void {
    const chunk = this.table.chunk(row)
    const i = this.table.index(row)
    if (this.scheduling) unplace(this, row)
    this.unlocate(row)
    this.profiles.leave(this.profileOf(row))
    if ((chunk.flags[i]! & Flag.Group) !== 0) {
      const queue = this.queueOf(row)
      const group = this.groups.get(row)!
      this.leaveGroup(row)
      leaveLine(this, queue, group, row)
      this.groups.delete(row)
    }
    this.deadlines.delete(row)
    this.setCause(row, undefined)
    if (job.priority !== chunk.priority[i]) chunk.flags[i]! &= ~Flag.InLane
    chunk.flags[i]! &= ~(Flag.Group | Flag.Deadline | Flag.Cause)
    this.grants.generation[this.slotOf(chunk, i, row)]!++
    this.#describe(row, chunk, i, job, segment, offset, length)
    if (this.scheduling) place(this, row)
  }

  /** Hands a waiting job to a session under the next token; it has left its place already. Answers its slot. */
  grant(row: number, session: number): number {
    const chunk = this.table.chunk(row)
    const i = this.table.index(row)
    const grants = this.grants
    if (chunk.status[i] !== Status.Waiting) throw new Error("leasehold: granted a job that is not waiting")
    const counts = this.profiles.at(chunk.profile[i]!).queue.counts
    counts[Status.Waiting]!--
    counts[Status.Leased]!++
    chunk.status[i] = Status.Leased
    const flags = chunk.flags[i]!
    chunk.flags[i] = (flags & ~Flag.Started) | Flag.Granted
    const slot = this.slotOf(chunk, i, row)
    grants.deliveries[slot]!++
    this.#hold(row, slot, session, this.nextToken++)
    return slot
  }

  /** The row's slot, made if it has none yet. */
  slotOf(chunk: JobChunk, i: number, row: number): number {
    let slot = chunk.slot[i]!
    if (slot === noSlot) {
      slot = this.grants.allocate(row)
      chunk.slot[i] = slot
    }
    return slot
  }

  #hold(row: number, slot: number, session: number, token: number): void {
    const grants = this.grants
    grants.token[slot] = token
    grants.session[slot] = session
    grants.indexToken(slot)
    this.holders.link(session, slot)
    if ((this.table.chunk(row).flags[this.table.index(row)]! & Flag.Group) !== 0) this.groups.get(row)!.held++
  }

  /** The grant in force ends: session, token and permit are free; the slot stays. */
  endGrant(row: number, chunk: JobChunk, i: number): number {
    const slot = chunk.slot[i]!
    const grants = this.grants
    this.holders.unlink(grants.session[slot]!, slot)
    grants.session[slot] = noSession
    grants.unindexToken(slot)
    grants.id[slot] = undefined
    chunk.flags[i]! &= ~Flag.Started
    if ((chunk.flags[i]! & Flag.Group) !== 0) freePermit(this, row)
    return slot
  }

  /** As the event `Completed`, without the detour: most jobs end so. */
  complete(row: number, at: number): void {
    const chunk = this.table.chunk(row)
    const i = this.table.index(row)
    if (chunk.status[i] !== Status.Leased) throw new Error("leasehold: completed a job that is not leased")
    const slot = this.endGrant(row, chunk, i)
    const queue = this.profiles.at(chunk.profile[i]!).queue
    queue.counts[Status.Leased]!--
    queue.counts[Status.Completed]!++
    chunk.status[i] = Status.Completed
    this.grants.attempts[slot]!++
    this.grants.finishedAt[slot] = at
    const flags = chunk.flags[i]!
    if ((flags & (Flag.Cause | Flag.Progress | Flag.Group)) !== 0) {
      this.setCause(row, undefined)
      if ((flags & Flag.Group) !== 0) this.leaveGroup(row)
    }
    if (this.scheduling) this.#retain(row, queue)
  }

  #retain(row: number, queue: QueueState): void {
    queue.retained.push(row)
    this.table.mention(row)
    if (this.onTerminal !== undefined) this.onTerminal(row)
  }

  setCause(row: number, cause: FailureCause | undefined): void {
    setCause(this, row, cause)
  }

  setResult(row: number, location: Location): void {
    setResult(this, row, location)
  }

  setProgress(row: number, value: string): void {
    setProgress(this, row, value)
  }

  /** The job as the model sees it. */
  job(row: number): Job {
    return jobOf(this, row)
  }

  /** Any event of the model but `Enqueued`, `Replaced` and `Granted`, which carry more than the model knows. */
  transition(row: number, event: Event): void {
    applyEvent(this, row, event)
  }

  /** The job's record goes. */
  purge(row: number): void {
    const chunk = this.table.chunk(row)
    const i = this.table.index(row)
    const status = chunk.status[i]!
    if (status < Status.Completed) throw new Error("leasehold: purged a job that is not terminal")
    const profile = this.profiles.at(chunk.profile[i]!)
    profile.queue.counts[status]!--
    this.ids.delete(row)
    this.sequences.delete(chunk.sequence[i]!)
    this.unlocate(row)
    this.profiles.leave(profile)
    this.grants.free(chunk.slot[i]!)
    const flags = chunk.flags[i]!
    if (flags >= Flag.Key) {
      if ((flags & Flag.Key) !== 0) this.keys.forget(row)
      this.groups.delete(row)
      this.deadlines.delete(row)
      forgetNotes(this, row)
    }
    this.table.free(row)
  }
}

const tombstoneBytes = (tombstone: Tombstone): number => tombstone.scoped.length + 60
