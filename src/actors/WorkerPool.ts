/**
 * The workers of one queue: a fixed number of slots, each running one job at a time in a fiber of its own.
 *
 * Grants wait in claim order until a slot is free. A slot survives whatever its handler does: fail, die, be
 * interrupted, ignore interruption (then the slot is taken from it after a while) or lose its lease.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import type { Grant, Settlement } from "../log/JobLog.ts"
import { LeaseLost } from "./LeaseLost.ts"
import type { GrantHolder, LeaseSupervisor } from "./LeaseSupervisor.ts"
import type { Elapsed } from "./MonotonicClock.ts"
import type { Assign, Epoch, Handler, StopReason } from "./Protocol.ts"
import { Run } from "./Run.ts"
import type { Settler } from "./Settler.ts"
import type { Telemetry } from "./Telemetry.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface WorkerPool extends GrantHolder {
  /** Takes grants over, in order; starts what fits into free slots at once. */
  readonly assign: (message: Assign) => void
  /** Free slots that no waiting grant will fill. */
  readonly free: () => number
  /** Grants waiting for a slot. */
  readonly buffered: () => number
  /** Jobs running now. */
  readonly running: () => number
  /** Jobs ended so far. */
  readonly ended: () => number
  /** Open while there is something for the dispatcher to look at. */
  readonly changed: Latch.Latch
  /** Releases what has not started, waits for the rest up to `grace` milliseconds, then interrupts and releases it. */
  readonly drain: (grace: number) => Effect.Effect<void>
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface WorkerPoolOptions {
  readonly queue: string
  readonly concurrency: number
  readonly handlers: ReadonlyMap<string, Handler>
  readonly supervisor: LeaseSupervisor
  readonly settler: Settler
  readonly elapsed: Elapsed
  readonly telemetry: Telemetry
  /** Milliseconds per attempt where neither job nor handler says. */
  readonly timeout: number
  /** Milliseconds that an interrupted handler has to stop before its slot is given away. */
  readonly abandonAfter: number
}

/** Back-off of a job that nobody here can run: it may belong to a newer release. */
const noHandlerDelay = (grant: Grant): number => Math.min(60_000, 500 * 2 ** Math.min(grant.delivery, 8))

const policyFailed: Settlement = {
  _tag: "Retry",
  delay: 60_000,
  cause: { kind: "defect", message: "its retry policy failed" }
}

