/** The operations that workloads consist of. Each does the same whenever it meets the same log. */
import * as Effect from "effect/Effect"
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

  /** Two calls in flight at once share a write. */
  enqueueBoth(): void {
    // the first one lies in three sectors, the second in the last of them
    const items = [itemOf(this.#next++, { payload: "b".repeat(700) }), itemOf(this.#next++, { name: "other" })]
    this.#ids.push(...items.map(({ id }) => id))
    const { log } = this.opened
    this.rig.run(Effect.forEach(items, (item) => log.enqueue([item]), { concurrency: "unbounded" }))
  }

  claim(limit: number, queue = "q"): void {
    const { log } = this.opened
    this.#session ??= this.rig.run(log.open({ owner: "owner", leaseDuration: hour })).id
    const { grants } = this.rig.run(log.claim({ session: this.#session, call: this.#call++, queue, limit }))
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
  // what was enqueued first survives the other
  { name: "enqueueBoth", act: (client) => client.enqueueBoth(), severalSteps: true },
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
export const beginnings: ReadonlyArray<{
  readonly name: string
  readonly isUsed: boolean
  readonly prepare: (client: Client) => void
}> = [
  {
    // three segments: much of the first is dead, all of the second, and the third has room for few operations
    name: "used",
    isUsed: true,
    prepare: (client) => {
      const big = { payload: "x".repeat(1300), priority: -1 }
      client.retention(1)
      const smaller = { payload: "x".repeat(1050), priority: -1 }
      client.enqueue({ queue: "done" })
      client.claim(1, "done")
      client.complete(false)
      client.enqueue({ payload: "k".repeat(100), key: { value: "kept", window: hour } }, smaller)
      client.enqueue({ ...smaller, priority: -2, key: { value: "gone", window: hour } }, smaller)
      client.claim(3)
      client.complete(false)
      client.complete(false)
      client.deadLetter()
      client.enqueue(big, big, big)
      client.claim(3)
      for (let each = 0; each < 3; each++) client.complete(false)
      client.enqueue({ payload: "d".repeat(200), delay: 2500 }, { payload: "g".repeat(600), priority: 3 }, big)
      client.claim(1)
      client.complete(false)
      client.pause()
      client.closeSession()
    }
  },
  { name: "empty", isUsed: false, prepare: () => {} }
]
