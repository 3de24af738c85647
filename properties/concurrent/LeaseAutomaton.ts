/**
 * What a job may do, one step at a time: the automaton that concurrent histories are explained by. It is written from
 * the port's words and shares nothing with the logs or the reference model.
 *
 * Where a history leaves something open, such as the exact instant of a step, the automaton allows what may have been.
 *
 * @since 0.1.0
 */
import type { Shown } from "./History.ts"
import type { Facts } from "./Facts.ts"
import type { EnqueuedJob } from "./History.ts"

/**
 * One step that concerns a job. `optional`: nobody knows whether it happened.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type JobStep = {
  /** Id of the sending that it stems from. */
  readonly source: number
  readonly inv: number
  readonly res: number
  readonly optional: boolean
} & (
  | { readonly kind: "enqueue"; readonly delay: number }
  | {
      readonly kind: "grant"
      readonly session: string
      readonly token: bigint
      readonly delivery: number
      readonly attempt: number
      readonly generation: number
    }
  /** A grant that nobody was told of. */
  | { readonly kind: "hidden"; readonly session: string }
  | { readonly kind: "empty" }
  | {
      readonly kind: "settle"
      readonly session: string
      readonly token: bigint
      readonly how: "Complete" | "Retry" | "Release" | "DeadLetter"
      readonly delay: number
      readonly answer: string | undefined
      /** Accepted by a log that cannot tell whose grant it is. */
      readonly unverified: boolean
    }
  | { readonly kind: "settleRefused"; readonly session: string; readonly token: bigint; readonly reason: string }
  | {
      readonly kind: "started"
      readonly session: string
      readonly token: bigint
      readonly answer: "held" | "lost" | "cancelled" | undefined
    }
  | { readonly kind: "close"; readonly session: string }
  /** All that dead sessions held was taken back. */
  | { readonly kind: "reclaim" }
  | { readonly kind: "cancel" | "redrive" }
  | { readonly kind: "cancelRefused" | "redriveRefused"; readonly reason: string }
  | { readonly kind: "read"; readonly shown: Shown | null }
)

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JobState {
  readonly status: "absent" | "waiting" | "leased" | "completed" | "dead" | "cancelled"
  /** Latest token that anybody was told of. */
  readonly token: bigint
  /** The holder has that token; a hidden grant has another. */
  readonly known: boolean
  /** Holder of the lease; a cancelled job keeps it until the holder confirms. */
  readonly session: string | undefined
  readonly deliveries: number
  readonly attempts: number
  readonly started: boolean
  readonly generation: number
  /** It becomes visible between these instants. */
  readonly low: number
  readonly high: number
}

/**
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const absent: JobState = {
  status: "absent",
  token: 0n,
  known: false,
  session: undefined,
  deliveries: 0,
  attempts: 0,
  started: false,
  generation: 1,
  low: 0,
  high: 0
}

/**
 * A state in words, the same for equal states.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const describe = (state: JobState): string => {
  const counts = `deliveries ${state.deliveries}, attempts ${state.attempts}, generation ${state.generation}`
  const holder =
    state.session === undefined
      ? ""
      : ` by ${state.session}${state.started ? ", started" : ""}, ${state.known ? "" : "un"}known token`
  const visible = state.status === "waiting" ? `, visible at ${state.low}–${state.high}` : ""
  return `${state.status}${holder} after token ${state.token}, ${counts}${visible}`
}

/** The moment of a step lies between these events. */
interface Moment {
  readonly from: number
  readonly until: number
}

