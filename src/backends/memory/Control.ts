/**
 * Operators' commands.
 *
 * @since 0.1.0
 */
import type { ControlCommand, ControlResult, QueuePolicy } from "../../log/JobLog.ts"
import type { Command, CommandContext } from "../../model/Command.ts"
import type { Rejection } from "../../model/Transition.ts"
import { withPolicy } from "./QueueState.ts"
import type { QueueState } from "./QueueState.ts"
import type { State } from "./State.ts"

const done: ControlResult = { _tag: "Done" }

const answer = (rejection: Rejection | undefined, holder?: string): ControlResult => {
  switch (rejection) {
    case undefined:
      return done
    case "keyHeld":
      return { _tag: "Refused", reason: "keyHeld", holder }
    case "unknownJob":
    case "leased":
    case "completed":
    case "cancelled":
    case "deadLettered":
    case "notTerminal":
    case "notDeadLettered":
      return { _tag: "Refused", reason: rejection }
    default:
      throw new Error(`leasehold: an operator's command was refused as ${rejection}`)
  }
}

const onJob = (
  state: State,
  id: string,
  command: Command,
  now: number,
  context: Partial<CommandContext> = {}
): Rejection | undefined => {
  const record = state.records.get(id)
  return record === undefined ? "unknownJob" : state.act(record, command, context, now)
}

/** New terms may move jobs of groups into the line or out of it. */
const configure = (state: State, queue: QueueState, policy: QueuePolicy, now: number): void => {
  const waiting = []
  for (const record of state.records.values()) {
    if (record.item.queue !== queue.name || record.job.status !== "Waiting" || record.item.group === undefined) continue
    waiting.push(record)
    queue.line.leave(record, now)
  }
  queue.policy = withPolicy(queue.policy, policy)
  queue.line.policy = queue.policy
  queue.configured = true
  for (const record of waiting) queue.line.join(record, now)
  state.announce(queue)
}

const controlOne = (state: State, command: ControlCommand, now: number): ControlResult => {
  switch (command._tag) {
    case "Cancel":
    case "Purge":
      return answer(onJob(state, command.id, { _tag: command._tag }, now))
    case "Redrive": {
      const record = state.records.get(command.id)
      const holder = record === undefined ? undefined : state.keys.holder(record.item, now)?.id
      const keyFree = holder === undefined || holder === command.id
      return answer(onJob(state, command.id, { _tag: "Redrive" }, now, { keyFree }), holder)
    }
    case "Reschedule":
      return answer(
        onJob(
          state,
          command.id,
          {
            _tag: "Reschedule",
            visibleAt: command.delay === undefined ? command.at : now + command.delay,
            priority: command.priority
          },
          now
        )
      )
    case "Pause":
      state.queue(command.queue).paused = true
      return done
    case "Resume": {
      const queue = state.queue(command.queue)
      queue.paused = false
      state.announce(queue)
      return done
    }
    case "Configure":
      configure(state, state.queue(command.queue), command.policy, now)
      return done
  }
}

/**
 * Carries out checked commands, one after the other.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const control = (
  state: State,
  commands: ReadonlyArray<ControlCommand>,
  now: number
): ReadonlyArray<ControlResult> => {
  const results = commands.map((command) => controlOne(state, command, now))
  for (const queue of state.queues.values()) state.advance(queue, now)
  return results
}
