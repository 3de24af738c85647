/**
 * Open sessions: what each holds, until when, and what its latest calls were answered.
 *
 * @since 0.1.0
 */
import type { JobRecord } from "./JobRecord.ts"

/** Answers that are kept per session. */
const keptAnswers = 64
/** Parked claims that were given up before anything was granted, remembered so that they may be repeated. */
const keptOpenCalls = 1024

/**
 * The answer of a numbered call.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Answer {
  readonly operation: string
  readonly value: unknown
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class SessionState {
  readonly id: string
  readonly leaseDuration: number
  expiresAt: number
  /** Dead to its owner: ended by `reclaim`, with grants that are yet to be taken back. */
  ended = false
  /** Jobs held, by token; cancelled ones until their holder confirms. */
  readonly grants = new Map<number, JobRecord>()
  /** Tokens of held jobs that were cancelled. */
  readonly cancelled = new Set<number>()
  private readonly answers = new Map<number, Answer>()
  /** Numbers that were seen but have no answer yet. */
  private readonly openCalls = new Set<number>()
  private latest = 0

  constructor(id: string, leaseDuration: number, now: number) {
    this.id = id
    this.leaseDuration = leaseDuration
    this.expiresAt = now + leaseDuration
  }

  isExpired(now: number): boolean {
    return this.expiresAt <= now
  }

  /** The answer given before, `"tooOld"` when it is no longer kept, or undefined for a new call. */
  recall(call: number): Answer | "tooOld" | undefined {
    const answer = this.answers.get(call)
    if (answer !== undefined) return answer
    // calls overlap, so a number within the window may well arrive after a greater one
    return call > this.latest - keptAnswers || this.openCalls.has(call) ? undefined : "tooOld"
  }

  /** The call waits for its answer and may be given up and repeated meanwhile, however long it takes. */
  leaveOpen(call: number): void {
    this.latest = Math.max(this.latest, call)
    this.openCalls.add(call)
    if (this.openCalls.size <= keptOpenCalls) return
    for (const oldest of this.openCalls) {
      this.openCalls.delete(oldest)
      return
    }
  }

  remember(call: number, answer: Answer): void {
    this.latest = Math.max(this.latest, call)
    this.openCalls.delete(call)
    this.answers.set(call, answer)
    for (const oldest of this.answers.keys()) {
      if (this.answers.size <= keptAnswers || oldest > this.latest - keptAnswers) return
      this.answers.delete(oldest)
    }
  }
}
