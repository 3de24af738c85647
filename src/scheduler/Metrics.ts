/**
 * A scheduler's telemetry as Effect metrics.
 *
 * They live in the metric registry of the fiber that made the scheduler, so a test or a simulation has its own. A
 * series is made once and updated directly: a job costs three updates and no allocation.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type { Telemetry } from "../actors/Telemetry.ts"
import type { SettleItem } from "../log/JobLog.ts"
import type { FailureKind } from "../model/FailureCause.ts"
import { boundaries, catalogue, type MetricName } from "./MetricsCatalogue.ts"

type Attributes = Readonly<Record<string, string>>

/**
 * A counter of the catalogue.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const counter = (name: MetricName, attributes: Attributes): Metric.Counter<number> =>
  Metric.counter(name, { description: catalogue[name].description, attributes, incremental: true })

/**
 * A gauge of the catalogue.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const gauge = (name: MetricName, attributes: Attributes): Metric.Gauge<number> =>
  Metric.gauge(name, { description: catalogue[name].description, attributes })

/**
 * A histogram of the catalogue, in seconds.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const histogram = (
  name: MetricName,
  attributes: Attributes,
  bounds: ReadonlyArray<number>
): Metric.Histogram<number> =>
  Metric.histogram(name, { description: catalogue[name].description, attributes, boundaries: bounds })

/** Makes a value for each key once. */
const memoize = <A>(make: (key: string) => A): ((key: string) => A) => {
  const made = new Map<string, A>()
  return (key) => {
    let value = made.get(key)
    if (value === undefined) {
      value = make(key)
      made.set(key, value)
    }
    return value
  }
}

/** The series of one kind of job. */
const jobSeries = (queue: string, job: string) => {
  const attributes = { queue, job }
  return {
    run: histogram("leasehold_run_seconds", attributes, boundaries.job),
    completed: counter("leasehold_completed_total", attributes),
    failed: memoize((kind) => counter("leasehold_failed_total", { ...attributes, kind })),
    retried: counter("leasehold_retried_total", attributes),
    deadLettered: counter("leasehold_dead_lettered_total", attributes),
    abandoned: counter("leasehold_abandoned_total", attributes)
  }
}

/** The series of one queue. */
const queueSeries = (queue: string) => {
  const attributes = { queue }
  return {
    claimed: counter("leasehold_claimed_total", attributes),
    claim: histogram("leasehold_claim_seconds", attributes, boundaries.claim),
    wait: histogram("leasehold_wait_seconds", attributes, boundaries.job),
    released: memoize((reason) => counter("leasehold_released_total", { ...attributes, reason })),
    refused: memoize((reason) => counter("leasehold_settlements_refused_total", { ...attributes, reason })),
    leasesLost: counter("leasehold_leases_lost_total", attributes),
    job: memoize((job) => jobSeries(queue, job)),
    /** The log's time minus this process's elapsed time, as of the latest claim. */
    logOffset: undefined as number | undefined
  }
}

/** Why a job that never started, or that was stopped, was given back. */
const releaseReason = (item: SettleItem): string => {
  const cause = item.settlement._tag === "Release" ? item.settlement.cause : undefined
  return cause === undefined ? "unstarted" : (cause.kind satisfies FailureKind)
}

/**
 * Telemetry that updates the metrics of the context's registry.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = (context: Context.Context<never>): Telemetry => {
  const queues = memoize(queueSeries)
  const stall = histogram("leasehold_stall_seconds", {}, boundaries.stall)
  const reclaimed = counter("leasehold_reclaimed_total", {})
  const reclaimDeadLettered = counter("leasehold_reclaim_dead_lettered_total", {})

  return {
    claimed: (queue, grants, millis, now, at) => {
      const series = queues(queue)
      series.logOffset = now - at
      series.claimed.updateUnsafe(grants.length, context)
      // a claim may have been parked in the log: it is not late before there is a job
      let readySince = Infinity
      for (const grant of grants) {
        if (grant.readySince < readySince) readySince = grant.readySince
      }
      series.claim.updateUnsafe(Math.max(0, Math.min(millis, now - readySince)) / 1_000, context)
    },
    started: (grant, at) => {
      const series = queues(grant.queue)
      if (series.logOffset === undefined) return
      series.wait.updateUnsafe(Math.max(0, at + series.logOffset - grant.readySince) / 1_000, context)
    },
    settled: (queue, item, state, runMillis, name) => {
      const series = queues(queue)
      const settlement = item.settlement
      if (settlement._tag === "Release") {
        series.released(releaseReason(item)).updateUnsafe(1, context)
        return
      }
      // only a handler of this process settles in another way than by a release, so its names are few
      const job = series.job(name)
      if (runMillis !== undefined) job.run.updateUnsafe(runMillis / 1_000, context)
      if (settlement._tag === "Complete") {
        job.completed.updateUnsafe(1, context)
        return
      }
      job.failed(settlement.cause.kind).updateUnsafe(1, context)
      if (state === "DeadLettered") job.deadLettered.updateUnsafe(1, context)
      else job.retried.updateUnsafe(1, context)
    },
    refused: (queue, reason) => queues(queue).refused(reason).updateUnsafe(1, context),
    leaseLost: (queue, count) => queues(queue).leasesLost.updateUnsafe(count, context),
    reclaimed: (count, deadLettered) => {
      reclaimed.updateUnsafe(count, context)
      reclaimDeadLettered.updateUnsafe(deadLettered, context)
    },
    stalled: (millis) => stall.updateUnsafe(millis / 1_000, context),
    abandoned: (grant) => queues(grant.queue).job(grant.name).abandoned.updateUnsafe(1, context)
  }
}
