/**
 * Rows of the transition table: how a job comes to be, waits, is granted or runs out of time.
 *
 * @since 0.1.0
 */
import { existing, fenced, waiting } from "./TransitionRow.ts"
import type { Row } from "./TransitionRow.ts"

/**
 * Enqueue, Replace, Claim, Expire; and what commands answer that do not fit a state.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const waitingRows: ReadonlyArray<Row> = [
  {
    id: "absent",
    commands: [
      ...(["Replace", "Claim", ...fenced, "Reclaim", "Expire"] as const),
      ...(["Cancel", "Redrive", "Reschedule", "Purge"] as const)
    ],
    states: ["Absent"],
    when: {},
    outcome: "unknownJob",
    why: "there is nothing to act on; a purged job is as good as one that never was"
  },
  {
    id: "enqueue-new",
    commands: ["Enqueue"],
    states: ["Absent"],
    when: {},
    outcome: "Enqueued",
    why: "the only way a job comes to be"
  },
  {
    id: "enqueue-same",
    commands: ["Enqueue"],
    states: existing,
    when: { sameRequest: true },
    outcome: "duplicate",
    why: "a repeated call learns what the first one was answered"
  },
  {
    id: "enqueue-other",
    commands: ["Enqueue"],
    states: existing,
    when: { sameRequest: false },
    outcome: "idConflict",
    why: "two jobs cannot share an id"
  },
  {
    id: "replace-waiting",
    commands: ["Replace"],
    states: waiting,
    when: { everGranted: false },
    outcome: "Replaced",
    why: "nobody has seen the job yet"
  },
  {
    id: "replace-granted",
    commands: ["Replace"],
    states: waiting,
    when: { everGranted: true },
    outcome: "granted",
    why: "a worker may have begun with the old payload, in this generation or before a redrive"
  },
  {
    id: "claim-dead-session",
    commands: ["Claim"],
    states: existing,
    when: { sessionLive: false },
    outcome: "sessionDead",
    why: "a grant needs a lease, and the session is the lease"
  },
  {
    id: "claim-overdue",
    commands: ["Claim"],
    states: waiting,
    when: { sessionLive: true, overdue: true },
    outcome: "DeadLettered",
    cause: "deadline",
    counted: false,
    why: "its last instant has passed, whether it was visible by then or not"
  },
  {
    id: "claim-scheduled",
    commands: ["Claim"],
    states: ["Scheduled"],
    when: { sessionLive: true, overdue: false },
    outcome: "notReady",
    why: "never before its instant"
  },
  {
    id: "claim-paused",
    commands: ["Claim"],
    states: ["Ready"],
    when: { sessionLive: true, overdue: false, paused: true },
    outcome: "paused",
    why: "a paused queue grants nothing"
  },
  {
    id: "claim-group-busy",
    commands: ["Claim"],
    states: ["Ready"],
    when: { sessionLive: true, overdue: false, paused: false, permit: false },
    outcome: "groupBusy",
    why: "others of its group are before it or still run"
  },
  {
    id: "claim-ready",
    commands: ["Claim"],
    states: ["Ready"],
    when: { sessionLive: true, overdue: false, paused: false, permit: true },
    outcome: "Granted",
    why: "a new grant with a new token; it counts as a delivery at once"
  },
  {
    id: "claim-leased",
    commands: ["Claim"],
    states: ["Leased"],
    when: { sessionLive: true },
    outcome: "leased",
    why: "one worker at a time, also when the lease has expired but nobody has reclaimed it"
  },
  {
    id: "claim-completed",
    commands: ["Claim"],
    states: ["Completed"],
    when: { sessionLive: true },
    outcome: "completed",
    why: "a completed job never runs again"
  },
  {
    id: "claim-dead-lettered",
    commands: ["Claim"],
    states: ["DeadLettered"],
    when: { sessionLive: true },
    outcome: "deadLettered",
    why: "only a redrive brings it back"
  },
  {
    id: "claim-cancelled",
    commands: ["Claim"],
    states: ["Cancelled", "CancelledHeld"],
    when: { sessionLive: true },
    outcome: "cancelled",
    why: "a cancelled job never runs again"
  },
  {
    id: "expire-overdue",
    commands: ["Expire"],
    states: waiting,
    when: { overdue: true },
    outcome: "DeadLettered",
    cause: "deadline",
    counted: false,
    why: "its last instant has passed while it waited"
  },
  {
    id: "expire-early",
    commands: ["Expire"],
    states: waiting,
    when: { overdue: false },
    outcome: "notExpired",
    why: "it has no deadline, or still time"
  },
  {
    id: "waiting-only-leased",
    commands: ["Replace", "Expire", "Reschedule"],
    states: ["Leased"],
    when: {},
    outcome: "leased",
    why: "not while a worker holds it"
  },
  {
    id: "ended-completed",
    commands: ["Replace", "Reclaim", "Expire", "Redrive", "Reschedule"],
    states: ["Completed"],
    when: {},
    outcome: "completed",
    why: "it is done for good"
  },
  {
    id: "ended-dead-lettered",
    commands: ["Replace", "Reclaim", "Expire", "Reschedule"],
    states: ["DeadLettered"],
    when: {},
    outcome: "deadLettered",
    why: "only a redrive brings it back"
  },
  {
    id: "ended-cancelled",
    commands: ["Replace", "Reclaim", "Expire", "Redrive", "Reschedule"],
    states: ["Cancelled"],
    when: {},
    outcome: "cancelled",
    why: "it is cancelled for good"
  },
  {
    id: "ended-cancelled-held",
    commands: ["Replace", "Expire", "Redrive", "Reschedule"],
    states: ["CancelledHeld"],
    when: {},
    outcome: "cancelled",
    why: "it is cancelled for good, even while its holder runs on"
  }
]
