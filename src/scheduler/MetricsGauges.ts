/**
 * The metrics that are states, not events: what is in the log, and what this process has in its hands.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import type { JobLogOperations, QueueCounts } from "../log/JobLog.ts"
import type { LogError } from "../log/LogError.ts"
import { catalogue, type MetricName } from "./MetricsCatalogue.ts"

const gauge = (name: MetricName, attributes: Readonly<Record<string, string>>): Metric.Gauge<number> =>
  Metric.gauge(name, { description: catalogue[name].description, attributes })

const states = ["scheduled", "ready", "leased", "completed", "deadLettered", "cancelled"] as const

const set = (counts: QueueCounts, now: number, context: Context.Context<never>): void => {
  const { oldestReadySince, paused, queue } = counts
  for (const state of states) gauge("leasehold_jobs", { queue, state }).updateUnsafe(counts[state], context)
  const lag = oldestReadySince === undefined ? 0 : Math.max(0, now - oldestReadySince)
  gauge("leasehold_oldest_ready_seconds", { queue }).updateUnsafe(lag / 1_000, context)
  gauge("leasehold_queue_paused", { queue }).updateUnsafe(paused ? 1 : 0, context)
}

/**
 * Reads the counts of all queues and sets their gauges. Fails as the log's `read` does.
 *
 * @since 0.1.0
 * @category metrics
 * @stability unstable
 */
export const refresh = (log: JobLogOperations): Effect.Effect<void, LogError> =>
  Effect.contextWith((context: Context.Context<never>) =>
    Effect.map(log.read({ _tag: "Counts" }), (answer) => {
      if (answer._tag !== "Counts") throw new Error("leasehold: the log answered another query")
      for (const counts of answer.queues) set(counts, answer.now, context)
    })
  )

/** A refresh may take one part of so many of the time: where there is much to count, it is counted less often. */
const share = 50

/**
 * Refreshes every `interval` milliseconds, or less often where counting takes long, for ever. A log that cannot be read
 * leaves the gauges as they are.
 *
 * @since 0.1.0
 * @category metrics
 * @stability unstable
 */
export const refreshEvery = (log: JobLogOperations, interval: number): Effect.Effect<never> =>
  refresh(log).pipe(
    Effect.catchCause((cause) => Effect.logDebug("the queues' gauges are not up to date", cause)),
    Effect.timed,
    Effect.flatMap(([took]) => Effect.sleep(Math.max(interval, share * Duration.toMillis(took)))),
    Effect.forever
  )

/** What is observed of a worker pool. */
interface Observed {
  readonly queue: string
  readonly running: () => number
  readonly buffered: () => number
}

/** Pools by registry and queue: several schedulers of a process may work on one queue, and their gauges add up. */
const observed = new WeakMap<Metric.MetricRegistry, Map<string, Set<Observed>>>()

const register = (
  name: MetricName,
  queue: string,
  pools: ReadonlySet<Observed>,
  value: (pool: Observed) => number,
  context: Context.Context<never>
): Metric.Registration =>
  Metric.registerUnsafe(gauge(name, { queue }), context, {
    get: () => {
      let sum = 0
      for (const pool of pools) sum += value(pool)
      return { value: sum }
    },
    update: () => {},
    modify: () => {}
  })

/**
 * Shows a pool's running and waiting jobs until the scope closes. They are read when somebody looks, at no cost to a
 * job.
 *
 * @since 0.1.0
 * @category metrics
 * @stability unstable
 */
export const observe = (pool: Observed): Effect.Effect<void, never, Scope.Scope> =>
  Effect.contextWith((context: Context.Context<Scope.Scope>) =>
    Effect.asVoid(
      Effect.acquireRelease(
        Effect.gen(function* () {
          const registry = yield* Metric.MetricRegistry
          const queues = observed.get(registry) ?? new Map<string, Set<Observed>>()
          observed.set(registry, queues)
          const pools = queues.get(pool.queue) ?? new Set<Observed>()
          queues.set(pool.queue, pools)
          pools.add(pool)
          register("leasehold_running", pool.queue, pools, (each) => each.running(), context)
          register("leasehold_prefetched", pool.queue, pools, (each) => each.buffered(), context)
          return pools
        }),
        // the series stay at zero: a scheduler that ended must not look like one that was never there
        (pools) => Effect.sync(() => pools.delete(pool))
      )
    )
  )
