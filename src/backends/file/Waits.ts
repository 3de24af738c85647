/**
 * Those who wait inside the log: parked claims, and callers of `changes`.
 *
 * @since 0.1.0
 */
import type { ClaimRequest } from "../../log/JobLog.ts"
import { Closed, type LogErrorReason, SessionDead } from "../../log/LogError.ts"
import type { Engine } from "./Engine.ts"
import type { Outcome } from "./Outcome.ts"
import type { Claimed } from "./Claimed.ts"
import { claimReady, nextAt } from "./EngineClaim.ts"
import { reclaimExpired } from "./EngineReclaim.ts"
import { parseJobId } from "./JobId.ts"
import { Status } from "./JobTable.ts"
import { promote } from "./Placement.ts"
import type { QueueState } from "./QueueState.ts"
import type { SessionState } from "./Sessions.ts"

interface Parked {
  readonly session: SessionState
  readonly request: ClaimRequest
  /** Called once, outside of any update; the answer may not be durable yet. */
  readonly answer: (outcome: Outcome<Claimed>) => void
}

/** Answered without a failure when something may have changed. */
type Tell = (failure: LogErrorReason | undefined) => void

const words = new Int32Array(4)

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Waits {
  readonly #parked = new Map<QueueState, Set<Parked>>()
  readonly #watchers = new Map<QueueState, Set<Tell>>()
  readonly #jobs = new Map<string, Set<Tell>>()
  /** What to do once the present frame has ended. */
  #after: Array<() => void> = []
  /** Called when the next instant of {@link Waits.wakeAt} may have come nearer. */
  onEarlier: () => void = () => {}

  get isEmpty(): boolean {
    return this.#parked.size === 0 && this.#watchers.size === 0
  }

  /** Parks a claim that found nothing; answers how to give up. */
  park(queue: QueueState, parked: Parked): () => void {
    const leave = add(this.#parked, queue, parked)
    this.onEarlier()
    return leave
  }

  /** Waits for a change in a queue after the cursor; answers how to give up. */
  watchQueue(queue: QueueState, tell: Tell): () => void {
    const leave = add(this.#watchers, queue, tell)
    this.onEarlier()
    return leave
  }

  /** Waits for a job to become terminal; answers how to give up, or undefined if there is nothing to wait for. */
  watchJob(engine: Engine, id: string, tell: Tell): (() => void) | undefined {
    const { store } = engine
    parseJobId(id, words, 0)
    const row = store.ids.find(words, 0)
    if (row === -1 || store.table.chunk(row).status[store.table.index(row)]! >= Status.Completed) return undefined
    store.onTerminal ??= (ended) => {
      const name = store.table.idOf(ended)
      const tells = this.#jobs.get(name)
      if (tells === undefined) return
      this.#jobs.delete(name)
      if (this.#jobs.size === 0) store.onTerminal = undefined
      for (const one of tells) this.#after.push(() => engine.journal.commit((failure) => one(failure?.reason)))
    }
    return add(this.#jobs, id, tell)
  }

  /** Grants to parked claims what has become claimable during the present operation, in the same frame. */
  serve(engine: Engine): void {
    const { store } = engine
    for (let queues = store.touched.take(); queues.length > 0; queues = store.touched.take()) {
      for (const queue of queues) {
        const parked = this.#parked.get(queue)
        if (parked !== undefined) this.#serveQueue(engine, queue, parked)
        const tells = this.#watchers.get(queue)
        if (tells === undefined) continue
        this.#watchers.delete(queue)
        for (const tell of tells) this.#after.push(() => engine.journal.commit((failure) => tell(failure?.reason)))
      }
    }
  }

  #serveQueue(engine: Engine, queue: QueueState, parked: Set<Parked>): void {
    let served = false
    let exhausted = false
    for (const one of parked) {
      // the grants need not be stored together with what made them possible
      engine.recorder.cut()
      const { session, request } = one
      const known = session.answer(request.call)
      const claimed =
        known?._tag === "Claim"
          ? known
          : exhausted || engine.live(session.id, true) === undefined
            ? undefined
            : claimReady(engine, session, request)
      if (claimed === undefined) {
        if (engine.live(session.id, true) !== undefined && request.names === undefined) exhausted = true
        // a call that was served may be parked once more, by whoever sent it again
        if (exhausted && !served) break
        continue
      }
      served = true
      parked.delete(one)
      this.#after.push(() => one.answer({ _tag: "Done", value: claimed }))
    }
    if (parked.size === 0) this.#parked.delete(queue)
  }

  /** Answers those who were served; they wait for their commit by themselves. */
  announce(engine: Engine): void {
    if (this.#after.length > 0) {
      const after = this.#after
      this.#after = []
      for (const step of after) step()
    }
    if (!this.isEmpty && this.wakeAt(engine) < this.#armed) this.onEarlier()
  }

  #armed = Number.POSITIVE_INFINITY

  /** The instant for which a timer is set. */
  arm(at: number): void {
    this.#armed = at
  }

  /** When time alone may change something for those who wait. */
  wakeAt(engine: Engine): number {
    let at = Number.POSITIVE_INFINITY
    for (const [queue, parked] of this.#parked) {
      at = Math.min(at, nextAt(engine, queue) ?? at)
      for (const one of parked) at = Math.min(at, one.session.expiresAt)
    }
    for (const queue of this.#watchers.keys()) at = Math.min(at, nextAt(engine, queue) ?? at)
    return at
  }

  /** Time has passed: between `begin` and `finish` of the engine. */
  tick(engine: Engine): void {
    const { store } = engine
    for (const queue of new Set([...this.#parked.keys(), ...this.#watchers.keys()])) promote(store, queue)
    reclaimExpired(engine, Number.POSITIVE_INFINITY)
  }

  /** A session is dead: its parked claims are refused. */
  endSession(session: SessionState): void {
    for (const [queue, parked] of this.#parked) {
      for (const one of parked) {
        if (one.session !== session) continue
        parked.delete(one)
        const reason = new SessionDead({ session: session.id })
        this.#after.push(() => one.answer({ _tag: "Refused", reason }))
      }
      if (parked.size === 0) this.#parked.delete(queue)
    }
  }

  /** The log takes no more operations: everyone is refused. */
  fail(reason: LogErrorReason = new Closed({})): void {
    const parked = [...this.#parked.values()].flatMap((set) => [...set])
    const tells = [...this.#watchers.values(), ...this.#jobs.values()].flatMap((set) => [...set])
    this.#parked.clear()
    this.#watchers.clear()
    this.#jobs.clear()
    for (const one of parked) one.answer({ _tag: "Refused", reason })
    for (const tell of tells) tell(reason)
  }
}

const add = <K, V>(map: Map<K, Set<V>>, key: K, value: V): (() => void) => {
  let set = map.get(key)
  if (set === undefined) {
    set = new Set()
    map.set(key, set)
  }
  set.add(value)
  return () => {
    const present = map.get(key)
    if (present?.delete(value) === true && present.size === 0) map.delete(key)
  }
}
