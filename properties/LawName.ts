/**
 * The names of the laws, as the port's docstrings use them.
 *
 * @since 0.1.0
 */

/**
 * Every law of the suite, in the order of a report.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export const lawNames = [
  "atLeastOnce",
  "singleClaimer",
  "reclaimOnExpiry",
  "staleTokenRefused",
  "tokenMonotone",
  "attemptsBounded",
  "neverEarly",
  "priorityOrder",
  "groupFifo",
  "keyDeduplicates",
  "enqueueIdempotent",
  "deadLettersConserved",
  "completedStaysCompleted",
  "recoveryIsLegalPrefix",
  "noLostWakeUp",
  "payloadIntact",
  "followUpsAtomic",
  "renewNeverRevives",
  "limitsAtTheEdge",
  "numberedCallsRepeat",
  "cancelIsTerminal",
  "pauseHolds",
  "readsAgree",
  "capabilitiesHonest",
  "transitionsKept",
  "atomicBatch",
  "claimAtomic",
  "terminalOnce",
  "staleChangesNothing",
  "tokenBinding",
  "reclaimGuarded",
  "reclaimBound",
  "backoffHonoured",
  "clockStepSafe",
  "eventuallyClaimed",
  "tickOnce",
  "retentionKeepsKeys",
  "outcomeTruth",
  "interruptedCallsRepeat",
  "readYourDurability",
  "durabilityNamed",
  "recoveryIdempotent",
  "recoveryBound",
  "compactionKeepsAll",
  "poisonOnSyncError",
  "haltOnDamage",
  "versionSafe",
  "singleOwner",
  "quiescence",
  "concurrentHistoriesExplained",
  "concurrentSingleLease",
  "concurrentClaimsDisjoint",
  "concurrentEndsOnce",
  "noFalseEmpty",
  "unknownOutcomesHonest",
  "nothingLostInADrain"
] as const

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type LawName = (typeof lawNames)[number]
