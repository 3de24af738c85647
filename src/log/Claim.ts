/**
 * Claim: what a scheduler asks for, and the grants it gets.
 *
 * @since 0.1.0
 */
import type { TraceContext } from "./Enqueue.ts"
import type { SessionCall } from "./Session.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ClaimRequest extends SessionCall {
  readonly queue: string
  /** At most this many grants. */
  readonly limit: number
  /** Wait inside the log until something is claimable (capability `parkedClaims`; others answer at once). */
  readonly park?: boolean | undefined
  /** Only jobs of these names (capability `nameFilter`). */
  readonly names?: ReadonlyArray<string> | undefined
}

/**
 * One claimed job.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Grant {
  readonly id: string
  readonly queue: string
  readonly name: string
  readonly version: number
  readonly payload: string
  readonly priority: number
  /** 1-based: earlier runs known to have started, plus one. */
  readonly attempt: number
  /** 1-based count of grants. */
  readonly delivery: number
  readonly maxAttempts: number
  readonly generation: number
  readonly enqueuedAt: number
  /** When the job became claimable. */
  readonly readySince: number
  readonly leaseDuration: number | undefined
  readonly timeout: number | undefined
  readonly deadline: number | undefined
  readonly group: string | undefined
  readonly metadata: Readonly<Record<string, string>> | undefined
  readonly trace: TraceContext | undefined
  /** Strictly increasing fencing token. */
  readonly token: bigint
  /** The log's own handle, to be echoed on settle. */
  readonly receipt: string
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ClaimResult {
  /** In claim order. */
  readonly grants: ReadonlyArray<Grant>
  /** Hand to `changes` to wait for anything newer. */
  readonly cursor: string
  /** The next instant worth waking for: the earliest delay, retry or lease expiry. */
  readonly nextAt: number | undefined
  readonly now: number
}
