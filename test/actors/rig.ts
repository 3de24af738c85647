/** All actors around a memory log that can be made to fail, under the test's clock, with handlers as plain effects. */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Dispatcher from "../../src/actors/Dispatcher.ts"
import * as LeaseSupervisor from "../../src/actors/LeaseSupervisor.ts"
import * as MonotonicClock from "../../src/actors/MonotonicClock.ts"
import type { FailureReport, Handler, RunContext } from "../../src/actors/Protocol.ts"
import * as Settler from "../../src/actors/Settler.ts"
import type { Telemetry } from "../../src/actors/Telemetry.ts"
import type { Timer } from "../../src/actors/TimerHeap.ts"
import * as WorkerPool from "../../src/actors/WorkerPool.ts"
import * as MemoryLog from "../../src/backends/memory/MemoryLog.ts"
import type { EnqueueItem, Grant, JobView, QueueCounts, Settlement } from "../../src/log/JobLog.ts"
import type { LogError } from "../../src/log/LogError.ts"
import * as FaultyLog from "../support/FaultyLog.ts"

export const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`

export const item = (n: number, options?: Partial<EnqueueItem>): EnqueueItem => ({
  id: id(n),
  queue: "q",
  name: "job",
  version: 1,
  payload: `${n}`,
  ...options
})

export const complete: Settlement = { _tag: "Complete" }

/** Quiet: failures are provoked here, and their warnings are not the test's output. */
export const quiet = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(effect, References.MinimumLogLevel, "None")

/** What happened, in order, as short texts. */
export interface Recorder extends Telemetry {
  readonly events: Array<string>
  readonly count: (prefix: string) => number
  claims: number
}

export const recorder = (): Recorder => {
  const events: Array<string> = []
  return {
    events,
    count: (prefix) => events.filter((event) => event.startsWith(prefix)).length,
    claims: 0,
    claimed(_queue, grants) {
      this.claims++
      for (const grant of grants) events.push(`claimed ${Number(grant.payload)}`)
    },
    started: (grant) => void events.push(`started ${Number(grant.payload)}`),
    settled: (_queue, { id: of, settlement }, state) =>
      void events.push(`settled ${Number(of.slice(-12))} ${settlement._tag} ${state}`),
    refused: (_queue, reason) => void events.push(`refused ${reason}`),
    leaseLost: (_queue, lost) => void events.push(`lost ${lost.length}`),
    reclaimed: (reclaimed) => void events.push(`reclaimed ${reclaimed}`),
    stalled: (millis) => void events.push(`stalled ${millis}`),
    abandoned: (grant) => void events.push(`abandoned ${Number(grant.payload)}`)
  }
}

export type Run = (context: RunContext) => Effect.Effect<Settlement, never, never>

export interface RigOptions {
  readonly concurrency?: number
  readonly leaseDuration?: number
  readonly timeout?: number
  readonly abandonAfter?: number
  readonly maxPrefetch?: number
  readonly version?: number
  readonly handlers?: ReadonlyMap<string, Handler>
  readonly onFailure?: (grant: Grant, report: FailureReport) => Settlement
  /** Without one, the test assigns grants itself. */
  readonly dispatch?: boolean
  /** Milliseconds that the clocks show beyond the test's clock: a blocked event loop advances it. */
  readonly blocked?: { millis: number }
  readonly over?: FaultyLog.FaultyLog
}

export interface Rig {
  readonly faulty: FaultyLog.FaultyLog
  readonly supervisor: LeaseSupervisor.LeaseSupervisor
  readonly settler: Settler.Settler
  readonly pool: WorkerPool.WorkerPool
  /** All timers that the pool ever set. */
  readonly timers: ReadonlyArray<Timer>
  readonly telemetry: Recorder
  readonly enqueue: (...items: ReadonlyArray<EnqueueItem>) => Effect.Effect<unknown, LogError>
  readonly view: (n: number) => Effect.Effect<JobView, LogError>
  readonly counts: Effect.Effect<QueueCounts, LogError>
  /** Claims and assigns by hand. */
  readonly take: (limit: number) => Effect.Effect<ReadonlyArray<Grant>, LogError>
  readonly dispatcher: Fiber.Fiber<never> | undefined
  /** Closes what a scheduler closes, in its order. */
  readonly stop: Effect.Effect<void>
}

export const handlerOf = (
  run: Run,
  context: Context.Context<never>,
  options?: {
    readonly name?: string
    readonly version?: number | undefined
    readonly onFailure?: ((grant: Grant, report: FailureReport) => Settlement) | undefined
  }
): Handler => {
  const fork = Effect.runForkWith(context)
  return {
    name: options?.name ?? "job",
    version: options?.version ?? 1,
    queue: "q",
    leaseDuration: undefined,
    timeout: undefined,
    needs: { groups: false, keys: false, priorities: false },
    start: (runContext) => fork(run(runContext)),
    // the runs of these tests succeed with settlements and nothing else
    conclude: (_run, exit) => (Exit.isSuccess(exit) ? (exit.value as Settlement) : undefined),
    onFailure: (grant, report) =>
      fork(
        Effect.succeed<Settlement>(
          options?.onFailure?.(grant, report) ?? {
            _tag: "Retry",
            delay: 1_000,
            cause: { kind: report.kind, message: report.message }
          }
        )
      )
  }
}

export const rig = Effect.fnUntraced(function* (
  run: Run,
  options: RigOptions = {}
): Effect.fn.Return<Rig, LogError, Scope.Scope> {
  const faulty = options.over ?? FaultyLog.make(yield* MemoryLog.make())
  const { log } = faulty
  const scope = yield* Scope.fork(yield* Effect.scope)
  const clockElapsed = yield* MonotonicClock.make
  const blocked = options.blocked
  const elapsed = blocked === undefined ? clockElapsed : () => clockElapsed() + blocked.millis
  const telemetry = recorder()
  const supervisor = yield* LeaseSupervisor.make({
    log,
    owner: "test",
    leaseDuration: options.leaseDuration ?? 30_000,
    elapsed,
    telemetry,
    reclaimInterval: 5_000
  }).pipe(Scope.provide(scope))
  const settler = yield* Settler.make({ log, supervisor, elapsed, telemetry }).pipe(Scope.provide(scope))
  const context = yield* Effect.context<never>()
  const timers: Array<Timer> = []
  const pool = WorkerPool.make({
    queue: "q",
    concurrency: options.concurrency ?? 4,
    handlers: options.handlers ?? new Map([["job", handlerOf(run, context, options)]]),
    supervisor: {
      ...supervisor,
      after: (millis, fire) => {
        const timer = supervisor.after(millis, fire)
        timers.push(timer)
        return timer
      }
    },
    settler,
    elapsed,
    telemetry,
    timeout: options.timeout ?? 600_000,
    abandonAfter: options.abandonAfter ?? 5_000
  })
  supervisor.attach(pool)
  const dispatcher =
    options.dispatch === false
      ? undefined
      : yield* Dispatcher.run({
          log,
          pool,
          supervisor,
          settler,
          elapsed,
          telemetry,
          maxPrefetch: options.maxPrefetch ?? 1_000,
          names: undefined,
          pollInterval: 1_000
        }).pipe(Effect.forkScoped, Scope.provide(scope))
  return {
    faulty,
    timers,
    supervisor,
    settler,
    pool,
    telemetry,
    dispatcher,
    enqueue: (...items) => log.enqueue(items),
    view: (n) =>
      Effect.flatMap(log.read({ _tag: "Job", id: id(n) }), (answer) =>
        answer._tag === "Job" && answer.job !== undefined
          ? Effect.succeed(answer.job)
          : Effect.die(new Error(`no job ${n}`))
      ),
    counts: Effect.flatMap(log.read({ _tag: "Counts", queue: "q" }), (answer) =>
      answer._tag === "Counts" && answer.queues[0] !== undefined
        ? Effect.succeed(answer.queues[0])
        : Effect.die(new Error("no queue"))
    ),
    take: Effect.fnUntraced(function* (limit: number) {
      const live = yield* supervisor.session
      const { grants } = yield* log.claim({ session: live.session.id, call: live.nextCall(), queue: "q", limit })
      pool.assign({ epoch: live.epoch, grants })
      return grants
    }),
    stop: Effect.gen(function* () {
      if (dispatcher !== undefined) yield* Fiber.interrupt(dispatcher)
      yield* pool.drain(0)
      yield* settler.flush
      yield* Scope.close(scope, Exit.void)
    })
  }
})

/** Milliseconds on the test's clock. */
export const now = Clock.currentTimeMillis
