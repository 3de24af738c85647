/**
 * What is watched while handlers run: that no handler runs on past its lease, that no more run than may, and that none
 * runs for a token that is not its own.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { JobLogOperations, RenewRequest, RenewResult } from "../log/JobLog.ts"
import type { Counters } from "./Counters.ts"
import type { FleetHistory, RunRecord } from "./FleetHistory.ts"
import { isUndecodable } from "./FleetJobs.ts"
import type { SimulatedNode } from "./kernel/SimulatedNode.ts"
import type { Simulation } from "./kernel/Simulation.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface RunWatchOptions {
  readonly simulation: Simulation
  readonly history: FleetHistory
  readonly counters: Counters
  /** Slots of each queue. */
  readonly concurrency: number
  readonly maxPrefetch: number
}

/** Milliseconds by which a run may outlast what its node may trust: two clocks are rounded. */
const slack = 5

/** The scheduler gives its lease up this much before it could run out. */
const margin = (leaseDuration: number): number => Math.min(1_000, leaseDuration / 10)

interface Standing {
  readonly leaseDuration: number
  /** True time at which the latest answered open or renewal was sent, microseconds. */
  sentAt: number
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class RunWatch {
  readonly #options: RunWatchOptions
  readonly #sessions = new Map<string, Standing>()
  readonly #running = new Map<string, Set<RunRecord>>()
  /** When a scheduler got a grant, as a position in the history. */
  readonly #received = new Map<bigint, number>()
  /** When a scheduler was told to stop a run, microseconds. */
  readonly #stopped = new Map<bigint, number>()
  /** When a session was last told that a queue is paused, as a position in the history. */
  readonly #paused = new Map<string, number>()
  /** Renewals that were sent, the runs that they marked as started, and how many went by without a run's mark. */
  readonly #renewals = new Set<string>()
  readonly #marked = new Set<bigint>()
  readonly #unmarked = new Map<bigint, number>()
  /** Processes whose wall clocks were set: if they sleep as well, nothing can tell them how long. */
  readonly #stepped = new Set<SimulatedNode>()

  constructor(options: RunWatchOptions) {
    this.#options = options
  }

  /** The same log, where the sending of what keeps a lease alive is noted. */
  connected(log: JobLogOperations): JobLogOperations {
    const { timeline } = this.#options.simulation
    return {
      ...log,
      open: (request) =>
        Effect.suspend(() => {
          const sentAt = timeline.now
          return Effect.map(log.open(request), (session) => {
            this.#sessions.set(session.id, { leaseDuration: session.leaseDuration, sentAt })
            return session
          })
        }),
      renew: (request) =>
        Effect.suspend(() => {
          const sentAt = timeline.now
          this.#renewing(request)
          return Effect.map(log.renew(request), (result) => {
            const standing = this.#sessions.get(request.session)
            if (standing !== undefined) standing.sentAt = Math.max(standing.sentAt, sentAt)
            this.#told(request.session, result)
            return result
          })
        }),
      settle: (request) => {
        // whoever was stopped before his first step does not tell that he ended
        for (const { settlement, token } of request.items) if (settlement._tag === "Release") this.#released(token)
        return log.settle(request)
      },
      claim: (request) =>
        Effect.map(log.claim(request), (result) => {
          for (const { token } of result.grants) {
            if (!this.#received.has(token)) this.#received.set(token, this.#options.history.at++)
          }
          return result
        })
    }
  }

  /** What a scheduler learns with a renewal. */
  #told(session: string, { cancelled, lost, paused }: RenewResult): void {
    const { history, simulation } = this.#options
    for (const token of [...cancelled, ...lost]) {
      // of a grant whose answer is still under way it can stop nothing
      if (this.#received.has(token) && !this.#stopped.has(token)) this.#stopped.set(token, simulation.timeline.now)
    }
    for (const queue of paused) this.#paused.set(`${session} ${queue}`, history.at++)
  }

  /** A renewal is sent: what has started by then is marked by this one, or by the next if both met on the way. */
  #renewing(request: RenewRequest): void {
    const { history } = this.#options
    const call = `${request.session}/${request.call}`
    if (this.#renewals.has(call)) return
    this.#renewals.add(call)
    for (const token of request.started) this.#marked.add(token)
    for (const running of this.#running.values()) {
      for (const { id, node, token } of running) {
        if (this.#marked.has(token) || history.grants.get(token)?.session !== request.session) continue
        const unmarked = (this.#unmarked.get(token) ?? 0) + 1
        this.#unmarked.set(token, unmarked)
        if (unmarked === 3) history.violate("startsReported", `${node} runs ${id} and does not tell the log of it`)
      }
    }
  }

  /** The wall clock of a process was set. */
  clockStepped(node: SimulatedNode): void {
    this.#stepped.add(node)
    for (const run of this.#options.history.runs.values()) if (run.node === node.name && !run.ended) run.clockSet = true
  }

  #of(node: string, queue: string): Set<RunRecord> {
    const key = `${node} ${queue}`
    let running = this.#running.get(key)
    if (running === undefined) {
      running = new Set()
      this.#running.set(key, running)
    }
    return running
  }

  started(run: RunRecord, node: SimulatedNode, queue: string): void {
    const { concurrency, counters, history } = this.#options
    counters.add("runs")
    const grant = history.grants.get(run.token)
    if (grant?.grant.id !== run.id) history.violate("leaseVisible", `a run of ${run.id} has token ${run.token}`)
    if (history.runs.has(run.token)) history.violate("leaseVisible", `token ${run.token} started two runs`)
    history.runs.set(run.token, run)
    if (grant !== undefined && isUndecodable(grant.grant.payload)) {
      history.violate("settledAsItEnded", `${run.id} is run although its payload fits no schema`)
    }
    const pausedAt = grant === undefined ? undefined : this.#paused.get(`${grant.session} ${queue}`)
    if (pausedAt !== undefined && (this.#received.get(run.token) ?? pausedAt) < pausedAt) {
      history.violate("pauseReaches", `${run.node} starts ${run.id} of ${queue}, which it knows to be paused`)
    }
    const running = this.#of(run.node, queue)
    running.add(run)
    if (running.size > concurrency) {
      history.violate("concurrencyBounded", `${run.node} runs ${running.size} jobs of ${queue} at once`)
    }
    this.moved(run, node)
  }

  /** The run did something: it must still have its lease, as far as its node can know. */
  moved(run: RunRecord, node: SimulatedNode): void {
    const { history, simulation } = this.#options
    const { now } = simulation.timeline
    // in the instant in which a machine goes on, the interruption and the run are ready together
    if (run.abandoned || node.resumedAt === now || (node.hasSlept && this.#stepped.has(node))) return
    const stoppedAt = this.#stopped.get(run.token)
    if (stoppedAt !== undefined && stoppedAt < now) {
      history.violate("stopsReach", `${run.node} runs ${run.id} on, though it was told to stop`)
    }
    const record = history.grants.get(run.token)
    const timeout = record?.grant.timeout
    const lasted = (now / 1000 - run.time) * node.rate
    if (timeout !== undefined && !node.hasSlept && lasted > timeout + slack) {
      history.violate("timeoutKept", `${run.node} runs ${run.id} on, ${Math.round(lasted)} ms after its start`)
    }
    const session = record?.session
    const standing = session === undefined ? undefined : this.#sessions.get(session)
    if (standing === undefined) return
    const { leaseDuration, sentAt } = standing
    // the timers of a machine that slept go on where they stood, and the next look may be a quarter beat away
    if (node.hasSlept && now - node.resumedAt < (leaseDuration / 12 + slack) * 1000) return
    const passed = ((now - sentAt) * node.rate) / 1000
    if (passed > leaseDuration - margin(leaseDuration) + slack) {
      const over = Math.round(passed - leaseDuration + margin(leaseDuration))
      history.violate("selfFence", `${run.node} runs ${run.id} ${over} ms after it has given up its lease`)
    }
  }

  ended(run: RunRecord, queue: string): void {
    run.ended = true
    this.#of(run.node, queue).delete(run)
  }

  #released(token: bigint): void {
    const run = this.#options.history.runs.get(token)
    if (run !== undefined && !run.ended && !run.abandoned)
      this.ended(run, this.#options.history.grants.get(token)?.grant.queue ?? "")
  }

  /** The scheduler gave the run's slot to another. */
  abandoned(token: bigint, queue: string): void {
    const { counters, history } = this.#options
    counters.add("abandoned")
    const run = history.runs.get(token)
    if (run === undefined) return
    run.abandoned = true
    this.#of(run.node, queue).delete(run)
  }

  /** All runs of a process are gone with it. */
  processGone(node: SimulatedNode): void {
    for (const run of this.#options.history.runs.values()) if (run.node === node.name) run.ended = true
  }

  /** Runs of a process that have not ended and were not abandoned. */
  running(node: SimulatedNode): number {
    let count = 0
    for (const run of this.#options.history.runs.values()) {
      if (run.node === node.name && !run.ended && !run.abandoned) count++
    }
    return count
  }

  /** Runs of a process that were abandoned and still go on. */
  abandonedRuns(node: SimulatedNode): number {
    let count = 0
    for (const run of this.#options.history.runs.values()) {
      if (run.node === node.name && !run.ended && run.abandoned) count++
    }
    return count
  }

  /** More of a session's grants wait for a slot or run than its scheduler may take ahead. */
  granted(session: string, queue: string): void {
    const { concurrency, history, maxPrefetch } = this.#options
    let held = 0
    for (const { grant, session: of, settleSentAt } of history.grants.values()) {
      if (of !== session || grant.queue !== queue || settleSentAt !== undefined || isUndecodable(grant.payload))
        continue
      const run = history.runs.get(grant.token)
      if (run === undefined || !(run.ended || run.abandoned)) held++
    }
    if (held > 2 * concurrency + maxPrefetch) {
      history.violate("backpressure", `session ${session} holds ${held} jobs of ${queue}`)
    }
  }
}