/**
 * The automaton of one job in one history.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class LeaseAutomaton {
  private readonly facts: Facts
  private readonly maxAttempts: number
  private readonly maxDeliveries: number

  constructor(facts: Facts, item: Pick<EnqueuedJob, "maxAttempts" | "maxDeliveries">) {
    this.facts = facts
    this.maxAttempts = item.maxAttempts
    this.maxDeliveries = item.maxDeliveries
  }

  /** What becomes of the job when its holder's lease runs out, which nobody may notice; undefined if it cannot have. */
  lapsed(state: JobState, moment: Moment): JobState | undefined {
    if (state.session === undefined) return undefined
    if (this.facts.sessions.get(state.session)?.mayHaveLapsed(moment.from, moment.until) !== true) return undefined
    return this.ended(state, state.started, state.low, state.high)
  }

  /** The state after a step; undefined where the step cannot be. */
  step(state: JobState, step: JobStep, moment: Moment): JobState | undefined {
    switch (step.kind) {
      case "enqueue":
        return state.status === "absent" ? this.waiting(state, moment, step.delay) : undefined
      case "grant":
        return this.grant(state, step, moment)
      case "hidden":
        return this.claimable(state, step.session, moment)
          ? this.leased(state, step.session, undefined, moment)
          : undefined
      case "settle":
        return this.settle(state, step, moment)
      case "started":
        return this.start(state, step)
      case "close":
        return state.session === step.session
          ? this.ended(state, false, this.now(moment).low, this.now(moment).high)
          : state
      case "cancel":
        return state.status === "waiting" || state.status === "leased" || state.status === "dead"
          ? { ...state, status: "cancelled" }
          : undefined
      case "redrive":
        return state.status === "dead"
          ? this.waiting({ ...state, attempts: 0, deliveries: 0, generation: state.generation + 1 }, moment, 0)
          : undefined
      default:
        return this.agrees(state, step, moment) ? state : undefined
    }
  }

  private now({ from, until }: Moment): { readonly low: number; readonly high: number } {
    return { low: this.facts.time.atLeast(from), high: this.facts.time.atMost(until) }
  }

  private waiting(state: JobState, moment: Moment, delay: number): JobState {
    const { high, low } = this.now(moment)
    return { ...state, status: "waiting", session: undefined, started: false, low: low + delay, high: high + delay }
  }

  /** The end of a grant without a result; `counted`: the run is known to have started. */
  private ended(state: JobState, counted: boolean, low: number, high: number): JobState {
    const after = { ...state, session: undefined, known: false, started: false }
    if (state.status === "cancelled") return after
    const attempts = state.attempts + (counted ? 1 : 0)
    const out = (counted && attempts >= this.maxAttempts) || state.deliveries >= this.maxDeliveries
    return out ? { ...after, status: "dead", attempts } : { ...after, status: "waiting", attempts, low, high }
  }

  private claimable(state: JobState, session: string, moment: Moment): boolean {
    if (state.status !== "waiting" || state.low > this.now(moment).high) return false
    return this.facts.sessions.get(session)?.surelyDead(moment.from, moment.until) === false
  }

  private leased(state: JobState, session: string, token: bigint | undefined, moment: Moment): JobState {
    return {
      ...state,
      status: "leased",
      session,
      known: token !== undefined,
      token: token ?? state.token,
      deliveries: state.deliveries + 1,
      started: false,
      // it was visible when it was granted
      high: Math.min(state.high, this.now(moment).high)
    }
  }

  private grant(state: JobState, step: Extract<JobStep, { kind: "grant" }>, moment: Moment): JobState | undefined {
    if (!this.claimable(state, step.session, moment) || step.token <= state.token) return undefined
    if (step.delivery !== state.deliveries + 1 || step.generation !== state.generation) return undefined
    if (!this.counts(state.attempts + 1, step.attempt)) return undefined
    return this.leased(state, step.session, step.token, moment)
  }

  /** Only a log that counts attempts itself can be held to them. */
  private counts(expected: number, shown: number): boolean {
    return this.facts.history.promises.attempts === "broker" || expected === shown
  }

  private holds(state: JobState, session: string, token: bigint): boolean {
    return state.known && state.session === session && state.token === token
  }

  private settle(state: JobState, step: Extract<JobStep, { kind: "settle" }>, moment: Moment): JobState | undefined {
    const anyones = step.unverified && (state.status === "leased" || state.status === "waiting")
    if (!anyones && !this.holds(state, step.session, step.token)) return undefined
    const session = this.facts.sessions.get(step.session)
    const late = this.facts.history.promises.lateSettle === "accepted"
    if (!anyones && (late ? session?.surelyEnded(moment.from) : session?.surelyDead(moment.from, moment.until)))
      return undefined
    const after = this.settled(state, step, moment)
    return after === undefined || step.answer === undefined || this.stands(after, step.answer, moment)
      ? after
      : undefined
  }

  private settled(state: JobState, step: Extract<JobStep, { kind: "settle" }>, moment: Moment): JobState | undefined {
    if (state.status === "cancelled") {
      return step.how === "Release" ? { ...state, session: undefined, known: false, started: false } : undefined
    }
    const { high, low } = this.now(moment)
    const over = { ...state, attempts: state.attempts + 1, session: undefined, known: false, started: false }
    switch (step.how) {
      case "Complete":
        return { ...over, status: "completed" }
      case "DeadLetter":
        return { ...over, status: "dead" }
      case "Retry":
      case "Release":
        return this.ended(state, step.how === "Retry", low + step.delay, high + step.delay)
    }
  }

  private start(state: JobState, step: Extract<JobStep, { kind: "started" }>): JobState | undefined {
    const holds = this.holds(state, step.session, step.token)
    switch (step.answer) {
      case "held":
      case undefined:
        return holds && state.status === "leased" ? { ...state, started: true } : undefined
      case "cancelled":
        return holds && state.status === "cancelled" ? state : undefined
      case "lost":
        return holds ? undefined : state
    }
  }

  /** Whether the job may be said to stand there. */
  private stands(state: JobState, told: string, moment: Moment): boolean {
    const { high, low } = this.now(moment)
    switch (state.status) {
      case "waiting":
        return (told === "Ready" && state.low <= high) || (told === "Scheduled" && state.high > low)
      case "leased":
        return told === "Leased"
      case "completed":
        return told === "Completed"
      case "dead":
        return told === "DeadLettered"
      case "cancelled":
        return told === "Cancelled"
      case "absent":
        return false
    }
  }

  /** Whether what was seen may have been seen in this state. */
  private agrees(state: JobState, step: JobStep, moment: Moment): boolean {
    switch (step.kind) {
      case "empty":
        return !(state.status === "waiting" && state.high <= this.now(moment).low)
      case "reclaim":
        return (
          state.status !== "leased" ||
          state.session === undefined ||
          this.facts.sessions.get(state.session)?.surelyDead(moment.from, moment.until) !== true
        )
      case "settleRefused": {
        const holds = this.holds(state, step.session, step.token)
        if (step.reason === "completed") return state.status === "completed"
        if (step.reason === "cancelled") return state.status === "cancelled"
        return step.reason === "stale" && !holds
      }
      case "cancelRefused":
      case "redriveRefused":
        switch (step.reason) {
          case "unknownJob":
            return state.status === "absent"
          case "completed":
          case "cancelled":
            return state.status === step.reason
          case "notDeadLettered":
            return step.kind === "redriveRefused" && (state.status === "waiting" || state.status === "leased")
          default:
            return false
        }
      case "read": {
        const { shown } = step
        if (shown === null) return state.status === "absent"
        return (
          this.stands(state, shown.state, moment) &&
          shown.deliveries === state.deliveries &&
          shown.generation === state.generation &&
          this.counts(state.attempts, shown.attempts) &&
          (shown.state !== "Leased" || !state.known || shown.token === undefined || BigInt(shown.token) === state.token)
        )
      }
      default:
        return false
    }
  }
}
