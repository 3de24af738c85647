/**
 * Operators' commands.
 *
 * @since 0.1.0
 */
import type { ControlCommand, ControlResult } from "../../log/JobLog.ts"
import type { Command } from "../../model/Command.ts"
import { decide, type Rejection } from "../../model/Transition.ts"
import type { Engine } from "./Engine.ts"
import { parseJobId } from "./JobId.ts"
import { Flag } from "./JobTable.ts"
import { refreshGroups } from "./Placement.ts"
import { purge, retain } from "./Retention.ts"

const ok: ControlResult = { _tag: "Done" }
const words = new Int32Array(4)

const refusal = (rejection: Rejection, holder: string | undefined): ControlResult => {
  switch (rejection) {
    case "unknownJob":
    case "leased":
    case "completed":
    case "cancelled":
    case "deadLettered":
    case "notTerminal":
    case "notDeadLettered":
      return { _tag: "Refused", reason: rejection }
    case "keyHeld":
      return { _tag: "Refused", reason: "keyHeld", holder }
    default:
      throw new Error(`leasehold: ${rejection} is no answer to an operator`)
  }
}

type JobCommand = Extract<ControlCommand, { readonly id: string }>

const toCommand = (command: JobCommand, now: number): Command => {
  if (command._tag !== "Reschedule") return { _tag: command._tag }
  return {
    _tag: "Reschedule",
    visibleAt: command.at ?? (command.delay === undefined ? undefined : now + command.delay),
    priority: command.priority
  }
}

/**
 * The id of the job, other than this one, that holds the row's key.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const otherHolder = (engine: Engine, row: number): string | undefined => {
  const { store } = engine
  if ((store.table.chunk(row).flags[store.table.index(row)]! & Flag.Key) === 0) return undefined
  const holder = store.keys.holder(store.keys.own(row)!.scoped)
  if (holder === undefined || holder === row) return undefined
  return typeof holder === "object" ? holder.id : store.table.idOf(holder)
}

const onJob = (engine: Engine, command: JobCommand): ControlResult => {
  const { store } = engine
  parseJobId(command.id, words, 0)
  const row = store.ids.find(words, 0)
  const holder = row === -1 ? undefined : otherHolder(engine, row)
  const decision = decide(row === -1 ? undefined : store.job(row), toCommand(command, store.now), {
    now: store.now,
    sessionLive: false,
    paused: false,
    permit: true,
    keyFree: holder === undefined,
    sameRequest: false
  })
  if (typeof decision === "string") return refusal(decision, holder)
  if (decision._tag === "Purged") {
    purge(engine, row)
    return ok
  }
  const queue = store.queueOf(row)
  engine.recorder.event(store.sequenceOf(row), decision)
  store.transition(row, decision)
  if (decision._tag === "Cancelled") retain(engine, queue)
  return ok
}

/**
 * Decides, records and applies one command.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const control = (engine: Engine, command: ControlCommand): ControlResult => {
  const { store, recorder } = engine
  switch (command._tag) {
    case "Pause":
    case "Resume": {
      const queue = store.queue(command.queue)
      const paused = command._tag === "Pause"
      if (queue.paused === paused) return ok
      // the frame begins before the state changes, as a new segment's checkpoint must not know of the change
      recorder.open()
      queue.paused = paused
      recorder.queue(queue)
      if (!paused) store.touched.add(queue)
      return ok
    }
    case "Configure": {
      const queue = store.queue(command.queue)
      recorder.open()
      queue.configure(command.policy)
      if (typeof command.policy.maxBacklog === "number") store.bounded = true
      recorder.queue(queue)
      refreshGroups(store, queue)
      retain(engine, queue)
      return ok
    }
    default:
      return onJob(engine, command)
  }
}
