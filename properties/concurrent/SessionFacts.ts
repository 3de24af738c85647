/**
 * When a session of a history may have been live, and when it may have been dead.
 *
 * All questions are about some moment between two events, `from` and `until`.
 *
 * @since 0.1.0
 */
import type { Call } from "./Facts.ts"
import type { Timeline } from "./Timeline.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface SessionFacts {
  readonly id: string
  /** Its lease may have run out, or its owner have crashed. */
  readonly mayHaveLapsed: (from: number, until: number) => boolean
  /** It may have been unable to act: lapsed or closed. */
  readonly mayBeDead: (from: number, until: number) => boolean
  /** It was closed or crashed for certain. */
  readonly surelyEnded: (from: number) => boolean
  /** It was ended for certain, or its lease had run out for certain, whatever the call `except` has done. */
  readonly surelyDead: (from: number, until: number, except?: number) => boolean
}

/**
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const makeSession = (
  time: Timeline,
  open: Call<"open">,
  all: {
    readonly renews: ReadonlyArray<Call<"renew">>
    readonly closes: ReadonlyArray<Call<"close">>
    readonly crashes: ReadonlyArray<Call<"crash">>
  }
): SessionFacts => {
  if (open.outcome.tag !== "Ok") throw new Error("leasehold: a session that was never opened")
  const { expiresAt, session: id } = open.outcome.value
  const renews = all.renews.filter(({ args }) => args.session === id)
  const closes = all.closes.filter(({ args, outcome }) => args.session === id && outcome.tag !== "Refused")
  const crashes = all.crashes.filter(({ res }) => open.inv < res)

  /** The end of the lease as it was promised until `from`. */
  const surelyUntil = (from: number): number => {
    let until = expiresAt
    for (const { outcome, res } of renews) {
      if (outcome.tag === "Ok" && res <= from) until = Math.max(until, outcome.value.expiresAt)
    }
    return until
  }
  /** The end of the lease if all renewals have happened that may have. */
  const possiblyUntil = (until: number, except: number | undefined): number => {
    let end = expiresAt
    for (const { id: renew, inv, outcome } of renews) {
      if (inv >= until || outcome.tag === "Refused" || renew === except) continue
      end = Math.max(end, outcome.tag === "Ok" ? outcome.value.expiresAt : time.atMost(until) + open.args.lease)
    }
    return end
  }
  /** Ends of renewals, before each of which the lease may have run out. */
  const renewed = renews.flatMap(({ outcome, res }) => (outcome.tag === "Ok" ? [res] : []))
  const mayHaveLapsed = (from: number, until: number): boolean =>
    time.atMost(until) >= surelyUntil(until) ||
    renewed.some((res) => from < res && res <= until && time.atMost(res) >= surelyUntil(res - 1)) ||
    crashes.some(({ inv }) => inv < until)
  const surelyEnded = (from: number): boolean =>
    closes.some(({ res }) => res <= from) || crashes.some(({ res }) => open.res < res && res <= from)
  return {
    id,
    mayHaveLapsed,
    surelyEnded,
    mayBeDead: (from, until) => mayHaveLapsed(from, until) || closes.some(({ inv }) => inv < until),
    surelyDead: (from, until, except) => surelyEnded(from) || time.atLeast(from) >= possiblyUntil(until, except)
  }
}
