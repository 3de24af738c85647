/**
 * One run: a grant in the hands of a worker, from start to settlement.
 *
 * @since 0.1.0
 */
import type * as Fiber from "effect/Fiber"
import { utf8Length } from "../log/Checks.ts"
import type { EnqueueItem, Grant } from "../log/JobLog.ts"
import { Limits } from "../model/Limits.ts"
import type { LeaseSupervisor } from "./LeaseSupervisor.ts"
import type { Elapsed } from "./MonotonicClock.ts"
import type { Epoch, Handler, RunContext, StopReason } from "./Protocol.ts"
import type { Timer } from "./TimerHeap.ts"

const progressText = (value: string): string =>
  utf8Length(value) <= Limits.progressBytes
    ? value.toWellFormed()
    : `${value.slice(0, Limits.progressBytes / 3 - 1).toWellFormed()}…`

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Run implements RunContext {
  readonly grant: Grant
  readonly epoch: Epoch
  readonly handler: Handler
  /** Local elapsed time. */
  readonly startedAt: number
  private readonly supervisor: LeaseSupervisor
  private readonly elapsed: Elapsed
  fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  timer: Timer | undefined = undefined
  stop: StopReason | undefined = undefined
  latestProgress: string | undefined = undefined
  followUps: Array<EnqueueItem> | undefined = undefined
  /** The log was told that it has started. */
  reported = false
  done = false

  constructor(
    grant: Grant,
    epoch: Epoch,
    handler: Handler,
    startedAt: number,
    supervisor: LeaseSupervisor,
    elapsed: Elapsed
  ) {
    this.grant = grant
    this.epoch = epoch
    this.handler = handler
    this.startedAt = startedAt
    this.supervisor = supervisor
    this.elapsed = elapsed
  }

  remainingLease(): number {
    // a run that was abandoned is done as well, and its job may be another's by now
    return this.done || this.stop === "leaseLost" ? 0 : Math.max(0, this.supervisor.trustedUntil() - this.elapsed())
  }

  progress(value: string): void {
    // one value that the log must refuse would take the whole renewal, and so the session, with it
    this.latestProgress = progressText(value)
  }

  followUp(item: EnqueueItem): void {
    this.followUps ??= []
    this.followUps.push(item)
  }
}
