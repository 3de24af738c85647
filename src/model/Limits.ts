/**
 * The limits that every log enforces at its edge. All sizes are bytes of UTF-8.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category limits
 * @stability unstable
 */
export const Limits = {
  /** An encoded payload. */
  payloadBytes: 1024 * 1024,
  /** An encoded result. */
  resultBytes: 1024 * 1024,
  /** A queue's or a job's name. */
  nameBytes: 128,
  /** An idempotency key or a group key. */
  keyBytes: 512,
  /** All metadata of one job, keys and values together. */
  metadataBytes: 8 * 1024,
  /** One progress value. */
  progressBytes: 4 * 1024,
  /** A cause's message; longer ones are cut. */
  causeBytes: 4 * 1024,
  /** Jobs in one enqueue, settlements in one settle, commands in one control. */
  batchItems: 1000,
  /** All payloads, results and metadata of one batch. */
  batchBytes: 8 * 1024 * 1024,
  /** Jobs in one claim. */
  claimItems: 1000,
  /** Jobs in one page of a read. */
  pageItems: 1000,
  /** Priorities are integers from `-priority` to `priority`; lower runs sooner. */
  priority: 1000,
  /** Attempts and deliveries of one job. */
  attempts: 10_000,
  /** Longest delay, back-off, window or retention: ten years, in milliseconds. */
  durationMillis: 10 * 365 * 24 * 3600 * 1000,
  /** Shortest and longest lease, in milliseconds. */
  leaseMinMillis: 50,
  leaseMaxMillis: 12 * 3600 * 1000
} as const

/**
 * Names of queues and jobs: a letter or digit, then letters, digits, `.`, `_`, `:`, `/` or `-`.
 *
 * @since 0.1.0
 * @category limits
 * @stability unstable
 */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/

/**
 * Job ids: a UUID in lower case, made by the client before it sends.
 *
 * @since 0.1.0
 * @category limits
 * @stability unstable
 */
export const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
