/**
 * A scheduler's telemetry as Effect metrics.
 *
 * They live in the metric registry of the fiber that made the scheduler, so a test or a simulation has its own. A job
 * costs three additions and no allocation.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import type { Telemetry } from "../actors/Telemetry.ts"
import type { SettleItem } from "../log/JobLog.ts"
import type { FailureKind } from "../model/FailureCause.ts"
import { counter, histogram } from "./MetricsSeries.ts"

/** Makes a value for each key once. Neighbouring calls mostly ask for the same. */
const memoize = <A>(make: (key: string) => A): ((key: string) => A) => {
  const made = new Map<string, A>()
  let lastKey: string | undefined
  let last: A | undefined
  return (key) => {
    if (key === lastKey && last !== undefined) return last
    const value = made.get(key) ?? make(key)
    made.set(key, value)
    lastKey = key
    last = value
    return value
  }
}

/** The series of one kind of job. */
const jobSeries = (context: Context.Context<never>, queue: string, job: string) => {
  const attributes = { queue, job }
  return {
    run: histogram(context, "leasehold_run_seconds", attributes, "job"),
    completed: counter(context, "leasehold_completed_total", attributes),
    failed: memoize((kind) => counter(context, "leasehold_failed_total", { ...attributes, kind })),
    retried: counter(context, "leasehold_retried_total", attributes),
    deadLettered: counter(context, "leasehold_dead_lettered_total", attributes),
    abandoned: counter(context, "leasehold_abandoned_total", attributes)
  }
}

/** The series of one queue. */
const queueSeries = (context: Context.Context<never>, queue: string) => {
  const attributes = { queue }
  return {
    claimed: counter(context, "leasehold_claimed_total", attributes),
    claim: histogram(context, "leasehold_claim_seconds", attributes, "claim"),
    wait: histogram(context, "leasehold_wait_seconds", attributes, "job"),
    released: memoize((reason) => counter(context, "leasehold_released_total", { ...attributes, reason })),
    refused: memoize((reason) => counter(context, "leasehold_settlements_refused_total", { ...attributes, reason })),
    leasesLost: counter(context, "leasehold_leases_lost_total", attributes),
    job: memoize((job) => jobSeries(context, queue, job)),
    /** The log's time minus this process's elapsed time, as of the latest claim. */
    logOffset: NaN
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
  const queues = memoize((queue) => queueSeries(context, queue))
  const stall = histogram(context, "leasehold_stall_seconds", {}, "stall")
  const reclaimed = counter(context, "leasehold_reclaimed_total", {})
  const reclaimDeadLettered = counter(context, "leasehold_reclaim_dead_lettered_total", {})

  return {
    claimed: (queue, grants, millis, now, at) => {
      const series = queues(queue)
      series.logOffset = now - at
      series.claimed.add(grants.length)
      // a claim may have been parked in the log: it is not late before there is a job
      let readySince = Infinity
      for (const grant of grants) {
        if (grant.readySince < readySince) readySince = grant.readySince
      }
      series.claim.add(Math.max(0, Math.min(millis, now - readySince)) / 1_000)
    },
    started: (grant, at) => {
      const series = queues(grant.queue)
      if (Number.isNaN(series.logOffset)) return
      series.wait.add(Math.max(0, at + series.logOffset - grant.readySince) / 1_000)
    },
    settled: (queue, item, state, runMillis, name) => {
      const series = queues(queue)
      const settlement = item.settlement
      if (settlement._tag === "Release") {
        series.released(releaseReason(item)).add(1)
        return
      }
      // only a handler of this process settles in another way than by a release, so its names are few
      const job = series.job(name)
      if (runMillis !== undefined) job.run.add(runMillis / 1_000)
      if (settlement._tag === "Complete") {
        job.completed.add(1)
        return
      }
      job.failed(settlement.cause.kind).add(1)
      if (state === "DeadLettered") job.deadLettered.add(1)
      else job.retried.add(1)
    },
    refused: (queue, reason) => queues(queue).refused(reason).add(1),
    leaseLost: (queue, lost) => queues(queue).leasesLost.add(lost.length),
    reclaimed: (count, deadLettered) => {
      reclaimed.add(count)
      reclaimDeadLettered.add(deadLettered)
    },
    stalled: (millis) => stall.add(millis / 1_000),
    abandoned: (grant) => queues(grant.queue).job(grant.name).abandoned.add(1)
  }
}
