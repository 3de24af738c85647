/**
 * Rows of the transition table: what operators do.
 *
 * @since 0.1.0
 */
import { waiting } from "./TransitionRow.ts"
import type { Row } from "./TransitionRow.ts"

/**
 * Cancel, Redrive, Reschedule, Purge.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const operatorRows: ReadonlyArray<Row> = [
  {
    id: "cancel",
    commands: ["Cancel"],
    states: [...waiting, "Leased", "DeadLettered"],
    when: {},
    outcome: "Cancelled",
    why: "takes effect at once; a running job's holder is told at its next renewal and keeps the permit until it confirms"
  },
  {
    id: "cancel-completed",
    commands: ["Cancel"],
    states: ["Completed"],
    when: {},
    outcome: "completed",
    why: "the completion took effect first"
  },
  {
    id: "cancel-cancelled",
    commands: ["Cancel"],
    states: ["Cancelled", "CancelledHeld"],
    when: {},
    outcome: "cancelled",
    why: "cancelled already"
  },
  {
    id: "redrive",
    commands: ["Redrive"],
    states: ["DeadLettered"],
    when: { keyFree: true },
    outcome: "Redriven",
    why: "a new generation with all its attempts and no deadline; the token goes on"
  },
  {
    id: "redrive-key-held",
    commands: ["Redrive"],
    states: ["DeadLettered"],
    when: { keyFree: false },
    outcome: "keyHeld",
    why: "another job does this work by now"
  },
  {
    id: "redrive-alive",
    commands: ["Redrive"],
    states: [...waiting, "Leased"],
    when: {},
    outcome: "notDeadLettered",
    why: "it is on its way already"
  },
  {
    id: "reschedule",
    commands: ["Reschedule"],
    states: waiting,
    when: {},
    outcome: "Rescheduled",
    why: "another instant or priority, at the same place in enqueue order"
  },
  {
    id: "purge-waiting",
    commands: ["Purge"],
    states: waiting,
    when: {},
    outcome: "notTerminal",
    why: "work is never dropped; cancel it first"
  },
  {
    id: "purge-held",
    commands: ["Purge"],
    states: ["Leased", "CancelledHeld"],
    when: {},
    outcome: "leased",
    why: "its holder still refers to it"
  },
  {
    id: "purge",
    commands: ["Purge"],
    states: ["Completed", "DeadLettered", "Cancelled"],
    when: {},
    outcome: "Purged",
    why: "only the record goes; an idempotency key stays for its window"
  }
]
