/**
 * What a log's author need not write: every request checked before it reaches the log, against the port's limits and
 * against what the log's own capabilities deny.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { Limits } from "../model/Limits.ts"
import type { Capabilities } from "./Capabilities.ts"
import { fits } from "./Checks.ts"
import type { ControlCommand } from "./Control.ts"
import type { EnqueueItem } from "./Enqueue.ts"
import type { JobLogOperations } from "./JobLog.ts"
import { InvalidRequest, refused, Unsupported } from "./LogError.ts"
import type { LogError } from "./LogError.ts"
import * as Validate from "./Validate.ts"

type Problem = InvalidRequest | Unsupported | undefined

const lacks = (capability: string, field: string): Unsupported =>
  new Unsupported({ capability, detail: `${field} asks for it; leave it out, or choose another log` })

/** Priorities of a log lie around 0, as many below as above. */
const priorityProblem = (can: Capabilities, field: string, priority: number | undefined): Problem =>
  priority === undefined || Math.abs(priority) <= Math.floor((can.priorities - 1) / 2)
    ? undefined
    : lacks("priorities", field)

const itemProblem = (can: Capabilities, item: EnqueueItem, field: string): Problem => {
  if (item.group !== undefined && !can.groups) return lacks("groups", `${field}.group`)
  if (item.key !== undefined && !can.dedupe) return lacks("dedupe", `${field}.key`)
  if (item.delay !== undefined && item.delay > can.maxDelay) return lacks("maxDelay", `${field}.delay`)
  // how far ahead an instant lies only the log's clock can tell
  if (item.at !== undefined && can.maxDelay === 0) return lacks("maxDelay", `${field}.at`)
  if (!fits(item.payload, can.maxPayload)) {
    const detail = `exceeds the ${can.maxPayload} bytes of this log; store large data elsewhere and pass a reference`
    return new InvalidRequest({ field: `${field}.payload`, detail })
  }
  return priorityProblem(can, `${field}.priority`, item.priority)
}

const itemsProblem = (can: Capabilities, items: ReadonlyArray<EnqueueItem>, field: string): Problem => {
  for (const [i, item] of items.entries()) {
    const problem = itemProblem(can, item, `${field}[${i}]`)
    if (problem !== undefined) return problem
  }
  return undefined
}

const countProblem = (can: Capabilities, field: string, items: ReadonlyArray<unknown>): Problem =>
  items.length <= Math.min(Limits.batchItems, can.maxBatch)
    ? undefined
    : new InvalidRequest({ field, detail: `has ${items.length} parts, this log takes ${can.maxBatch} in one call` })

const commandProblem = (can: Capabilities, command: ControlCommand, field: string): Problem => {
  if (command._tag === "Reschedule") {
    if (command.delay !== undefined && command.delay > can.maxDelay) return lacks("maxDelay", `${field}.delay`)
    return priorityProblem(can, `${field}.priority`, command.priority)
  }
  if (command._tag !== "Configure" || can.groups) return undefined
  const { groupConcurrency, groupOnRetry } = command.policy
  return groupConcurrency === undefined && groupOnRetry === undefined ? undefined : lacks("groups", `${field}.policy`)
}

const commandsProblem = (can: Capabilities, commands: ReadonlyArray<ControlCommand>): Problem => {
  for (const [i, command] of commands.entries()) {
    const problem = commandProblem(can, command, `commands[${i}]`)
    if (problem !== undefined) return problem
  }
  return undefined
}

/**
 * What is wrong with the follow-up jobs of one completion, if anything: they break a limit, or need what the log has
 * not. A log answers such a completion `Refused` with `invalidFollowUp`, and settles its neighbours.
 *
 * @since 0.1.0
 * @category validation
 * @stability unstable
 */
export const followUpProblem = (
  capabilities: Capabilities,
  items: ReadonlyArray<EnqueueItem>
): InvalidRequest | Unsupported | undefined => Validate.followUps(items) ?? itemsProblem(capabilities, items, "enqueue")

/**
 * The same log behind a check of every request. What breaks a limit is refused as `InvalidRequest`, what the log's
 * capabilities deny as `Unsupported`, both with the whole call and before the log sees any of it. A claim does not park
 * in a log without parked claims, and `changes` never answers in one without `notify`.
 *
 * Three checks are left to the log, which alone can make them: `at` against `maxDelay`, follow-ups
 * ({@link followUpProblem}; with `atomic: "queue"` also that they stay in the queue of the job), and a queue's
 * `maxBacklog`.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const atTheEdge = (log: JobLogOperations): JobLogOperations => {
  const can = log.capabilities
  const checked = <A>(
    operation: string,
    problem: () => Problem,
    call: () => Effect.Effect<A, LogError>
  ): Effect.Effect<A, LogError> =>
    Effect.suspend(() => {
      const found = problem()
      return found === undefined ? call() : Effect.fail(refused(operation, found))
    })
  const leaseProblem = (leaseDuration: number): Problem =>
    leaseDuration <= can.maxLease
      ? undefined
      : new InvalidRequest({ field: "leaseDuration", detail: `this log's longest lease is ${can.maxLease} ms` })
  return {
    capabilities: can,
    open: (options) =>
      checked(
        "open",
        () => Validate.open(options) ?? leaseProblem(options.leaseDuration),
        () => log.open(options)
      ),
    renew: (request) =>
      checked(
        "renew",
        () => Validate.renew(request),
        () => log.renew(request)
      ),
    close: (session) => log.close(session),
    enqueue: (items) =>
      checked(
        "enqueue",
        () => Validate.enqueue(items) ?? countProblem(can, "items", items) ?? itemsProblem(can, items, "items"),
        () => log.enqueue(items)
      ),
    claim: (request) =>
      checked(
        "claim",
        () =>
          Validate.claim(request) ??
          (request.names === undefined || can.nameFilter ? undefined : lacks("nameFilter", "names")),
        () => log.claim(request.park === true && !can.parkedClaims ? { ...request, park: false } : request)
      ),
    settle: (request) =>
      checked(
        "settle",
        () => Validate.settle(request) ?? countProblem(can, "items", request.items),
        () => log.settle(request)
      ),
    reclaim: (options) =>
      checked(
        "reclaim",
        () => Validate.reclaim(options),
        () => log.reclaim(options)
      ),
    control: (commands) =>
      checked(
        "control",
        () => Validate.control(commands) ?? countProblem(can, "commands", commands) ?? commandsProblem(can, commands),
        () => log.control(commands)
      ),
    read: (query) =>
      checked(
        "read",
        () => Validate.read(query) ?? (can.inspect ? undefined : lacks("inspect", query._tag)),
        () => log.read(query)
      ),
    changes: (request) =>
      checked(
        "changes",
        () => Validate.changes(request),
        () => (can.notify ? log.changes(request) : Effect.never)
      )
  }
}
