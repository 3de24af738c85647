/**
 * What a log can do, as one value that users read and the property suite tests.
 *
 * @since 0.1.0
 */
import { Limits } from "../model/Limits.ts"

/**
 * Every "yes" is tested by the property suite, every "no" must be refused with a typed error.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Capabilities {
  /** Name of the log, for messages and reports. */
  readonly log: string
  /** `strict`: a stale settlement is refused without effect. `advisory`: it may be accepted unverified. */
  readonly fence: "strict" | "advisory" | "none"
  /** Fencing tokens increase strictly within this scope. */
  readonly tokenScope: "queue" | "log"
  /** `timed`: a lease runs out. `connection`: it ends with the connection. */
  readonly lease: "timed" | "connection"
  /** Longest lease, milliseconds. */
  readonly maxLease: number
  /** A settlement of an expired session that nobody has reclaimed yet. */
  readonly lateSettle: "accepted" | "refused"
  /** Who makes expired jobs claimable again. */
  readonly reclaim: "log" | "broker"
  /** Order by (priority, enqueue sequence) within a queue: exact, or with a bounded number of inversions. */
  readonly order: "exact" | { readonly inversions: number } | "none"
  /** Number of distinct priorities, 1 for none. */
  readonly priorities: number
  /** FIFO and concurrency per group key. */
  readonly groups: boolean
  /** Longest delay, milliseconds, 0 for none. */
  readonly maxDelay: number
  readonly retryAt: "native" | "republish" | "none"
  /**
   * `job`: the log counts the runs that are known to have started, and `maxAttempts` bounds those. `broker`: all that is
   * counted is deliveries; a grant's `attempt` is its `delivery`, and only `maxDeliveries` bounds a job, since the log
   * cannot tell a run that started from a grant that came back unused.
   */
  readonly attempts: "job" | "broker"
  /**
   * `individual`: grants are settled in any order. `prefix`: only together with all that the session still holds from
   * before in the same queue, by token; a call that leaves one out is refused as `Unsupported` without effect.
   */
  readonly settle: "individual" | "prefix"
  /** Idempotency keys. */
  readonly dedupe: boolean
  /** Scope of one atomic step, which bounds where follow-up jobs may go. */
  readonly atomic: "queue" | "log" | "caller"
  /** Enqueue joins a transaction of the caller. */
  readonly callerTransactions: boolean
  /** Wake-ups are pushed; without it the scheduler polls. */
  readonly notify: boolean
  /** `read` lists and shows jobs. */
  readonly inspect: boolean
  /** Several processes may use the log at once. */
  readonly crossProcess: boolean
  /** What an acknowledged operation survives. */
  readonly durability: "none" | "process" | "powerLoss"
  /** Items in one call. */
  readonly maxBatch: number
  /** Bytes of one payload. */
  readonly maxPayload: number
  /** `claim` can be limited to job names. */
  readonly nameFilter: boolean
  /** An empty claim can wait inside the log for work. */
  readonly parkedClaims: boolean
}

/**
 * The capabilities of a plain log: it keeps the whole contract, and offers nothing that may be left out. Spread it and
 * name what your log offers, so that a capability which a later release adds is denied until you look at it.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const plainCapabilities: Omit<Capabilities, "log"> = {
  fence: "strict",
  tokenScope: "queue",
  lease: "timed",
  maxLease: Limits.leaseMaxMillis,
  lateSettle: "refused",
  reclaim: "log",
  order: "exact",
  priorities: 1,
  groups: false,
  maxDelay: 0,
  retryAt: "native",
  attempts: "job",
  settle: "individual",
  dedupe: false,
  atomic: "queue",
  callerTransactions: false,
  notify: false,
  inspect: false,
  crossProcess: false,
  durability: "none",
  maxBatch: Limits.batchItems,
  maxPayload: Limits.payloadBytes,
  nameFilter: false,
  parkedClaims: false
}
