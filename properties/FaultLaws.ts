/**
 * Laws over generated histories that speak about what goes wrong: refusals, races, failing storage, openings anew and
 * clocks that are set. They share interpreter and model with the others.
 *
 * @since 0.1.0
 */
import { goOnAfterCompaction } from "./AfterCompaction.ts"
import { drain } from "./Drain.ts"
import { overHistories } from "./Law.ts"
import type { Law } from "./Law.ts"
import { reopenSetBack } from "./Time.ts"

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const atomicBatch: Law = overHistories({
  name: "atomicBatch",
  statement:
    "A batch of jobs, a claim of several and a settlement with its follow-ups are there wholly or not at all, whenever the log crashes.",
  profile: {
    bulkyPayloads: true,
    weights: { Enqueue: 4, Claim: 6, CrashDuring: 10, AdvanceToExpiry: 1 },
    options: { priority: 10, group: 10 }
  },
  claimedBy: (can) => can.durability !== "none",
  needs: ["crash"]
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const claimAtomic: Law = overHistories({
  name: "claimAtomic",
  statement: "Claims at the same time receive disjoint jobs, and none receives more than it asked for.",
  profile: {
    weights: { Enqueue: 8, ClaimTogether: 12, Claim: 3, Cancel: 3, AdvanceToExpiry: 2, Reclaim: 2, Close: 1 },
    options: { priority: 20, group: 20 }
  }
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const terminalOnce: Law = overHistories({
  name: "terminalOnce",
  statement:
    "A job ends once per generation, completed or dead-lettered or cancelled, and only a redrive or a cancel of a dead letter changes that.",
  profile: {
    weights: {
      Settle: 10,
      Claim: 8,
      Cancel: 4,
      CompleteAndCancelTogether: 4,
      SettleAndReclaimTogether: 3,
      Redrive: 3,
      RepeatCall: 2,
      Crash: 1
    },
    options: { bounds: 40, deadline: 10 }
  }
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const staleChangesNothing: Law = overHistories({
  name: "staleChangesNothing",
  statement:
    "After a refused settlement, renewal or claim every job and count is shown as before, in every field: state, instants, attempts, cause, progress, holder.",
  profile: {
    weights: {
      Enqueue: 4,
      Claim: 12,
      Settle: 16,
      Renew: 9,
      AdvanceToExpiry: 5,
      Reclaim: 3,
      Close: 3,
      Cancel: 5,
      Redrive: 2,
      Purge: 1
    },
    options: { key: 10, group: 10, bounds: 10 },
    followUps: 10,
    length: 70
  },
  claimedBy: (can) => can.fence === "strict" && can.inspect
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const outcomeTruth: Law = overHistories({
  name: "outcomeTruth",
  statement:
    "Refused means that nothing happened, unknown that all of it happened or nothing; no failure is reported as the other.",
  profile: {
    weights: {
      EnqueueAgain: 4,
      Settle: 8,
      Renew: 4,
      Cancel: 3,
      Redrive: 3,
      Reschedule: 3,
      Purge: 3,
      Close: 2,
      AdvanceToExpiry: 3,
      Reclaim: 3,
      FailDuring: 4
    },
    options: { key: 30, delay: 10, bounds: 10 },
    followUps: 20
  },
  claimedBy: (can) => can.inspect
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const reclaimGuarded: Law = overHistories({
  name: "reclaimGuarded",
  statement:
    "Reclaim takes back only what an ended lease left behind: not what was renewed, settled or granted anew by then.",
  profile: {
    weights: {
      Claim: 9,
      SettleAndReclaimTogether: 8,
      AdvanceToExpiry: 4,
      Reclaim: 6,
      Renew: 5,
      Close: 1,
      Cancel: 1
    },
    options: { bounds: 10, group: 10 }
  },
  claimedBy: (can) => can.reclaim === "log" && can.lease === "timed"
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const backoffHonoured: Law = overHistories({
  name: "backoffHonoured",
  statement: "A job that comes back is granted no sooner than its retry or release said, to the millisecond.",
  profile: {
    weights: { Claim: 12, Settle: 12, Advance: 5, AdvanceToExpiry: 1, Reclaim: 1, Crash: 1 },
    options: { priority: 10 }
  }
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const clockStepSafe: Law = overHistories({
  name: "clockStepSafe",
  statement:
    "A wall clock set back never makes the log's time go back, and never holds it up for longer than it was set back; one set forward breaks no other law. Opened again, a log that keeps anything is at no earlier time than its last acknowledged change, where the harness has a hand for that.",
  profile: {
    weights: { StepClock: 6, Advance: 5, AdvanceToExpiry: 4, Renew: 4, Reclaim: 4, Claim: 8 },
    options: { delay: 30, deadline: 10 }
  },
  claimedBy: (can) => can.lease === "timed",
  needs: ["stepClock"],
  epilogue: reopenSetBack
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const eventuallyClaimed: Law = overHistories({
  name: "eventuallyClaimed",
  statement:
    "Whatever happened before, once workers claim and complete again every job that is not terminal is granted and ends.",
  profile: {
    weights: {
      Enqueue: 8,
      Advance: 1,
      AdvanceToExpiry: 2,
      Reclaim: 1,
      Renew: 1,
      Close: 1,
      Cancel: 1,
      Pause: 1,
      Redrive: 1,
      Reschedule: 1,
      Configure: 1,
      Crash: 1
    },
    options: { delay: 30, group: 40, priority: 30, bounds: 20, deadline: 10 },
    length: 25
  },
  epilogue: drain
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const recoveryIdempotent: Law = overHistories({
  name: "recoveryIdempotent",
  statement:
    "However often the log is opened, after crashes and in good order, it shows the same jobs; that an opening is itself cut short is tried where the harness's crash does so.",
  profile: {
    bulkyPayloads: true,
    weights: {
      Enqueue: 8,
      Restart: 5,
      Crash: 5,
      AdvanceToExpiry: 1,
      Reclaim: 1,
      Cancel: 1,
      Pause: 1,
      Redrive: 1,
      Renew: 2
    },
    options: { priority: 20, delay: 20, bounds: 20, group: 20, key: 20, deadline: 10 },
    followUps: 10
  },
  claimedBy: (can) => can.durability !== "none",
  needs: ["crash", "restart"]
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const compactionKeepsAll: Law = overHistories({
  name: "compactionKeepsAll",
  statement:
    "A log that rewrites its storage shows the same before, afterwards and when it is opened again, also after a crash in the middle.",
  profile: {
    bulkyPayloads: true,
    weights: { Enqueue: 8, Compact: 4, Restart: 1, Crash: 2, Renew: 1, Cancel: 1, Pause: 1, Purge: 2, RepeatCall: 1 },
    options: { priority: 20, delay: 20, bounds: 20, group: 20, key: 30, metadata: 10 },
    followUps: 10,
    length: 30
  },
  claimedBy: (can) => can.durability !== "none",
  needs: ["compact"],
  epilogue: goOnAfterCompaction
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const poisonOnSyncError: Law = overHistories({
  name: "poisonOnSyncError",
  statement:
    "When storage fails to make something durable, no call on it succeeds, those in flight are unknown or refused, and the log opened again has kept all that was acknowledged.",
  profile: {
    bulkyPayloads: true,
    weights: { FailDuring: 8, Enqueue: 6, Crash: 2, AdvanceToExpiry: 1 },
    options: { priority: 10, delay: 10, group: 10 }
  },
  claimedBy: (can) => can.durability !== "none",
  needs: ["failSync"]
})
