import type { History, Of, Operation, Outcome, SettleKind, Shown } from "../../../properties/concurrent/History.ts"

interface How {
  /** Nobody learnt the outcome. */
  readonly unknown?: boolean
  readonly refused?: string
  /** The number of the call, when it is sent again. */
  readonly call?: number
  readonly repeats?: number
}

interface GrantHow {
  readonly delivery?: number
  readonly attempt?: number
  readonly generation?: number
  readonly payload?: string
  readonly queue?: string
}

/** Writes a history by hand: one sending after the other, or several at once. */
export class Script {
  readonly operations: Array<Operation> = []
  private events = 0
  private now = 1000
  private open: Array<number> | undefined
  private readonly calls = new Map<string, number>()
  private readonly leases = new Map<string, number>()

  constructor() {
    this.add("time", null, this.now)
  }

  session(session: string, lease = 1000): this {
    this.leases.set(session, lease)
    return this.add("open", { lease }, { session, now: this.now, expiresAt: this.now + lease })
  }

  enqueue(
    jobs: ReadonlyArray<string>,
    more: How & { readonly delay?: number; readonly maxAttempts?: number; readonly maxDeliveries?: number } = {}
  ): this {
    const { delay = 0, maxAttempts = 10, maxDeliveries = 23 } = more
    const items = jobs.map((job) => ({ job, queue: "q", payload: `of ${job}`, delay, maxAttempts, maxDeliveries }))
    return this.add(
      "enqueue",
      { jobs: items },
      jobs.map(() => "Inserted"),
      more
    )
  }

  /** Grants as `job/token`. */
  claim(session: string, grants: string, more: How & GrantHow & { readonly limit?: number } = {}): this {
    const { attempt = 1, delivery = 1, generation = 1, limit = 5, queue = "q" } = more
    const granted = grants
      .split(" ")
      .filter((text) => text !== "")
      .map((text) => {
        const [job = "", token = ""] = text.split("/")
        return { job, token, queue, payload: more.payload ?? `of ${job}`, delivery, attempt, generation }
      })
    const args = { session, call: this.call(session, more), queue: "q", limit }
    return this.add("claim", args, { now: this.now, grants: granted }, more)
  }

  /** Items as `job/token`. */
  settle(session: string, kind: SettleKind, items: string, answer: string, more: How & { delay?: number } = {}): this {
    const { delay = 0 } = more
    const asked = items.split(" ").map((text) => {
      const [job = "", token = ""] = text.split("/")
      return { job, token, kind, delay }
    })
    const args = { session, call: this.call(session, more), items: asked }
    return this.add(
      "settle",
      args,
      asked.map(() => answer),
      more
    )
  }

  renew(session: string, started: ReadonlyArray<string> = [], more: How & { lost?: ReadonlyArray<string> } = {}): this {
    const expiresAt = this.now + (this.leases.get(session) ?? 0)
    const { lost = [] } = more
    const args = { session, call: this.call(session, more), started }
    return this.add("renew", args, { now: this.now, expiresAt, lost, cancelled: [] }, more)
  }

  close(session: string, more: How = {}): this {
    return this.add("close", { session }, null, more)
  }

  reclaim(): this {
    return this.add("reclaim", { limit: 100 }, false)
  }

  cancel(job: string, answer = "Done", more: How = {}): this {
    return this.add("cancel", { job }, answer, more)
  }

  redrive(job: string, answer = "Done"): this {
    return this.add("redrive", { job }, answer)
  }

  read(job: string, shown: Partial<Shown> | null): this {
    const usual = { state: "Ready", payload: `of ${job}`, attempts: 0, deliveries: 0, generation: 1 }
    return this.add("read", { job }, shown === null ? null : { ...usual, ...shown })
  }

  list(...jobs: ReadonlyArray<string>): this {
    return this.add("list", null, jobs)
  }

  advance(millis: number): this {
    this.add("time", null, this.now)
    this.now += millis
    this.add("advance", { millis }, null)
    return this.add("time", null, this.now)
  }

  crash(): this {
    return this.add("crash", { seed: 1 }, null)
  }

  /** What is sent within happens at the same time: all of it is sent before any of it is answered. */
  together(send: (script: this) => void): this {
    this.open = []
    send(this)
    for (const id of this.open) {
      const operation = this.operations[id]
      if (operation !== undefined) this.operations[id] = { ...operation, res: ++this.events }
    }
    this.open = undefined
    return this
  }

  history(drained = false, lateSettle: "accepted" | "refused" = "accepted"): History {
    return {
      format: "leasehold-history/1",
      log: "by hand",
      promises: { lateSettle, attempts: "job", settle: "individual" },
      operations: [
        ...this.operations,
        {
          id: this.operations.length,
          client: "test",
          op: "time",
          args: null,
          inv: this.events + 1,
          res: this.events + 2,
          outcome: { tag: "Ok", value: this.now }
        }
      ],
      drained
    }
  }

  private call(session: string, how: How): number {
    if (how.call !== undefined) return how.call
    const next = (this.calls.get(session) ?? 0) + 1
    this.calls.set(session, next)
    return next
  }

  private add<Op extends Operation["op"]>(op: Op, args: Of<Op>["args"], value: unknown, how: How = {}): this {
    const outcome: Outcome<unknown> =
      how.refused !== undefined
        ? { tag: "Refused", reason: how.refused }
        : how.unknown === true
          ? { tag: "Unknown", reason: "test" }
          : { tag: "Ok", value }
    const id = this.operations.length
    const sending = { id, client: "test", op, args, inv: ++this.events, outcome }
    const repeats = how.repeats === undefined ? {} : { repeats: how.repeats }
    const res = this.open === undefined ? ++this.events : 0
    this.open?.push(id)
    // each caller gives the arguments and the answer of its operation
    this.operations.push({ ...sending, res, ...repeats } as unknown as Operation)
    return this
  }
}
