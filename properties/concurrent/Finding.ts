/**
 * What a checker finds in a history, and which laws it speaks against.
 *
 * @since 0.1.0
 */
import type { LawName } from "../LawName.ts"

const laws = {
  /** The same numbered call was answered in two ways. */
  repeatDiffers: ["unknownOutcomesHonest"],
  /** A request was refused that had nothing wrong. */
  refusedForNothing: ["unknownOutcomesHonest"],
  /** A live session was refused as dead. */
  refusedAsDead: ["unknownOutcomesHonest", "concurrentSingleLease"],
  /** A job exists although its enqueue was refused. */
  refusedButThere: ["unknownOutcomesHonest"],
  /** The history only makes sense if a refused call has happened. */
  refusedButDone: ["unknownOutcomesHonest", "concurrentHistoriesExplained"],
  /** A dead session acted. */
  deadSessionActs: ["concurrentSingleLease"],
  /** Two grants of one job, and the first cannot have ended before the second began. */
  leasesOverlap: ["concurrentSingleLease"],
  /** The same of two claims that were under way at the same time. */
  claimedTogether: ["concurrentSingleLease", "concurrentClaimsDisjoint"],
  /** A token that is not greater than those before it. */
  tokenOrder: ["concurrentSingleLease"],
  /** One grant was given to two claims. */
  grantedTwice: ["concurrentClaimsDisjoint"],
  /** More grants than asked for, one job twice in a claim, or a job of another queue. */
  claimShape: ["concurrentClaimsDisjoint"],
  /** A grant after the job had ended. */
  grantedAfterEnd: ["concurrentEndsOnce"],
  /** A job ended twice. */
  endedTwice: ["concurrentEndsOnce"],
  /** Deliveries or attempts that do not fit those before. */
  miscounted: ["concurrentHistoriesExplained"],
  /** A grant before the job was visible. */
  early: ["concurrentHistoriesExplained"],
  /** An empty claim, although a job was claimable all the time. */
  falseEmpty: ["noFalseEmpty"],
  /** No order explains that a claim was empty. */
  unexplainedEmpty: ["noFalseEmpty", "concurrentHistoriesExplained"],
  /** No order explains the history. */
  unexplained: ["concurrentHistoriesExplained"],
  /** A job that nobody enqueued. */
  phantom: ["nothingLostInADrain"],
  /** A job with other bytes than were enqueued. */
  changed: ["nothingLostInADrain"],
  /** An acknowledged job that is not to be found after a drain, or was not drained. */
  lost: ["nothingLostInADrain"],
  /** A batch of which only a part is there. */
  halfBatch: ["nothingLostInADrain"]
} as const satisfies Record<string, ReadonlyArray<LawName>>

/**
 * The rules that a history is judged by.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Rule = keyof typeof laws

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Finding {
  readonly rule: Rule
  /** The laws that it breaks. */
  readonly laws: ReadonlyArray<LawName>
  readonly message: string
  /** Ids of the sendings that show it. */
  readonly operations: ReadonlyArray<number>
}

/**
 * A finding of a rule.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const ruleOf = (rule: Rule, message: string, operations: ReadonlyArray<number>): Finding => ({
  rule,
  laws: laws[rule],
  message,
  operations
})
