/**
 * The live state of a file log. Every operation is one synchronous step: `begin`, then decide, record and apply, then
 * `finish`, which serves those who wait and ends the frame. Its answer waits until everything decided so far is durable.
 *
 * @since 0.1.0
 */
import { InvalidRequest, SessionDead } from "../../log/LogError.ts"
import { Limits } from "../../model/Limits.ts"
import { noSession } from "./GrantTable.ts"
import type { Journal } from "./journal/Journal.ts"
import type { JobStore } from "./JobStore.ts"
import type { HolderLists } from "./StoredJob.ts"
import { noSlot } from "./JobTable.ts"
import type { LogClock } from "./LogClock.ts"
import { ReadGate } from "./ReadGate.ts"
import { type Outcome, refuse } from "./Outcome.ts"
import { Recorder } from "./Recorder.ts"
import { type CallAnswer, Sessions, type SessionState } from "./Sessions.ts"
import { Waits } from "./Waits.ts"

/** As many as one operation ends, so that retention keeps up. */
const purgesPerStep = Limits.batchItems

/**
 * While the log is recovered: holders are known by their numbers only.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const formerHolders = (epoch: () => number): HolderLists => ({
  nameOf: (session) => `${epoch()}-${session}`,
  link: () => {},
  unlink: () => {},
  cancelled: () => {}
})

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Engine {
  readonly journal: Journal
  readonly store: JobStore
  readonly recorder: Recorder
  readonly sessions: Sessions
  readonly clock: LogClock
  readonly waits = new Waits()
  readonly reads = new ReadGate()
  /** Records that retention may still remove in the present operation: what it writes has to fit beside the rest. */
  purgesLeft: number = purgesPerStep
  /** Called when there may be segments to give up. */
  onGarbage: () => void = () => {}
  /** The disk's reserve is touched: enqueues are refused. */
  diskLow = false

  constructor(journal: Journal, store: JobStore, clock: LogClock) {
    this.journal = journal
    this.store = store
    this.clock = clock
    this.recorder = new Recorder(journal)
    this.sessions = new Sessions(journal.epoch, {
      pin: (claimed) => {
        for (const segment of claimed.segments) store.segments.pin(segment, 1)
      },
      unpin: (claimed) => {
        if (claimed.grants === undefined) for (const segment of claimed.segments) store.segments.pin(segment, -1)
      }
    })
    store.holders = this.#holders()
    const checkpoints = new Recorder(journal)
    journal.onRoll = () => {
      checkpoints.now = store.now
      this.#checkpoint(checkpoints)
      this.onGarbage()
    }
  }

  /** What a segment needs to be the oldest one: the counters, and what is in force of each queue. */
  #checkpoint(recorder: Recorder): void {
    const { store } = this
    recorder.checkpoint(store.nextSequence, store.nextToken)
    for (const queue of store.queues.values()) {
      recorder.queue(queue)
      recorder.cut()
    }
    recorder.close()
  }

  /**
   * Says once more what the last segment should begin with, right after opening: a crash may have left it without, or
   * with a part of it, and it must be able to become the oldest one.
   */
  checkpointAgain(): void {
    const { journal } = this
    if (journal.currentSegment > 0) this.#checkpoint(this.recorder)
  }

  #holders(): HolderLists {
    const { sessions } = this
    const { grants } = this.store
    return {
      nameOf: (number) => sessions.idOf(number),
      link: (number, slot) => {
        const session = sessions.byNumber(number)!
        grants.previous[slot] = noSlot
        grants.next[slot] = session.first
        if (session.first !== noSlot) grants.previous[session.first] = slot
        session.first = slot
        session.held++
      },
      unlink: (number, slot) => {
        const session = sessions.byNumber(number)
        // a holder of a former owner has no list
        if (session === undefined) return
        const previous = grants.previous[slot]!
        const next = grants.next[slot]!
        if (previous === noSlot) session.first = next
        else grants.next[previous] = next
        if (next !== noSlot) grants.previous[next] = previous
        session.held--
        if (session.cancelled.size > 0) session.cancelled.delete(slot)
      },
      cancelled: (number, slot) => {
        sessions.byNumber(number)?.cancelled.add(slot)
      }
    }
  }

  /** Begins an operation and answers the log's time. */
  begin(): number {
    const now = this.clock.now()
    this.purgesLeft = purgesPerStep
    this.store.now = now
    this.recorder.now = now
    return now
  }

  /**
   * A defect stopped an operation half-way: what memory says is no longer what the journal says. Everything is refused
   * until the log is opened again.
   */
  breakDown(error: unknown): void {
    this.defect ??= `defect: ${error instanceof Error ? error.message : String(error)}`
    this.recorder.discard()
  }

  /** Why the log refuses everything, if it does. */
  get failure(): string | undefined {
    return this.defect ?? this.journal.poisoned
  }

  defect: string | undefined = undefined

  /** Ends an operation. */
  finish(): void {
    this.waits.serve(this)
    this.recorder.close()
    this.waits.announce(this)
    if (this.store.segments.takeDead()) this.onGarbage()
  }

  /** Runs one whole operation. A defect in it breaks the engine down, since half of it may have happened. */
  step<A>(act: (engine: Engine) => A): A {
    this.begin()
    try {
      const value = act(this)
      this.finish()
      return value
    } catch (error) {
      this.breakDown(error)
      throw error
    }
  }

  /** The slots that a session holds, as they are now. */
  slotsOf(session: SessionState): Array<number> {
    const slots: Array<number> = []
    const { next } = this.store.grants
    for (let slot = session.first; slot !== noSlot; slot = next[slot]!) slots.push(slot)
    return slots
  }

  /** The session if it has not been marked dead; `strict` also minds its expiry. */
  live(id: string, strict: boolean): SessionState | undefined {
    const session = this.sessions.find(id)
    if (session === undefined || session.dead) return undefined
    return strict && session.expiresAt <= this.store.now ? undefined : session
  }

  /** The kept answer of a session's call, or undefined if the call is new. Refuses calls that were forgotten. */
  repeated<T extends CallAnswer["_tag"]>(
    session: SessionState,
    call: number,
    tag: T
  ): Extract<CallAnswer, { readonly _tag: T }> | InvalidRequest | undefined {
    const answer = session.answer(call)
    if (answer === undefined) {
      return session.isForgotten(call)
        ? new InvalidRequest({ field: "call", detail: `call ${call} is too old: its answer is no longer kept` })
        : undefined
    }
    // the tag was just compared, which the compiler does not follow through the type parameter
    if (answer._tag === tag) return answer as Extract<CallAnswer, { readonly _tag: T }>
    return new InvalidRequest({ field: "call", detail: `call ${call} was a ${answer._tag.toLowerCase()}` })
  }

  /** No effect: the session is dead. */
  dead(session: string): Outcome<never> {
    return refuse(new SessionDead({ session }))
  }

  /** Rows that a former owner's sessions hold. */
  formerGrants(): Array<number> {
    const { table, grants } = this.store
    const rows: Array<number> = []
    for (let row = 0; row < table.extent; row++) {
      const slot = table.chunk(row).slot[table.index(row)]!
      if (table.chunk(row).status[table.index(row)] === 0 || slot === noSlot) continue
      if (grants.session[slot] !== noSession) rows.push(row)
    }
    return rows
  }
}
