/**
 * Sessions: open, renew, and what dead ones leave behind.
 *
 * @since 0.1.0
 */

/**
 * An open session: one running scheduler's standing with the log. It holds the lease of everything it claimed.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Session {
  readonly id: string
  readonly leaseDuration: number
  /** The log's time at the answer. */
  readonly now: number
  readonly expiresAt: number
}

/**
 * A mutating call of a session is numbered, so that repeating it after an unknown outcome returns the first answer.
 * Numbers of one session increase by one with each new call.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface SessionCall {
  readonly session: string
  readonly call: number
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface RenewRequest extends SessionCall {
  /** Tokens of runs that have started since the last renewal and still run. */
  readonly started: ReadonlyArray<bigint>
  readonly progress: ReadonlyArray<{ readonly token: bigint; readonly value: string }>
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface RenewResult {
  readonly now: number
  readonly expiresAt: number
  /** Grants of this session that it no longer holds. */
  readonly lost: ReadonlyArray<bigint>
  /** Grants whose job was cancelled: stop, then release to confirm. */
  readonly cancelled: ReadonlyArray<bigint>
  /** Queues in which this session holds grants and that are paused: release what has not started. */
  readonly paused: ReadonlyArray<string>
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ReclaimResult {
  /** Grants taken back from dead sessions. */
  readonly reclaimed: number
  /** Jobs that became dead letters by it, or by their deadline. */
  readonly deadLettered: number
  /** There was more to do than one call may, such as more than its limit: call again. */
  readonly more: boolean
  readonly nextAt: number | undefined
}
