/** The operations that workloads consist of. Each does the same whenever it meets the same log. */
import { compact } from "../../../src/backends/file/Compaction.ts"
import type { EnqueueItem, Grant } from "../../../src/log/JobLog.ts"
import type { Opened, Rig } from "./Rig.ts"

const idOf = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`

const itemOf = (n: number, more?: Partial<EnqueueItem>): EnqueueItem => ({
  id: idOf(n),
  queue: "q",
  name: "n",
  version: 1,
  payload: `payload ${n}`,
  ...more
})

const hour = 3_600_000

/** A client of one log, through all its openings. */
export class Client {
  readonly rig: Rig
  opened: Opened
  #session: string | undefined
  #call = 1
  #held: Array<Grant> = []
  #ids: Array<string>
  #next: number

  constructor(rig: Rig, opened: Opened, known: ReadonlyArray<string> = [], next = 1) {
    this.rig = rig
    this.opened = opened
    this.#ids = [...known]
    this.#next = next
  }

  get ids(): ReadonlyArray<string> {
    return this.#ids
  }

  get next(): number {
    return this.#next
  }

  enqueue(...more: ReadonlyArray<Partial<EnqueueItem>>): void {
    const items = more.map((part) => itemOf(this.#next++, part))
    this.#ids.push(...items.map(({ id }) => id))
    this.rig.run(this.opened.log.enqueue(items))
  }

  claim(limit: number): void {
    const { log } = this.opened
    this.#session ??= this.rig.run(log.open({ owner: "owner", leaseDuration: hour })).id
    const { grants } = this.rig.run(log.claim({ session: this.#session, call: this.#call++, queue: "q", limit }))
    this.#held.push(...grants)
  }

  #settle(settlement: (grant: Grant) => Parameters<Opened["log"]["settle"]>[0]["items"][number]["settlement"]): void {
    const grant = this.#held.shift()
    if (grant === undefined || this.#session === undefined) return
    const { id, receipt, token } = grant
    const items = [{ id, token, receipt, settlement: settlement(grant) }]
    this.rig.run(this.opened.log.settle({ session: this.#session, call: this.#call++, items }))
  }

  /** With a result, and a job that follows. */
  complete(follow = true): void {
    const followUp = itemOf(this.#next, { name: "follow-up" })
    if (follow && this.#held.length > 0) {
      this.#next++
      this.#ids.push(followUp.id)
    }
    this.#settle(() => ({ _tag: "Complete", result: "a result", ...(follow ? { enqueue: [followUp] } : undefined) }))
  }

  retry(): void {
    this.#settle(() => ({ _tag: "Retry", delay: 1500, cause: { kind: "failure", message: "again" } }))
  }

  deadLetter(): void {
    this.#settle(() => ({ _tag: "DeadLetter", cause: { kind: "failure", message: "never" } }))
  }

  /** The oldest job that was not cancelled yet. */
  cancel(): void {
    const id = this.#ids.shift()
    if (id !== undefined) this.rig.run(this.opened.log.control([{ _tag: "Cancel", id }]))
  }

  renew(): void {
    if (this.#session === undefined || this.#held.length === 0) return
    const started = this.#held.map(({ token }) => token)
    const progress = started.slice(0, 1).map((token) => ({ token, value: `half ${this.#call}` }))
    this.rig.run(this.opened.log.renew({ session: this.#session, call: this.#call++, started, progress }))
  }

  /** Gives back all that is held. */
  closeSession(): void {
    if (this.#session === undefined) return
    this.rig.run(this.opened.log.close(this.#session))
    this.#session = undefined
    this.#held = []
  }

  compact(): void {
    this.rig.run(compact(this.opened.engine, 0))
  }

  /** Closes the log and opens it again. */
  restart(): void {
    const { disk, engine } = this.opened
    this.rig.run(engine.journal.close)
    this.#session = undefined
    this.#held = []
    this.opened = this.rig.open(disk)
  }

  retention(count: number): void {
    this.rig.run(this.opened.log.control([{ _tag: "Configure", queue: "q", policy: { retainCompletedCount: count } }]))
  }

  pause(): void {
    this.rig.run(this.opened.log.control([{ _tag: "Pause", queue: "other" }]))
  }
}

const bulky = "x".repeat(1100)

export interface Letter {
  readonly name: string
  readonly act: (client: Client) => void
  /** It passes through states between its beginning and its end. */
  readonly severalSteps?: boolean | undefined
}

export const alphabet: ReadonlyArray<Letter> = [
  { name: "enqueue", act: (client) => client.enqueue({}) },
  {
    name: "enqueueBatch",
    act: (client) => client.enqueue({ payload: bulky, group: "g" }, { key: { value: `k${client.next}`, window: hour } })
  },
  { name: "claim", act: (client) => client.claim(2) },
  { name: "complete", act: (client) => client.complete() },
  { name: "retry", act: (client) => client.retry() },
  { name: "cancel", act: (client) => client.cancel() },
  { name: "renew", act: (client) => client.renew() },
  { name: "closeSession", act: (client) => client.closeSession() },
  { name: "compact", act: (client) => client.compact() },
  { name: "restart", act: (client) => client.restart(), severalSteps: true }
]

/** What a workload begins with. */
export const beginnings: ReadonlyArray<{ readonly name: string; readonly prepare: (client: Client) => void }> = [
  {
    // one full segment that is mostly dead, and a second one with room for two or three operations
    name: "used",
    prepare: (client) => {
      client.retention(1)
      client.enqueue(
        { payload: "k".repeat(100), key: { value: "kept", window: hour } },
        { payload: bulky, priority: -1 }
      )
      client.enqueue(
        { payload: bulky, priority: -2, key: { value: "gone", window: hour } },
        { payload: bulky, priority: -1 }
      )
      client.claim(3)
      client.complete(false)
      client.complete(false)
      client.deadLetter()
      client.enqueue({ payload: bulky, priority: -1 })
      client.claim(1)
      client.complete(false)
      client.enqueue({ payload: "d".repeat(200), delay: 2500 }, { payload: "g".repeat(600), priority: 3 })
      client.pause()
      client.closeSession()
    }
  },
  { name: "empty", prepare: () => {} }
]
