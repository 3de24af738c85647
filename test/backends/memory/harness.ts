/** A memory log under test, with the shortest way to say what a test needs. */
import * as Effect from "effect/Effect"
import type {
  ClaimResult,
  ControlCommand,
  ControlResult,
  EnqueueItem,
  Grant,
  JobLogOperations,
  JobView,
  QueuePolicy,
  Session,
  SettleItem,
  Settlement,
  SettleResult
} from "../../../src/log/JobLog.ts"
import type { LogError } from "../../../src/log/LogError.ts"
import * as MemoryLog from "../../../src/backends/memory/MemoryLog.ts"

/** The n-th job id. */
export const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`

export const item = (n: number, options?: Partial<EnqueueItem>): EnqueueItem => ({
  id: id(n),
  queue: "q",
  name: "job",
  version: 1,
  payload: `payload ${n}`,
  ...options
})

export const cause = { kind: "failure", tag: "Declined", message: "no" } as const

export interface Worker {
  readonly session: Session
  readonly claim: (
    limit?: number,
    options?: { readonly queue?: string; readonly park?: boolean; readonly names?: ReadonlyArray<string> }
  ) => Effect.Effect<ClaimResult, LogError>
  /** Claims one job that must be there. */
  readonly take: (queue?: string) => Effect.Effect<Grant, LogError>
  readonly settle: (grant: Grant, settlement: Settlement) => Effect.Effect<SettleResult, LogError>
  readonly renew: (
    started?: ReadonlyArray<bigint>,
    progress?: ReadonlyArray<{ readonly token: bigint; readonly value: string }>
  ) => ReturnType<JobLogOperations["renew"]>
  readonly close: Effect.Effect<void, LogError>
  /** The number of the next call. */
  readonly nextCall: () => number
}

export interface Bench {
  readonly log: JobLogOperations
  readonly enqueue: (...items: ReadonlyArray<EnqueueItem>) => ReturnType<JobLogOperations["enqueue"]>
  readonly worker: (leaseDuration?: number) => Effect.Effect<Worker, LogError>
  readonly view: (n: number) => Effect.Effect<JobView | undefined, LogError>
  readonly control: (command: ControlCommand) => Effect.Effect<ControlResult, LogError>
}

export const settleItem = (grant: Grant, settlement: Settlement): SettleItem => ({
  id: grant.id,
  token: grant.token,
  receipt: grant.receipt,
  settlement
})

const makeWorker = Effect.fnUntraced(function* (log: JobLogOperations, leaseDuration: number) {
  const session = yield* log.open({ owner: "test", leaseDuration })
  let call = 0
  const nextCall = (): number => (call += 1)
  const claim: Worker["claim"] = (limit = 10, { queue = "q", ...options } = {}) =>
    Effect.suspend(() => log.claim({ session: session.id, call: nextCall(), queue, limit, ...options }))
  const worker: Worker = {
    session,
    claim,
    nextCall,
    take: (queue = "q") =>
      Effect.flatMap(claim(1, { queue }), ({ grants }) =>
        grants[0] === undefined ? Effect.die(new Error("nothing to claim")) : Effect.succeed(grants[0])
      ),
    settle: (grant, settlement) =>
      Effect.suspend(() =>
        Effect.flatMap(
          log.settle({ session: session.id, call: nextCall(), items: [settleItem(grant, settlement)] }),
          ([result]) => (result === undefined ? Effect.die(new Error("no answer")) : Effect.succeed(result))
        )
      ),
    renew: (started = [], progress = []) =>
      Effect.suspend(() => log.renew({ session: session.id, call: nextCall(), started, progress })),
    close: Effect.suspend(() => log.close(session.id))
  }
  return worker
})

export const bench = (policy?: QueuePolicy): Effect.Effect<Bench> =>
  Effect.map(MemoryLog.make({ policy }), (log) => ({
    log,
    enqueue: (...items) => log.enqueue(items),
    worker: (leaseDuration = 30_000) => makeWorker(log, leaseDuration),
    view: (n) =>
      Effect.map(log.read({ _tag: "Job", id: id(n) }), (answer) => (answer._tag === "Job" ? answer.job : undefined)),
    control: (command) =>
      Effect.flatMap(log.control([command]), ([result]) =>
        result === undefined ? Effect.die(new Error("no answer")) : Effect.succeed(result)
      )
  }))
