/**
 * The scheduler: wires dispatchers, workers, settlers and lease supervisors from a job log and the handlers in the
 * environment, and drains them in order at the end.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Dispatcher from "../actors/Dispatcher.ts"
import * as LeaseSupervisor from "../actors/LeaseSupervisor.ts"
import * as MonotonicClock from "../actors/MonotonicClock.ts"
import type { Handler } from "../actors/Protocol.ts"
import * as Settler from "../actors/Settler.ts"
import type { Telemetry } from "../actors/Telemetry.ts"
import * as WorkerPool from "../actors/WorkerPool.ts"
import { JobLog } from "../log/JobLog.ts"
import { type LogError, refused } from "../log/LogError.ts"
import { handlerKeyPrefix } from "./JobDefinition.ts"
import { JobQueue, make as makeQueue } from "./JobQueue.ts"
import * as Metrics from "./Metrics.ts"
import * as MetricsGauges from "./MetricsGauges.ts"
import type { MetricsPortUnavailable } from "./PrometheusServer.ts"
import { unmet } from "./Needs.ts"
import { type ResolvedOptions, resolve, type SchedulerOptions } from "./SchedulerConfig.ts"
import { assertOptions } from "./SchedulerLimits.ts"
import { SchedulerTelemetry } from "./SchedulerTelemetry.ts"

export type { Telemetry } from "../actors/Telemetry.ts"
export type { SchedulerOptions } from "./SchedulerConfig.ts"
export { SchedulerTelemetry } from "./SchedulerTelemetry.ts"

/**
 * A running scheduler.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JobSchedulerOperations {
  /** Names of the queues it works on. */
  readonly queues: ReadonlyArray<string>
  /** Jobs running now, by queue. */
  readonly running: () => Readonly<Record<string, number>>
  /**
   * Stops claiming, waits for running jobs up to the grace period, releases the rest without using up an attempt, and
   * closes the session. It happens by itself when the layer's scope closes; calling it twice is no error.
   */
  readonly drain: Effect.Effect<void>
}

/** Finds the handlers that layers of `Job.toLayer` put into the environment. */
const handlersOf = (context: Context.Context<never>): ReadonlyArray<Handler> => {
  const handlers: Array<Handler> = []
  for (const [key, service] of context.mapUnsafe) {
    // only `Job.toLayer` provides services under this prefix, and they are handlers
    if (key.startsWith(handlerKeyPrefix)) handlers.push(service as Handler)
  }
  return handlers
}

/** Prepares a queue's pool, and the dispatcher that will fill it. */
const prepare = Effect.fnUntraced(function* (
  queue: string,
  handlers: ReadonlyArray<Handler>,
  options: ResolvedOptions,
  supervisor: LeaseSupervisor.LeaseSupervisor,
  settler: Settler.Settler,
  elapsed: MonotonicClock.Elapsed,
  telemetry: Telemetry
) {
  const log = yield* JobLog
  const pool = WorkerPool.make({
    queue,
    concurrency: options.queues[queue]?.concurrency ?? options.concurrency,
    handlers: new Map(handlers.map((handler) => [handler.name, handler])),
    supervisor,
    settler,
    elapsed,
    telemetry,
    timeout: options.timeout,
    abandonAfter: options.abandonAfter
  })
  supervisor.attach(pool)
  yield* MetricsGauges.observe(pool)
  const dispatcher = Dispatcher.run({
    log,
    pool,
    supervisor,
    settler,
    elapsed,
    telemetry,
    maxPrefetch: options.maxPrefetch,
    names: undefined,
    pollInterval: options.pollInterval
  })
  return { queue, pool, dispatcher }
})

/** Each lost lease is worth a line: work is being done twice. */
const warnOfLosses = (context: Context.Context<never>, telemetry: Telemetry): Telemetry => {
  const fork = Effect.runForkWith(context)
  return {
    ...telemetry,
    leaseLost: (queue, lost) => {
      telemetry.leaseLost(queue, lost)
      const more = lost.length > 3 ? ` (and ${lost.length - 3} more)` : ""
      fork(
        Effect.logWarning(
          `${lost
            .slice(0, 3)
            .map((each) => each.message)
            .join("; ")}${more}`
        )
      )
    }
  }
}

