/**
 * The sessions of one ownership of the log. They are not stored: the epoch of the next owner ends them all.
 *
 * @since 0.1.0
 */
import type { Grant, RenewResult, SettleResult } from "../../log/JobLog.ts"
import type { Claimed } from "./Claimed.ts"
import { noSlot } from "./JobTable.ts"

/**
 * What a session's call was answered, for its repetition. A claim's grants are built anew.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type CallAnswer =
  | Claimed
  | { readonly _tag: "Settle"; readonly results: ReadonlyArray<SettleResult> }
  | { readonly _tag: "Renew"; readonly result: RenewResult }

/**
 * Keeps the segments that a claim's payloads lie in.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Pins {
  readonly pin: (claimed: Claimed) => void
  readonly unpin: (claimed: Claimed) => void
}

/**
 * Answers kept per session.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const keptAnswers = 64

/** Calls without an answer that are known per session; a scheduler has one per queue. */
const keptOpenCalls = 1024

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class SessionState {
  readonly number: number
  readonly id: string
  readonly leaseDuration: number
  expiresAt: number
  /** Marked dead: closed, or expired and found out by a reclaim. Never undone. */
  dead = false
  /** First slot of the list of its grants. */
  first = noSlot
  held = 0
  /** Slots of its grants whose jobs were cancelled. */
  readonly cancelled = new Set<number>()
  readonly #answers = new Map<number, CallAnswer>()
  /** Numbers of calls that wait, or were given up while they waited. */
  readonly #open = new Set<number>()
  #latestCall = 0

  readonly #pins: Pins

  constructor(number: number, id: string, leaseDuration: number, expiresAt: number, pins: Pins) {
    this.#pins = pins
    this.number = number
    this.id = id
    this.leaseDuration = leaseDuration
    this.expiresAt = expiresAt
  }

  answer(call: number): CallAnswer | undefined {
    return this.#answers.get(call)
  }

  /** Whether a call is so old that its answer is not kept any more. */
  isForgotten(call: number): boolean {
    return call <= this.#latestCall - keptAnswers && !this.#open.has(call)
  }

  /** The call waits, however long, and may be given up and repeated meanwhile: it has had no effect yet. */
  leaveOpen(call: number): void {
    this.#latestCall = Math.max(this.#latestCall, call)
    this.#open.add(call)
    if (this.#open.size <= keptOpenCalls) return
    for (const oldest of this.#open) {
      this.#open.delete(oldest)
      return
    }
  }

  /** Keeps an answer while it is one of the latest given, whatever its number, or of the latest numbers. */
  remember(call: number, answer: CallAnswer): void {
    this.#open.delete(call)
    this.#answers.set(call, answer)
    if (answer._tag === "Claim") this.#pins.pin(answer)
    this.#latestCall = Math.max(this.#latestCall, call)
    let before = this.#answers.size - keptAnswers
    if (before <= 0) return
    // in the order in which they were given
    for (const [old, forgotten] of this.#answers) {
      // a recent number without its answer would look like a new call
      if (old <= this.#latestCall - keptAnswers) {
        this.#answers.delete(old)
        if (forgotten._tag === "Claim") this.#pins.unpin(forgotten)
      }
      if (--before === 0) return
    }
  }

  /** The session is forgotten. */
  forget(): void {
    for (const answer of this.#answers.values()) if (answer._tag === "Claim") this.#pins.unpin(answer)
    this.#answers.clear()
  }

  /** A kept claim takes its grants into memory and lets go of its segments. */
  materialize(claimed: Claimed, grants: ReadonlyArray<Grant>): void {
    if (claimed.grants !== undefined) return
    // it may have been forgotten while the grants were read
    const kept = [...this.#answers.values()].some((answer) => answer === claimed)
    if (kept) this.#pins.unpin(claimed)
    claimed.settleFor(grants)
  }

  /** Kept claims whose payloads lie in the segment. */
  claimsIn(segment: number): ReadonlyArray<Claimed> {
    const claims: Array<Claimed> = []
    for (const answer of this.#answers.values()) {
      if (answer._tag === "Claim" && answer.grants === undefined && answer.segments.includes(segment)) {
        claims.push(answer)
      }
    }
    return claims
  }
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Sessions {
  readonly #epoch: number
  readonly #byId = new Map<string, SessionState>()
  readonly #byNumber = new Map<number, SessionState>()
  #next = 1

  readonly #pins: Pins

  constructor(epoch: number, pins: Pins) {
    this.#epoch = epoch
    this.#pins = pins
  }

  /** The name under which a session of this ownership is known; ids of other ownerships differ by the epoch. */
  idOf(number: number): string {
    return `${this.#epoch}-${number}`
  }

  open(leaseDuration: number, now: number): SessionState {
    const number = this.#next++
    const session = new SessionState(number, this.idOf(number), leaseDuration, now + leaseDuration, this.#pins)
    this.#byId.set(session.id, session)
    this.#byNumber.set(number, session)
    return session
  }

  find(id: string): SessionState | undefined {
    return this.#byId.get(id)
  }

  byNumber(number: number): SessionState | undefined {
    return this.#byNumber.get(number)
  }

  /** Forgets a dead session that holds nothing any more. */
  forget(session: SessionState): void {
    this.#byId.delete(session.id)
    this.#byNumber.delete(session.number)
    session.forget()
  }

  all(): IterableIterator<SessionState> {
    return this.#byId.values()
  }

  /** When the next lease runs out. */
  nextExpiry(): number {
    let next = Number.POSITIVE_INFINITY
    for (const session of this.#byId.values()) if (session.held > 0) next = Math.min(next, session.expiresAt)
    return next
  }
}
