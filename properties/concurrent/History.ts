/**
 * The form of a concurrent history: what several clients asked of one log, when, and what they were answered.
 *
 * It is plain JSON, so that it can be written to a file and judged by any checker. Tokens are decimal strings. `inv` and
 * `res` number the sendings and the answers of the whole history in the order in which they happened: a call whose `res`
 * is smaller than another's `inv` was over before the other was sent. An `Unknown` call may take effect once, at any time
 * after its `inv`, also after its `res`, or never. Calls of one session with the same number, and enqueues that are sent
 * again, are one call: the first `Ok` tells what it came to.
 *
 * @since 0.1.0
 */

/**
 * How a sending of a call ended. `Refused` provably had no effect.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Outcome<Value> =
  | { readonly tag: "Ok"; readonly value: Value }
  | { readonly tag: "Refused"; readonly reason: string }
  | { readonly tag: "Unknown"; readonly reason: string }

/**
 * One sending of a call.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Sending<Op extends string, Args, Value> {
  /** Place in the history. */
  readonly id: number
  readonly client: string
  readonly op: Op
  readonly args: Args
  /** When it was sent. */
  readonly inv: number
  /** When it was answered or given up. */
  readonly res: number
  readonly outcome: Outcome<Value>
  /** The id of the sending that this one repeats. */
  readonly repeats?: number | undefined
  /** What the network did to it. */
  readonly fault?: string | undefined
}

/**
 * A job as it was enqueued. Durations are milliseconds.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface EnqueuedJob {
  readonly job: string
  readonly queue: string
  readonly payload: string
  readonly delay: number
  readonly maxAttempts: number
  readonly maxDeliveries: number
}

/**
 * A grant as it was answered.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Granted {
  readonly job: string
  readonly token: string
  readonly queue: string
  readonly payload: string
  readonly delivery: number
  readonly attempt: number
  readonly generation: number
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type SettleKind = "Complete" | "Retry" | "Release" | "DeadLetter"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Settling {
  readonly job: string
  readonly token: string
  readonly kind: SettleKind
  /** Milliseconds of back-off of a retry or release. */
  readonly delay: number
}

/**
 * A job as a read shows it.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Shown {
  readonly state: string
  readonly payload: string
  readonly attempts: number
  readonly deliveries: number
  readonly generation: number
  readonly token?: string | undefined
}

/**
 * Every kind of sending. `time` only looks at the log's clock; `advance` and `crash` are done to the log by the test.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Operation =
  | Sending<
      "open",
      { readonly lease: number },
      { readonly session: string; readonly now: number; readonly expiresAt: number }
    >
  | Sending<
      "renew",
      { readonly session: string; readonly call: number; readonly started: ReadonlyArray<string> },
      {
        readonly now: number
        readonly expiresAt: number
        readonly lost: ReadonlyArray<string>
        readonly cancelled: ReadonlyArray<string>
      }
    >
  | Sending<"close", { readonly session: string }, null>
  /** One answer per job: `Inserted`, `Duplicate`, `Replaced` or `Refused`. */
  | Sending<"enqueue", { readonly jobs: ReadonlyArray<EnqueuedJob> }, ReadonlyArray<string>>
  | Sending<
      "claim",
      { readonly session: string; readonly call: number; readonly queue: string; readonly limit: number },
      { readonly now: number; readonly grants: ReadonlyArray<Granted> }
    >
  /** One answer per item: the state after it, `refused: reason`, or `unverified`. */
  | Sending<
      "settle",
      { readonly session: string; readonly call: number; readonly items: ReadonlyArray<Settling> },
      ReadonlyArray<string>
    >
  /** `Ok(true)`: there was more to take back than one call may. */
  | Sending<"reclaim", { readonly limit: number }, boolean>
  /** `Done` or the reason of the refusal. */
  | Sending<"cancel", { readonly job: string }, string>
  | Sending<"redrive", { readonly job: string }, string>
  | Sending<"read", { readonly job: string }, Shown | null>
  /** The ids of all jobs that the log lists. */
  | Sending<"list", null, ReadonlyArray<string>>
  | Sending<"time", null, number>
  | Sending<"advance", { readonly millis: number }, null>
  | Sending<"crash", { readonly seed: number }, null>

/**
 * The sendings of some kind.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Of<Op extends Operation["op"]> = Extract<Operation, { readonly op: Op }>

/**
 * What a sending of some kind is answered.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type ValueOf<Op extends Operation["op"]> = Extract<Of<Op>["outcome"], { readonly tag: "Ok" }>["value"]

/**
 * What the log promises, as far as a checker has to know it; see the capabilities of the port.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Promises {
  readonly lateSettle: "accepted" | "refused"
  readonly attempts: "job" | "broker"
  readonly settle: "individual" | "prefix"
  /** Sessions live on when a process that uses the log crashes; else a crash ends them all, which is the default. */
  readonly sessionsOutliveCrashes?: boolean | undefined
}

/**
 * A recorded history.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface History {
  readonly format: "leasehold-history/1"
  readonly log: string
  readonly promises: Promises
  /** In the order of `id`. */
  readonly operations: ReadonlyArray<Operation>
  /**
   * The history ends with a drain in which nothing was lost: all leases ran out, everything claimable was claimed and
   * completed, until a claim came back empty.
   */
  readonly drained: boolean
}

const shortJob = (id: string): string => id.slice(-6)

const args = (operation: Operation): string => {
  switch (operation.op) {
    case "open":
      return `for ${operation.args.lease} ms`
    case "renew":
      return `${operation.args.session} #${operation.args.call}${operation.args.started.length > 0 ? ` started ${operation.args.started.join()}` : ""}`
    case "close":
      return operation.args.session
    case "enqueue":
      return operation.args.jobs
        .map((job) => `${shortJob(job.job)}${job.delay > 0 ? ` in ${job.delay} ms` : ""}`)
        .join(", ")
    case "claim":
      return `${operation.args.session} #${operation.args.call} at most ${operation.args.limit}`
    case "settle":
      return `${operation.args.session} #${operation.args.call} ${operation.args.items
        .map((item) => `${item.kind} ${shortJob(item.job)} token ${item.token}`)
        .join(", ")}`
    case "cancel":
    case "redrive":
    case "read":
      return shortJob(operation.args.job)
    case "reclaim":
      return `at most ${operation.args.limit}`
    case "advance":
      return `${operation.args.millis} ms`
    case "list":
    case "time":
    case "crash":
      return ""
  }
}

const grantLine = (grant: Granted): string =>
  `${shortJob(grant.job)} token ${grant.token} delivery ${grant.delivery} attempt ${grant.attempt}`

const answer = (operation: Operation): string => {
  const outcome = operation.outcome
  if (outcome.tag !== "Ok") return `${outcome.tag} (${outcome.reason})`
  switch (operation.op) {
    case "claim": {
      // the tag of the outcome was looked at above, which the compiler does not carry over to the union
      const { grants } = outcome.value as ValueOf<"claim">
      return grants.length === 0 ? "empty" : grants.map(grantLine).join(", ")
    }
    case "advance":
    case "close":
    case "crash":
      return "done"
    default:
      return JSON.stringify(outcome.value)
  }
}

/**
 * A sending in one line.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const formatOperation = (operation: Operation): string => {
  const fault = operation.fault === undefined ? "" : ` [${operation.fault}]`
  const again = operation.repeats === undefined ? "" : ` (again, as ${operation.repeats})`
  const head = `${operation.id}. ${operation.inv}–${operation.res} ${operation.client}: ${operation.op}`
  return `${head} ${args(operation)}${again}${fault} → ${answer(operation)}`
}
