/**
 * The laws that are checked over generated histories. They share one interpreter and one model; each weighs the steps
 * and options so that what it speaks about happens often.
 *
 * @since 0.1.0
 */
import { afterwards } from "./Afterwards.ts"
import { askAgain } from "./AskedAgain.ts"
import { tryGroupTerms } from "./GroupTerms.ts"
import { overHistories } from "./Law.ts"
import type { Law } from "./Law.ts"
import type { JobSpec, SettleSpec } from "./Step.ts"

const plain: JobSpec = { queue: 0, name: 0, payload: "{}" }

const completeWithFollowUp: SettleSpec = {
  grant: 0,
  kind: "Complete",
  delay: 0,
  result: "",
  plain: true,
  followUps: [plain],
  badFollowUp: false
}

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const atLeastOnce: Law = overHistories({
  name: "atLeastOnce",
  statement:
    "A job whose enqueue was acknowledged is there until it is settled, cancelled or purged, over every crash.",
  profile: {
    bulkyPayloads: true,
    weights: { Enqueue: 8, Close: 1, Crash: 3, CrashDuring: 3, AdvanceToExpiry: 1, Reclaim: 1 },
    options: { priority: 20, delay: 20, group: 10 }
  }
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const singleClaimer: Law = overHistories({
  name: "singleClaimer",
  statement: "No job is granted while another live session holds it, also when many claim at the same time.",
  profile: {
    weights: { ClaimTogether: 6, AdvanceToExpiry: 3, Renew: 4, Reclaim: 3, Close: 1 },
    options: { priority: 10 }
  },
  claimedBy: (can) => can.lease === "timed"
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const reclaimOnExpiry: Law = overHistories({
  name: "reclaimOnExpiry",
  statement: "Once a lease has run out, or its owner is gone, reclaim makes all of its jobs claimable again.",
  profile: {
    weights: { Enqueue: 7, Claim: 12, Settle: 3, AdvanceToExpiry: 9, Reclaim: 9, Renew: 2, Crash: 1 },
    options: { bounds: 20, group: 15 }
  },
  claimedBy: (can) => can.reclaim === "log" && can.lease === "timed"
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const staleTokenRefused: Law = overHistories({
  name: "staleTokenRefused",
  statement: "A settlement, renewal or progress of a grant that is not current is refused and changes nothing at all.",
  profile: {
    weights: { Settle: 10, AdvanceToExpiry: 4, Reclaim: 4, Renew: 4, Close: 1, Crash: 1, Redrive: 1 },
    options: { key: 10 },
    followUps: 20
  },
  claimedBy: (can) => can.fence === "strict"
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const tokenMonotone: Law = overHistories({
  name: "tokenMonotone",
  statement: "Fencing tokens increase strictly from grant to grant and are never used again, also after a crash.",
  profile: {
    bulkyPayloads: true,
    weights: { Claim: 8, Crash: 3, CrashDuring: 2, AdvanceToExpiry: 2, Reclaim: 2, Redrive: 1 },
    options: {}
  }
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const attemptsBounded: Law = overHistories({
  name: "attemptsBounded",
  statement: "Attempts and deliveries are counted truly and never exceed the job's bounds, however its grants end.",
  profile: {
    weights: { Claim: 9, Settle: 8, AdvanceToExpiry: 3, Reclaim: 3, Renew: 3, Close: 2, Crash: 1, Redrive: 1 },
    options: { bounds: 80 }
  },
  claimedBy: (can) => can.attempts === "job"
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const neverEarly: Law = overHistories({
  name: "neverEarly",
  statement: "No job is granted before its delay, instant or back-off has passed in the log's time.",
  profile: {
    weights: { Claim: 8, Advance: 5, Reschedule: 2, Crash: 1 },
    options: { delay: 50, at: 30, group: 10 }
  },
  claimedBy: (can) => can.maxDelay > 0
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const priorityOrder: Law = overHistories({
  name: "priorityOrder",
  statement: "Grants come in the order of (priority, enqueue sequence), also for jobs that come back.",
  profile: {
    weights: { Enqueue: 8, Advance: 2, AdvanceToExpiry: 2, Reclaim: 2, Close: 1, Reschedule: 2, Redrive: 1, Crash: 1 },
    options: { priority: 80, delay: 20, group: 5 }
  },
  claimedBy: (can) => can.order !== "none"
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const groupFifo: Law = overHistories({
  name: "groupFifo",
  statement:
    "A group's jobs are first granted in enqueue order, no more at a time than its concurrency, once per permit.",
  profile: {
    weights: {
      Enqueue: 8,
      Claim: 10,
      Advance: 2,
      AdvanceToExpiry: 2,
      Reclaim: 2,
      Close: 1,
      Cancel: 1,
      Configure: 1,
      Crash: 1
    },
    options: { group: 85, priority: 40, delay: 20 }
  },
  claimedBy: (can) => can.groups,
  epilogue: tryGroupTerms
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const keyDeduplicates: Law = overHistories({
  name: "keyDeduplicates",
  statement: "A key admits one job until that is terminal and its window has passed; whoever comes meanwhile is told.",
  profile: {
    bulkyPayloads: true,
    weights: { Enqueue: 10, Settle: 8, Advance: 3, Cancel: 2, Redrive: 1, Purge: 1, Crash: 1 },
    options: { key: 85, delay: 10, priority: 10 }
  },
  claimedBy: (can) => can.dedupe
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const enqueueIdempotent: Law = overHistories({
  name: "enqueueIdempotent",
  statement: "The same id with the same bytes is answered as the first time, with other bytes it is refused.",
  profile: {
    weights: { EnqueueAgain: 10, Cancel: 3, AdvanceToExpiry: 3, Reclaim: 1, Crash: 2 },
    options: { delay: 20, priority: 20, group: 10, metadata: 20 }
  }
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const deadLettersConserved: Law = overHistories({
  name: "deadLettersConserved",
  statement:
    "A job out of attempts, deliveries or time becomes a dead letter with its payload and cause, and stays one.",
  profile: {
    bulkyPayloads: true,
    weights: { Claim: 8, Settle: 8, AdvanceToExpiry: 2, Reclaim: 3, Advance: 2, Redrive: 2, Purge: 1, Crash: 2 },
    options: { bounds: 60, deadline: 30, delay: 10 }
  }
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const completedStaysCompleted: Law = overHistories({
  name: "completedStaysCompleted",
  statement: "A job whose completion was acknowledged keeps its result and is never granted again, over every crash.",
  profile: {
    bulkyPayloads: true,
    weights: { Settle: 12, Claim: 8, AdvanceToExpiry: 2, Reclaim: 2, Purge: 1, Crash: 3, CrashDuring: 2 },
    options: { key: 10 }
  },
  epilogue: afterwards(
    [
      { _tag: "Resume", queue: 0 },
      { _tag: "Enqueue", items: [plain] },
      { _tag: "Claim", slot: 2, queue: 0, limit: 1, dead: false },
      { _tag: "Settle", items: [completeWithFollowUp], otherSession: false },
      { _tag: "Crash", seed: 3 }
    ],
    "crash"
  )
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const recoveryIsLegalPrefix: Law = overHistories({
  name: "recoveryIsLegalPrefix",
  statement: "After a crash the log shows all that was acknowledged, and of each call in flight all or nothing.",
  profile: {
    bulkyPayloads: true,
    weights: {
      CrashDuring: 6,
      Crash: 3,
      AdvanceToExpiry: 1,
      Cancel: 1,
      Pause: 1,
      Resume: 1,
      Redrive: 1,
      Purge: 1,
      Renew: 1
    },
    options: { priority: 20, delay: 20, bounds: 20, group: 20, key: 20, metadata: 10 },
    followUps: 20
  },
  claimedBy: (can) => can.durability !== "none",
  needs: ["crash"]
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const payloadIntact: Law = overHistories({
  name: "payloadIntact",
  statement: "What is granted and shown is byte for byte what was enqueued, and nothing else ever appears.",
  profile: {
    weights: { Enqueue: 9, AdvanceToExpiry: 1, Reclaim: 1, Redrive: 1, Crash: 2 },
    options: { metadata: 50, carried: 50, priority: 20, group: 20, deadline: 10 },
    nastyPayloads: true,
    length: 25
  }
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const followUpsAtomic: Law = overHistories({
  name: "followUpsAtomic",
  statement: "Follow-up jobs appear with an accepted completion, all of them, and never without it.",
  profile: {
    weights: { Settle: 10, Claim: 8, AdvanceToExpiry: 2, Reclaim: 1, Cancel: 1, Crash: 1 },
    options: { key: 30 },
    followUps: 80
  }
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const renewNeverRevives: Law = overHistories({
  name: "renewNeverRevives",
  statement: "A session that expired, was closed or was ended stays dead, whatever it sends.",
  profile: {
    weights: { Renew: 8, AdvanceToExpiry: 5, Close: 2, Reclaim: 1, Crash: 1 },
    options: {}
  },
  claimedBy: (can) => can.lease === "timed"
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const numberedCallsRepeat: Law = overHistories({
  name: "numberedCallsRepeat",
  statement: "A numbered call that is sent again is answered as the first time and has no second effect.",
  profile: {
    weights: { RepeatCall: 12, Enqueue: 6, AdvanceToExpiry: 2, Reclaim: 1, Renew: 1, Cancel: 2, Redrive: 1 },
    options: { priority: 10 },
    followUps: 30,
    length: 60
  },
  epilogue: askAgain
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const cancelIsTerminal: Law = overHistories({
  name: "cancelIsTerminal",
  statement: "A cancelled job is never granted again, its holder is told, and of cancel and complete one wins.",
  profile: {
    weights: { Cancel: 6, CompleteAndCancelTogether: 4, Renew: 4, Settle: 6, AdvanceToExpiry: 1, Reclaim: 2, Crash: 1 },
    options: { group: 20, key: 10 }
  }
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const pauseHolds: Law = overHistories({
  name: "pauseHolds",
  statement: "Nothing is granted from a paused queue, its sessions are told, and the pause survives a crash.",
  profile: {
    weights: { Pause: 5, Resume: 3, Claim: 12, Settle: 3, Renew: 9, AdvanceToExpiry: 1, Reclaim: 1, Crash: 2 },
    options: {}
  }
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const readsAgree: Law = overHistories({
  name: "readsAgree",
  statement: "Counts, lists and single jobs tell the same story, in enqueue order and complete over all pages.",
  profile: {
    weights: {
      Read: 6,
      Enqueue: 9,
      Cancel: 1,
      Pause: 1,
      Resume: 1,
      Purge: 1,
      Redrive: 1,
      AdvanceToExpiry: 1,
      Reclaim: 1,
      Close: 1
    },
    options: { delay: 30, bounds: 20, deadline: 10, group: 10 },
    length: 50
  },
  claimedBy: (can) => can.inspect
})
