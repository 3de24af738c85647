/**
 * What the actors report. An implementation turns it into metrics; every call must be cheap and must not fail.
 *
 * @since 0.1.0
 */
import type { Grant, SettleItem } from "../log/JobLog.ts"
import type { LeaseLost } from "./LeaseLost.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Telemetry {
  /** A claim was answered after `millis`, when it was `now` in the log's time and `at` in local elapsed time. */
  readonly claimed: (queue: string, grants: ReadonlyArray<Grant>, millis: number, now: number, at: number) => void
  /** A handler starts, at this local elapsed time. */
  readonly started: (grant: Grant, at: number) => void
  /** A settlement was accepted; `runMillis` is undefined for a job that never started, `name` is the job's. */
  readonly settled: (
    queue: string,
    item: SettleItem,
    state: string,
    runMillis: number | undefined,
    name: string
  ) => void
  /** A settlement was refused. */
  readonly refused: (queue: string, reason: string) => void
  /** Grants were lost with their lease. */
  readonly leaseLost: (queue: string, lost: ReadonlyArray<LeaseLost>) => void
  readonly reclaimed: (reclaimed: number, deadLettered: number) => void
  /** A beat came this many milliseconds late. */
  readonly stalled: (millis: number) => void
  /** A handler ignored its interruption; its slot was given to another. */
  readonly abandoned: (grant: Grant) => void
}

/**
 * Reports to nobody.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const silent: Telemetry = {
  claimed: () => {},
  started: () => {},
  settled: () => {},
  refused: () => {},
  leaseLost: () => {},
  reclaimed: () => {},
  stalled: () => {},
  abandoned: () => {}
}