/**
 * Makes a pool. It has no fiber of its own; its runs end with `drain`.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const make = (options: WorkerPoolOptions): WorkerPool => {
  const { elapsed, handlers, queue, settler, supervisor, telemetry } = options
  const running = new Map<bigint, Run>()
  const changed = Latch.makeUnsafe(true)
  const quiet = Latch.makeUnsafe(true)
  let waiting: Array<{ readonly epoch: Epoch; readonly grant: Grant }> = []
  let head = 0
  let ended = 0
  let pumping = false

  const buffered = (): number => waiting.length - head

  const offer = (epoch: Epoch, grant: Grant, settlement: Settlement, startedAt: number | undefined): void =>
    settler.offer({
      epoch,
      queue,
      name: grant.name,
      item: { id: grant.id, token: grant.token, receipt: grant.receipt, settlement },
      startedAt
    })

  const settle = (run: Run, outcome: Settlement | Fiber.Fiber<Settlement>): void => {
    if (!Fiber.isFiber(outcome)) return offer(run.epoch, run.grant, outcome, run.startedAt)
    const settled = (exit: Exit.Exit<Settlement>): void =>
      offer(run.epoch, run.grant, Exit.isSuccess(exit) ? exit.value : policyFailed, run.startedAt)
    const exit = outcome.pollUnsafe()
    if (exit === undefined) outcome.addObserver(settled)
    else settled(exit)
  }

  /** How a run is settled that its handler has no say about. */
  const byStop = (run: Run, exit: Exit.Exit<unknown, unknown> | undefined): Settlement | Fiber.Fiber<Settlement> => {
    switch (run.stop) {
      case "timeout": {
        const message = `no result within ${run.grant.timeout ?? run.handler.timeout ?? options.timeout} ms`
        return run.handler.onFailure(run.grant, { kind: "timeout", message })
      }
      case "cancelled":
      case "drain": {
        const message = run.stop === "drain" ? "the scheduler shut down" : "the job was cancelled"
        return { _tag: "Release", cause: { kind: "released", message } }
      }
      default: {
        const message = exit === undefined || Exit.isSuccess(exit) ? "no exit" : Cause.pretty(exit.cause)
        return run.handler.onFailure(run.grant, { kind: "defect", message })
      }
    }
  }

  /** Ends a run, once. Without an exit its fiber still runs, and is left to itself. */
  const finish = (run: Run, exit: Exit.Exit<unknown, unknown> | undefined): void => {
    if (run.done) return
    run.done = true
    ended++
    if (run.stop === "leaseLost") return
    settle(run, outcomeOf(run, exit))
  }

  /** What a handler's code throws is its run's failure: it must never reach the pool's own state. */
  const outcomeOf = (run: Run, exit: Exit.Exit<unknown, unknown> | undefined): Settlement | Fiber.Fiber<Settlement> => {
    let ended = exit
    try {
      const concluded = exit === undefined ? undefined : run.handler.conclude(run, exit)
      if (concluded !== undefined) return concluded
    } catch (thrown) {
      ended = Exit.die(thrown)
    }
    try {
      return byStop(run, ended)
    } catch {
      return policyFailed
    }
  }

  const finishAsync = (run: Run, exit: Exit.Exit<unknown, unknown> | undefined): void => {
    if (run.done) return
    if (run.timer !== undefined) run.timer.cancelled = true
    running.delete(run.grant.token)
    finish(run, exit)
    pump()
  }

  const stop = (run: Run, reason: StopReason): void => {
    if (run.done) return
    if (run.stop !== undefined) {
      // a lost lease outweighs every other reason: nothing can be settled any more
      if (reason === "leaseLost") run.stop = reason
      return
    }
    run.stop = reason
    supervisor.after(options.abandonAfter, () => {
      if (run.done) return
      telemetry.abandoned(run.grant)
      finishAsync(run, undefined)
    })
    run.fiber?.interruptUnsafe()
  }

  let now = 0
  let sinceClock = 0
  const readClock = (): void => {
    now = elapsed()
    sinceClock = 0
  }

  const start = (epoch: Epoch, grant: Grant): void => {
    const handler = handlers.get(grant.name)
    if (handler === undefined || grant.version > handler.version) {
      const message =
        handler === undefined
          ? `no handler for ${grant.name} here`
          : `${grant.name} version ${grant.version} is newer than this handler's ${handler.version}`
      offer(
        epoch,
        grant,
        { _tag: "Release", delay: noHandlerDelay(grant), cause: { kind: "noHandler", message } },
        undefined
      )
      ended++
      return
    }
    // read for every job that takes time, and often enough for those that take none
    if (sinceClock++ === 16) readClock()
    const run = new Run(grant, epoch, handler, now, supervisor, elapsed)
    telemetry.started(grant, now)
    let started: ReturnType<Handler["start"]>
    try {
      started = handler.start(run)
    } catch (thrown) {
      finish(run, Exit.die(thrown))
      return
    }
    if (Exit.isExit(started)) {
      finish(run, started)
      return
    }
    const fiber = started
    readClock()
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) {
      finish(run, exit)
      return
    }
    running.set(grant.token, run)
    run.fiber = fiber
    run.timer = supervisor.after(grant.timeout ?? handler.timeout ?? options.timeout, () => stop(run, "timeout"))
    fiber.addObserver((exit) => finishAsync(run, exit))
  }

  const pump = (): void => {
    if (pumping) return
    pumping = true
    readClock()
    while (head < waiting.length && running.size < options.concurrency) {
      const next = waiting[head]!
      // after a pause this may come before the supervisor's own look
      if (now >= supervisor.trustedUntil()) {
        supervisor.sessionDied(next.epoch)
        if (waiting[head] === next) takeOut((of) => of === next.epoch, false)
        continue
      }
      head++
      start(next.epoch, next.grant)
    }
    if (head === waiting.length) {
      waiting = []
      head = 0
    } else if (head > 1_024) {
      waiting = waiting.slice(head)
      head = 0
    }
    pumping = false
    changed.openUnsafe()
    if (running.size === 0 && buffered() === 0) quiet.openUnsafe()
    else quiet.closeUnsafe()
  }

  const lossOf = (grant: Grant): LeaseLost => new LeaseLost({ id: grant.id, queue, token: grant.token })

  /** Takes waiting grants that match out of the line; answers them. */
  const takeOut = (match: (epoch: Epoch, grant: Grant) => boolean, settle: boolean): Array<Grant> => {
    const kept: typeof waiting = []
    const taken: Array<Grant> = []
    for (let index = head; index < waiting.length; index++) {
      const entry = waiting[index]!
      if (!match(entry.epoch, entry.grant)) {
        kept.push(entry)
        continue
      }
      taken.push(entry.grant)
      if (settle) offer(entry.epoch, entry.grant, { _tag: "Release" }, undefined)
    }
    waiting = kept
    head = 0
    return taken
  }

  /** Gives up what waits and stops what runs of an epoch, as far as it matches. */
  const lose = (epoch: Epoch, match: (grant: Grant) => boolean): void => {
    const lost = takeOut((of, grant) => of === epoch && match(grant), false)
    for (const run of [...running.values()]) {
      if (run.epoch !== epoch || !match(run.grant)) continue
      lost.push(run.grant)
      stop(run, "leaseLost")
    }
    if (lost.length > 0) telemetry.leaseLost(queue, lost.map(lossOf))
  }

  return {
    queue,
    changed,
    assign: ({ epoch, grants }) => {
      if (!supervisor.isLive(epoch)) {
        // the answer was under way while the session died: the log gives these jobs to others
        if (grants.length > 0) telemetry.leaseLost(queue, grants.map(lossOf))
        return
      }
      for (const grant of grants) waiting.push({ epoch, grant })
      pump()
    },
    free: () => Math.max(0, options.concurrency - running.size - buffered()),
    buffered,
    running: () => running.size,
    ended: () => ended,
    report: (epoch) => {
      const started: Array<bigint> = []
      const progress: Array<{ token: bigint; value: string }> = []
      for (const run of running.values()) {
        if (run.epoch !== epoch) continue
        if (!run.reported) {
          run.reported = true
          started.push(run.grant.token)
        }
        if (run.latestProgress !== undefined) {
          progress.push({ token: run.grant.token, value: run.latestProgress })
          run.latestProgress = undefined
        }
      }
      return { started, progress }
    },
    renewed: (epoch, result) => {
      // each run that is stopped frees its slot: nothing starts before all that must not start has left the line
      pumping = true
      if (result.lost.length > 0) {
        const tokens = new Set(result.lost)
        lose(epoch, (grant) => tokens.has(grant.token))
      }
      for (const token of result.cancelled) {
        const run = running.get(token)
        if (run !== undefined && run.epoch === epoch) stop(run, "cancelled")
      }
      if (result.cancelled.length > 0) {
        const cancelled = new Set(result.cancelled)
        takeOut((of, grant) => of === epoch && cancelled.has(grant.token), true)
      }
      if (result.paused.includes(queue)) takeOut(() => true, true)
      pumping = false
      pump()
    },
    lost: (epoch) => {
      lose(epoch, () => true)
      pump()
    },
    drain: (grace) =>
      Effect.gen(function* () {
        takeOut(() => true, true)
        pump()
        yield* Effect.raceFirst(quiet.await, Effect.sleep(grace))
        for (const run of [...running.values()]) stop(run, "drain")
        yield* Effect.raceFirst(quiet.await, Effect.sleep(options.abandonAfter + 1_000))
      })
  }
}
