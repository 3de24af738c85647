/**
 * Rows of the transition table: what ends a grant.
 *
 * @since 0.1.0
 */
import { existing, fenced, waiting } from "./TransitionRow.ts"
import type { Row } from "./TransitionRow.ts"

const holder = { sessionLive: true, current: true } as const

/**
 * The commands of a grant's holder, and Reclaim.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const grantRows: ReadonlyArray<Row> = [
  {
    id: "fence-dead-session",
    commands: fenced,
    states: existing,
    when: { sessionLive: false },
    outcome: "sessionDead",
    why: "a dead session has no say, even before its jobs are given to others"
  },
  {
    id: "fence-stale",
    commands: fenced,
    states: [...waiting, "Leased", "DeadLettered"],
    when: { sessionLive: true, current: false },
    outcome: "stale",
    why: "the grant has ended; someone else may hold the job by now"
  },
  {
    id: "fence-completed",
    commands: fenced,
    states: ["Completed"],
    when: { sessionLive: true, current: false },
    outcome: "completed",
    why: "the loser learns how the job ended"
  },
  {
    id: "fence-cancelled",
    commands: fenced,
    states: ["Cancelled", "CancelledHeld"],
    when: { sessionLive: true, current: false },
    outcome: "cancelled",
    why: "the loser learns how the job ended"
  },
  {
    id: "fence-cancelled-holder",
    commands: ["MarkStarted", "Complete", "Retry", "DeadLetter"],
    states: ["CancelledHeld"],
    when: holder,
    outcome: "cancelled",
    why: "the cancellation took effect first; release to confirm it"
  },
  {
    id: "release-cancelled",
    commands: ["Release"],
    states: ["CancelledHeld"],
    when: holder,
    outcome: "CancelConfirmed",
    why: "the holder has stopped, so its group's permit is free"
  },
  {
    id: "mark-started",
    commands: ["MarkStarted"],
    states: ["Leased"],
    when: holder,
    outcome: "Started",
    why: "from now on a lost lease costs an attempt"
  },
  {
    id: "complete",
    commands: ["Complete"],
    states: ["Leased"],
    when: holder,
    outcome: "Completed",
    why: "done; the settlement proves that the attempt started"
  },
  {
    id: "dead-letter",
    commands: ["DeadLetter"],
    states: ["Leased"],
    when: holder,
    outcome: "DeadLettered",
    cause: "given",
    counted: true,
    why: "the holder gives it up for good"
  },
  {
    id: "retry-late",
    commands: ["Retry"],
    states: ["Leased"],
    when: { ...holder, inTime: false },
    outcome: "DeadLettered",
    cause: "deadline",
    counted: true,
    why: "the next attempt would fall after the job's last instant"
  },
  {
    id: "retry-exhausted",
    commands: ["Retry"],
    states: ["Leased"],
    when: { ...holder, inTime: true, attemptsLeft: false },
    outcome: "DeadLettered",
    cause: "maxAttempts",
    counted: true,
    why: "that was the last attempt"
  },
  {
    id: "retry-undeliverable",
    commands: ["Retry"],
    states: ["Leased"],
    when: { ...holder, inTime: true, attemptsLeft: true, deliveriesLeft: false },
    outcome: "DeadLettered",
    cause: "maxDeliveries",
    counted: true,
    why: "it has been handed out too often to be handed out again"
  },
  {
    id: "retry",
    commands: ["Retry"],
    states: ["Leased"],
    when: { ...holder, inTime: true, attemptsLeft: true, deliveriesLeft: true },
    outcome: "Retried",
    why: "it waits out its back-off at its old place in the queue"
  },
  {
    id: "release-late",
    commands: ["Release"],
    states: ["Leased"],
    when: { ...holder, inTime: false },
    outcome: "DeadLettered",
    cause: "deadline",
    counted: false,
    why: "it would come back after its last instant"
  },
  {
    id: "release-undeliverable",
    commands: ["Release"],
    states: ["Leased"],
    when: { ...holder, inTime: true, deliveriesLeft: false },
    outcome: "DeadLettered",
    cause: "maxDeliveries",
    counted: false,
    why: "a job that everyone gives back must not circle for ever"
  },
  {
    id: "release",
    commands: ["Release"],
    states: ["Leased"],
    when: { ...holder, inTime: true, deliveriesLeft: true },
    outcome: "Released",
    why: "given back without using up an attempt"
  },
  {
    id: "reclaim-live",
    commands: ["Reclaim"],
    states: ["Leased", "CancelledHeld"],
    when: { sessionLive: true },
    outcome: "notExpired",
    why: "the lease of a live session is never cut short"
  },
  {
    id: "reclaim-late",
    commands: ["Reclaim"],
    states: ["Leased"],
    when: { sessionLive: false, inTime: false, started: true },
    outcome: "DeadLettered",
    cause: "deadline",
    counted: true,
    why: "its last instant has passed, and the lost attempt had started"
  },
  {
    id: "reclaim-late-unstarted",
    commands: ["Reclaim"],
    states: ["Leased"],
    when: { sessionLive: false, inTime: false, started: false },
    outcome: "DeadLettered",
    cause: "deadline",
    counted: false,
    why: "its last instant has passed before the attempt was known to start"
  },
  {
    id: "reclaim-exhausted",
    commands: ["Reclaim"],
    states: ["Leased"],
    when: { sessionLive: false, inTime: true, started: true, attemptsLeft: false },
    outcome: "DeadLettered",
    cause: "maxAttempts",
    counted: true,
    why: "the attempt that was lost was the last"
  },
  {
    id: "reclaim-undeliverable",
    commands: ["Reclaim"],
    states: ["Leased"],
    when: { sessionLive: false, inTime: true, started: true, attemptsLeft: true, deliveriesLeft: false },
    outcome: "DeadLettered",
    cause: "maxDeliveries",
    counted: true,
    why: "a job that takes its workers down with it must not circle for ever"
  },
  {
    id: "reclaim-undeliverable-unstarted",
    commands: ["Reclaim"],
    states: ["Leased"],
    when: { sessionLive: false, inTime: true, started: false, deliveriesLeft: false },
    outcome: "DeadLettered",
    cause: "maxDeliveries",
    counted: false,
    why: "nor one that kills them before they can say that it started"
  },
  {
    id: "reclaim-started",
    commands: ["Reclaim"],
    states: ["Leased"],
    when: { sessionLive: false, inTime: true, started: true, attemptsLeft: true, deliveriesLeft: true },
    outcome: "Reclaimed",
    why: "claimable again; the lost attempt counts"
  },
  {
    id: "reclaim-unstarted",
    commands: ["Reclaim"],
    states: ["Leased"],
    when: { sessionLive: false, inTime: true, started: false, deliveriesLeft: true },
    outcome: "Reclaimed",
    why: "claimable again; an attempt that never started costs nothing"
  },
  {
    id: "reclaim-cancelled-held",
    commands: ["Reclaim"],
    states: ["CancelledHeld"],
    when: { sessionLive: false },
    outcome: "CancelConfirmed",
    why: "the holder is gone, which confirms as well"
  },
  {
    id: "reclaim-waiting",
    commands: ["Reclaim"],
    states: waiting,
    when: {},
    outcome: "stale",
    why: "nobody holds it any more"
  }
]
