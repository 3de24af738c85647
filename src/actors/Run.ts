/**
 * One run: a grant in the hands of a worker, from start to settlement.
 *
 * @since 0.1.0
 */
import type * as Fiber from "effect/Fiber"
import type { EnqueueItem, Grant } from "../log/JobLog.ts"
import type { LeaseSupervisor } from "./LeaseSupervisor.ts"
import type { Elapsed } from "./MonotonicClock.ts"
import type { Epoch, Handler, RunContext, StopReason } from "./Protocol.ts"
import type { Timer } from "./TimerHeap.ts"

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
    return this.stop === "leaseLost" ? 0 : Math.max(0, this.supervisor.trustedUntil() - this.elapsed())
  }

  progress(value: string): void {
    this.latestProgress = value
  }

  followUp(item: EnqueueItem): void {
    this.followUps ??= []
    this.followUps.push(item)
  }
}