/**
 * Starts a scheduler; closing the scope drains it.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = Effect.fnUntraced(function* (
  given: SchedulerOptions
): Effect.fn.Return<
  JobSchedulerOperations,
  LogError | Config.ConfigError | MetricsPortUnavailable,
  JobLog | Scope.Scope
> {
  const options = yield* resolve(given)
  assertOptions(options)
  const log = yield* JobLog
  const context = yield* Effect.context<never>()
  const givenTelemetry = yield* SchedulerTelemetry
  const telemetry = warnOfLosses(context, givenTelemetry ?? Metrics.make(context))
  const handlers = handlersOf(context)
  const elapsed = yield* MonotonicClock.make
  if (handlers.length === 0) {
    yield* Effect.logWarning("this scheduler has no handlers: provide layers of Job.toLayer to run jobs")
  }

  // a queue's lease is the longest that any of its jobs asks for; queues with equal leases share a session
  const byQueue = Map.groupBy(handlers, (handler) => handler.queue)
  const leases = new Map<number, Array<string>>()
  for (const [queue, own] of byQueue) {
    const lease = Math.max(...own.map((handler) => handler.leaseDuration ?? options.leaseDuration))
    leases.set(lease, [...(leases.get(lease) ?? []), queue])
    for (const handler of own) {
      const lacking = unmet(handler, lease, log.capabilities)
      if (lacking !== undefined) return yield* refused("open", lacking)
    }
  }

  const inner = yield* Scope.fork(yield* Effect.scope)
  if (givenTelemetry === undefined && options.metricsInterval > 0 && log.capabilities.inspect) {
    const gauges = MetricsGauges.refreshEvery(log, options.metricsInterval)
    yield* Effect.forkScoped(gauges).pipe(Scope.provide(inner))
  }
  if (options.metricsPort !== undefined) {
    // most processes serve no metrics: they need not load a server
    const { serve } = yield* Effect.promise(() => import("./PrometheusServer.ts"))
    yield* serve(log, { port: options.metricsPort, host: options.metricsHost }).pipe(Scope.provide(inner))
  }
  const prepared: Array<Effect.Success<ReturnType<typeof prepare>>> = []
  const settlers: Array<Settler.Settler> = []
  for (const [leaseDuration, queues] of leases) {
    const supervisor = yield* LeaseSupervisor.make({
      log,
      owner: options.owner,
      leaseDuration,
      elapsed,
      telemetry,
      reclaimInterval: options.reclaimInterval
    }).pipe(Scope.provide(inner))
    const settler = yield* Settler.make({ log, supervisor, elapsed, telemetry }).pipe(Scope.provide(inner))
    settlers.push(settler)
    for (const queue of queues) {
      const own = byQueue.get(queue) ?? []
      prepared.push(
        yield* prepare(queue, own, options, supervisor, settler, elapsed, telemetry).pipe(Scope.provide(inner))
      )
    }
  }

  const dispatchers: Array<Fiber.Fiber<never>> = []
  const drain = yield* Effect.cached(
    Effect.gen(function* () {
      yield* Fiber.interruptAll(dispatchers)
      yield* Effect.forEach(prepared, (each) => each.pool.drain(options.drainGrace), {
        concurrency: "unbounded",
        discard: true
      })
      // a log that answers no more must not hold up the end: its leases run out by themselves
      yield* Effect.forEach(settlers, (settler) => settler.flush, { discard: true }).pipe(Effect.timeoutOption(10_000))
      yield* Scope.close(inner, Exit.void)
    }).pipe(Effect.uninterruptible)
  )
  yield* Effect.addFinalizer(() => drain)
  // nothing is claimed before everything can be drained: a start that fails halfway leaves no job running
  for (const { dispatcher } of prepared) {
    dispatchers.push(yield* Effect.forkScoped(dispatcher).pipe(Scope.provide(inner)))
  }

  return {
    queues: prepared.map((each) => each.queue),
    running: () => Object.fromEntries(prepared.map((each) => [each.queue, each.pool.running()])),
    drain
  }
})

/**
 * The running scheduler.
 *
 * @since 0.1.0
 * @category services
 * @stability unstable
 */
export class JobScheduler extends Context.Service<JobScheduler, JobSchedulerOperations>()(
  "leasehold/scheduler/JobScheduler"
) {
  /**
   * Runs the jobs whose handlers are in the environment, and gives access to their queues.
   */
  static readonly layerWith = (
    options: SchedulerOptions
  ): Layer.Layer<JobScheduler | JobQueue, LogError | Config.ConfigError | MetricsPortUnavailable, JobLog> =>
    Layer.merge(
      Layer.effect(JobScheduler, make(options)),
      Layer.effect(
        JobQueue,
        Effect.map(JobLog, (log) => makeQueue(log))
      )
    )

  /**
   * As `layerWith`, with the defaults and the environment's settings.
   */
  static readonly layer: Layer.Layer<
    JobScheduler | JobQueue,
    LogError | Config.ConfigError | MetricsPortUnavailable,
    JobLog
  > = JobScheduler.layerWith({})
}
