/**
 * Every metric of a scheduler in one table: docs/telemetry.md says what an operator does about each, and a test holds
 * the two together.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface MetricDefinition {
  readonly kind: "counter" | "gauge" | "histogram"
  readonly unit: "jobs" | "seconds" | "settlements" | "grants" | "flag"
  /** Every attribute has few values: `job` only ever names jobs that this process has handlers for. */
  readonly attributes: ReadonlyArray<string>
  readonly description: string
}

/**
 * The metrics by name. Durations are seconds and counters end in `_total`, as Prometheus expects.
 *
 * @since 0.1.0
 * @category metrics
 * @stability unstable
 */
export const catalogue = {
  leasehold_jobs: {
    kind: "gauge",
    unit: "jobs",
    attributes: ["queue", "state"],
    description: "Jobs in the log by state"
  },
  leasehold_oldest_ready_seconds: {
    kind: "gauge",
    unit: "seconds",
    attributes: ["queue"],
    description: "How long the oldest ready job has been claimable; 0 when none is"
  },
  leasehold_queue_paused: {
    kind: "gauge",
    unit: "flag",
    attributes: ["queue"],
    description: "1 while the queue is paused"
  },
  leasehold_running: {
    kind: "gauge",
    unit: "jobs",
    attributes: ["queue"],
    description: "Jobs running in this process"
  },
  leasehold_prefetched: {
    kind: "gauge",
    unit: "jobs",
    attributes: ["queue"],
    description: "Jobs that this process has claimed and not started"
  },
  leasehold_claimed_total: {
    kind: "counter",
    unit: "jobs",
    attributes: ["queue"],
    description: "Jobs claimed"
  },
  leasehold_claim_seconds: {
    kind: "histogram",
    unit: "seconds",
    attributes: ["queue"],
    description: "Time from asking for jobs, or from there being one, to holding them"
  },
  leasehold_wait_seconds: {
    kind: "histogram",
    unit: "seconds",
    attributes: ["queue"],
    description: "Time from a job becoming claimable to its handler's start"
  },
  leasehold_run_seconds: {
    kind: "histogram",
    unit: "seconds",
    attributes: ["queue", "job"],
    description: "Time from a handler's start to its settlement being durable"
  },
  leasehold_completed_total: {
    kind: "counter",
    unit: "jobs",
    attributes: ["queue", "job"],
    description: "Jobs completed"
  },
  leasehold_failed_total: {
    kind: "counter",
    unit: "jobs",
    attributes: ["queue", "job", "kind"],
    description: "Attempts that failed"
  },
  leasehold_retried_total: {
    kind: "counter",
    unit: "jobs",
    attributes: ["queue", "job"],
    description: "Failed attempts that are to be repeated"
  },
  leasehold_dead_lettered_total: {
    kind: "counter",
    unit: "jobs",
    attributes: ["queue", "job"],
    description: "Jobs that became dead letters by a settlement"
  },
  leasehold_released_total: {
    kind: "counter",
    unit: "jobs",
    attributes: ["queue", "reason"],
    description: "Jobs given back without using up an attempt"
  },
  leasehold_reclaimed_total: {
    kind: "counter",
    unit: "jobs",
    attributes: [],
    description: "Jobs taken back from dead sessions"
  },
  leasehold_reclaim_dead_lettered_total: {
    kind: "counter",
    unit: "jobs",
    attributes: [],
    description:
      "Jobs that became dead letters while nobody ran them: lost with a session too often, or past their deadline"
  },
  leasehold_settlements_refused_total: {
    kind: "counter",
    unit: "settlements",
    attributes: ["queue", "reason"],
    description: "Settlements that had no effect"
  },
  leasehold_leases_lost_total: {
    kind: "counter",
    unit: "grants",
    attributes: ["queue"],
    description: "Jobs that this process held and lost"
  },
  leasehold_stall_seconds: {
    kind: "histogram",
    unit: "seconds",
    attributes: [],
    description: "How late the lease supervisor's beat came when the event loop stalled"
  },
  leasehold_abandoned_total: {
    kind: "counter",
    unit: "jobs",
    attributes: ["queue", "job"],
    description: "Handlers that ignored their interruption and lost their slot"
  }
} as const satisfies Readonly<Record<string, MetricDefinition>>

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type MetricName = keyof typeof catalogue

/**
 * Upper bounds of the buckets, in seconds.
 *
 * @since 0.1.0
 * @category metrics
 * @stability unstable
 */
export const boundaries = {
  /** Calls of the log: 100 µs to 10 s. */
  claim: [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
  /** What jobs take: 1 ms to an hour. */
  job: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600],
  /** What leases bear: 100 ms to a minute. */
  stall: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
} as const
