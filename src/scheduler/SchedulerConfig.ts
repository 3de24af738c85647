/**
 * Everything tunable about a scheduler, each with a `LEASEHOLD_` environment name (docs/configuration.md has the table).
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Limits } from "../model/Limits.ts"
import * as Setting from "./Setting.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface SchedulerOptions {
  /** Jobs that run at once in each queue; default 10. */
  readonly concurrency?: number | undefined
  /** The same for single queues. */
  readonly queues?: Readonly<Record<string, { readonly concurrency: number }>> | undefined
  /** Lease of queues whose jobs do not ask for one; default 30 seconds. */
  readonly leaseDuration?: Duration.Input | undefined
  /** Per attempt, where neither job nor enqueue says; default 10 minutes. */
  readonly timeout?: Duration.Input | undefined
  /** Most jobs claimed ahead of free slots; default 2,000. How many are is measured from the handlers' speed. */
  readonly maxPrefetch?: number | undefined
  /** Poll of an empty queue, behind the log's hints; default 1 second. */
  readonly pollInterval?: Duration.Input | undefined
  /** Between looks for dead sessions' jobs; default 5 seconds. */
  readonly reclaimInterval?: Duration.Input | undefined
  /** How long running jobs may go on at shutdown before they are interrupted and released; default 30 seconds. */
  readonly drainGrace?: Duration.Input | undefined
  /** How long an interrupted handler may take to stop before its slot is given away; default 5 seconds. */
  readonly abandonAfter?: Duration.Input | undefined
  /** Shown as the holder of claims; default `pid@host` where known. */
  readonly owner?: string | undefined
  /** Between refreshes of the queues' gauges, 0 for never; default 15 seconds. */
  readonly metricsInterval?: Duration.Input | undefined
  /** Serve Prometheus metrics and health checks on this port, 0 for any free one; default not at all. */
  readonly metricsPort?: number | undefined
  /** Address to serve them on; default 127.0.0.1. */
  readonly metricsHost?: string | undefined
}

/**
 * The options with every choice made. Durations are milliseconds.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ResolvedOptions {
  readonly concurrency: number
  readonly queues: Readonly<Record<string, { readonly concurrency: number }>>
  readonly leaseDuration: number
  readonly timeout: number
  readonly maxPrefetch: number
  readonly pollInterval: number
  readonly reclaimInterval: number
  readonly drainGrace: number
  readonly abandonAfter: number
  readonly owner: string
  readonly metricsInterval: number
  readonly metricsPort: number | undefined
  readonly metricsHost: string
}

/**
 * Reads what the environment sets. Options given in code win over it.
 *
 * @since 0.1.0
 * @category config
 * @stability unstable
 */
export const resolve = (options: SchedulerOptions): Effect.Effect<ResolvedOptions, Config.ConfigError> =>
  Effect.gen(function* () {
    const set = yield* environment
    const either = (given: Duration.Input | undefined, found: Duration.Duration): number =>
      Duration.toMillis(given === undefined ? found : Duration.fromInputUnsafe(given))
    return {
      concurrency: options.concurrency ?? set.concurrency,
      queues: options.queues ?? {},
      leaseDuration: either(options.leaseDuration, set.leaseDuration),
      timeout: either(options.timeout, set.timeout),
      maxPrefetch: options.maxPrefetch ?? set.maxPrefetch,
      pollInterval: either(options.pollInterval, set.pollInterval),
      reclaimInterval: either(options.reclaimInterval, set.reclaimInterval),
      drainGrace: either(options.drainGrace, set.drainGrace),
      abandonAfter: either(options.abandonAfter, set.abandonAfter),
      owner: options.owner ?? set.owner,
      metricsInterval: either(options.metricsInterval, set.metricsInterval),
      metricsPort: options.metricsPort ?? Option.getOrUndefined(set.metricsPort),
      metricsHost: options.metricsHost ?? set.metricsHost
    }
  })

const day = 86_400_000
const hour = 3_600_000

const environment = Config.all({
  concurrency: Setting.integer("LEASEHOLD_CONCURRENCY", 10, 1, 10_000),
  leaseDuration: Setting.duration(
    "LEASEHOLD_LEASE_DURATION",
    "30 seconds",
    Limits.leaseMinMillis,
    Limits.leaseMaxMillis
  ),
  timeout: Setting.duration("LEASEHOLD_TIMEOUT", "10 minutes", 1, Limits.durationMillis),
  maxPrefetch: Setting.integer("LEASEHOLD_MAX_PREFETCH", 2_000, 0, 10_000),
  pollInterval: Setting.duration("LEASEHOLD_POLL_INTERVAL", "1 second", 1, hour),
  reclaimInterval: Setting.duration("LEASEHOLD_RECLAIM_INTERVAL", "5 seconds", 1, hour),
  drainGrace: Setting.duration("LEASEHOLD_DRAIN_GRACE", "30 seconds", 0, day),
  abandonAfter: Setting.duration("LEASEHOLD_ABANDON_AFTER", "5 seconds", 1, hour),
  owner: Setting.text("LEASEHOLD_OWNER", "leasehold", Limits.nameBytes),
  metricsInterval: Setting.duration("LEASEHOLD_METRICS_INTERVAL", "15 seconds", 0, day),
  metricsPort: Setting.optionalInteger("LEASEHOLD_METRICS_PORT", 0, 65_535),
  metricsHost: Setting.text("LEASEHOLD_METRICS_HOST", "127.0.0.1", 255)
})
