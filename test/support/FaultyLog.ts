/**
 * A job log between its users and a sound one, which fails on demand: late, refused, unknown with or without effect,
 * or with a reply that never arrives. It keeps the calls, so that a test can see what was repeated.
 */
import * as Effect from "effect/Effect"
import type { JobLogOperations } from "../../src/log/JobLog.ts"
import { type LogError, type LogErrorReason, refused, Unavailable, unknown } from "../../src/log/LogError.ts"

export type Operation = Exclude<keyof JobLogOperations, "capabilities">

export type Fault =
  /** It takes effect, and answers, this much later. */
  | { readonly _tag: "Late"; readonly millis: number }
  | { readonly _tag: "Refused"; readonly reason: LogErrorReason }
  /** It took effect, and its outcome is unknown for a reason that repeating does not help. */
  | { readonly _tag: "Unclear"; readonly reason: LogErrorReason }
  /** The caller learns nothing; `applied` says whether it took effect. */
  | { readonly _tag: "Unknown"; readonly applied: boolean }
  /** The caller waits for ever. */
  | { readonly _tag: "Lost"; readonly applied: boolean }
  | { readonly _tag: "Defect"; readonly applied: boolean }
  | { readonly _tag: "None" }

export const late = (millis: number): Fault => ({ _tag: "Late", millis })
export const refuse = (reason: LogErrorReason): Fault => ({ _tag: "Refused", reason })
export const unclear = (reason: LogErrorReason): Fault => ({ _tag: "Unclear", reason })
export const down: Fault = { _tag: "Unknown", applied: false }
export const replyUnknown: Fault = { _tag: "Unknown", applied: true }
export const replyLost: Fault = { _tag: "Lost", applied: true }
export const requestLost: Fault = { _tag: "Lost", applied: false }
export const defect: Fault = { _tag: "Defect", applied: false }
export const defectAfter: Fault = { _tag: "Defect", applied: true }
export const none: Fault = { _tag: "None" }

export interface Call {
  readonly operation: Operation
  readonly request: unknown
  readonly fault: Fault["_tag"]
}

export interface FaultyLog {
  readonly log: JobLogOperations
  readonly calls: ReadonlyArray<Call>
  /** The next calls of the operation meet these, in order. */
  readonly next: (operation: Operation, ...faults: ReadonlyArray<Fault>) => void
  /** All calls of the operation meet this until `heal`. */
  readonly always: (operation: Operation, fault: Fault) => void
  readonly heal: () => void
  /** Calls of one operation. */
  readonly callsOf: (operation: Operation) => ReadonlyArray<Call>
  /** Calls that have begun and not ended. */
  readonly inFlight: (operation: Operation) => number
  readonly mostInFlight: (operation: Operation) => number
}

const unreachable = (operation: string): LogError => unknown(operation, new Unavailable({ detail: "connection reset" }))

const suffer = <A>(
  operation: Operation,
  call: Effect.Effect<A, LogError>,
  fault: Fault
): Effect.Effect<A, LogError> => {
  switch (fault._tag) {
    case "None":
      return call
    case "Late":
      return Effect.andThen(Effect.sleep(fault.millis), call)
    case "Refused":
      return Effect.fail(refused(operation, fault.reason))
    case "Unclear":
      return Effect.andThen(call, Effect.fail(unknown(operation, fault.reason)))
    case "Unknown": {
      const failed = Effect.fail(unreachable(operation))
      return fault.applied ? Effect.andThen(call, failed) : failed
    }
    case "Lost":
      return fault.applied ? Effect.andThen(call, Effect.never) : Effect.never
    case "Defect": {
      const died = Effect.die(new Error(`a bug of the log in ${operation}`))
      return fault.applied ? Effect.andThen(call, died) : died
    }
  }
}

export const make = (sound: JobLogOperations): FaultyLog => {
  const calls: Array<Call> = []
  const planned = new Map<Operation, Array<Fault>>()
  const standing = new Map<Operation, Fault>()
  const open = new Map<Operation, number>()
  const most = new Map<Operation, number>()

  const wrap =
    <I, A>(operation: Operation, run: (input: I) => Effect.Effect<A, LogError>) =>
    (input: I): Effect.Effect<A, LogError> =>
      Effect.suspend(() => {
        const fault = planned.get(operation)?.shift() ?? standing.get(operation) ?? none
        calls.push({ operation, request: input, fault: fault._tag })
        const now = (open.get(operation) ?? 0) + 1
        open.set(operation, now)
        most.set(operation, Math.max(now, most.get(operation) ?? 0))
        return Effect.ensuring(
          suffer(operation, run(input), fault),
          Effect.sync(() => open.set(operation, (open.get(operation) ?? 1) - 1))
        )
      })

  return {
    log: {
      capabilities: sound.capabilities,
      open: wrap("open", sound.open),
      renew: wrap("renew", sound.renew),
      close: wrap("close", sound.close),
      enqueue: wrap("enqueue", sound.enqueue),
      claim: wrap("claim", sound.claim),
      settle: wrap("settle", sound.settle),
      reclaim: wrap("reclaim", sound.reclaim),
      control: wrap("control", sound.control),
      read: wrap("read", sound.read),
      changes: wrap("changes", sound.changes)
    },
    calls,
    next: (operation, ...faults) => {
      planned.set(operation, [...(planned.get(operation) ?? []), ...faults])
    },
    always: (operation, fault) => {
      standing.set(operation, fault)
    },
    heal: () => {
      planned.clear()
      standing.clear()
    },
    callsOf: (operation) => calls.filter((call) => call.operation === operation),
    inFlight: (operation) => open.get(operation) ?? 0,
    mostInFlight: (operation) => most.get(operation) ?? 0
  }
}
