/** The shared transitions broken: both the memory and the file log decide by them. The laws' own model does not. */
import { change, mutantsOf } from "../SourceMutant.ts"

export const modelMutants = mutantsOf(
  "src/model/Transition.ts",
  ["memory", "file"],
  [
    change(
      "staleTokenRefused",
      "the fence looks at the session only",
      "if (job.token !== token || job.session !== session) return",
      "if (job.session !== session) return"
    ),
    change(
      "attemptsBounded",
      "one attempt too many",
      "if (counted && attempts >= job.maxAttempts)",
      "if (counted && attempts > job.maxAttempts)"
    ),
    change(
      "attemptsBounded",
      "deliveries are not bounded",
      "if (job.deliveries >= job.maxDeliveries) return",
      "if (job.deliveries > 1e9) return"
    ),
    change(
      "deadLettersConserved",
      "a reclaim goes past every bound",
      `return bounded(job, now, job.visibleAt, job.attempts + 1, expiredCause, job.started, { _tag: "Reclaimed" })`,
      `return { _tag: "Reclaimed" }`
    ),
    change(
      "reclaimGuarded",
      "an expired run that had started costs no attempt",
      "attempts: job.started ? job.attempts + 1 : job.attempts,",
      "attempts: job.attempts,"
    ),
    change(
      "attemptsBounded",
      "an expired run that had not started costs an attempt",
      "attempts: job.started ? job.attempts + 1 : job.attempts,",
      "attempts: job.attempts + 1,"
    ),
    change(
      "attemptsBounded",
      "a release counts as an attempt",
      `        visibleAt: event.visibleAt,
        session: undefined,
        started: false,
        cause: event.cause ?? job.cause`,
      `        attempts: job.attempts + 1,
        visibleAt: event.visibleAt,
        session: undefined,
        started: false,
        cause: event.cause ?? job.cause`
    ),
    change(
      "attemptsBounded",
      "a retry counts no attempt",
      `        attempts: job.attempts + 1,
        visibleAt: event.visibleAt,
        session: undefined,
        started: false,
        cause: event.cause
      }`,
      `        visibleAt: event.visibleAt,
        session: undefined,
        started: false,
        cause: event.cause
      }`
    ),
    change(
      "attemptsBounded",
      "a dead letter's last attempt is not counted",
      "attempts: event.counted ? job.attempts + 1 : job.attempts,",
      "attempts: job.attempts,"
    ),
    change(
      "neverEarly",
      "a release with a delay is due at once",
      `        visibleAt: event.visibleAt,
        session: undefined,
        started: false,
        cause: event.cause ?? job.cause`,
      `        session: undefined,
        started: false,
        cause: event.cause ?? job.cause`
    ),
    change(
      "deadLettersConserved",
      "the deadline does not end a retry",
      "if (job.deadline !== undefined && (job.deadline <= now || job.deadline < visibleAt)) {",
      "if (job.deadline !== undefined && job.deadline <= now) {"
    ),
    change(
      "deadLettersConserved",
      "a dead letter forgets its cause",
      `        finishedAt: event.at,
        cause: event.cause
      }`,
      `        finishedAt: event.at
      }`
    ),
    change(
      "attemptsBounded",
      "a redriven job keeps its attempts",
      `        attempts: 0,
        deliveries: 0,
        generation: job.generation + 1,`,
      `        deliveries: 0,
        generation: job.generation + 1,`
    ),
    change(
      "tokenMonotone",
      "a redriven job keeps its generation",
      `        attempts: 0,
        deliveries: 0,
        generation: job.generation + 1,`,
      `        attempts: 0,
        deliveries: 0,`
    ),
    change(
      "payloadIntact",
      "a redriven job keeps its deadline",
      `        deadline: undefined,
        finishedAt: undefined
      }`,
      `        finishedAt: undefined
      }`
    ),
    change(
      "keyDeduplicates",
      "a redrive takes no notice of who holds the key by now",
      `return context.keyFree ? { _tag: "Redriven", visibleAt: now } : "keyHeld"`,
      `return { _tag: "Redriven", visibleAt: now }`
    ),
    change(
      "keyDeduplicates",
      "a job can be replaced after it was granted",
      `return job.token > 0 ? "granted" : { _tag: "Replaced", job: command.job }`,
      `return { _tag: "Replaced", job: command.job }`
    ),
    change(
      "transitionsKept",
      "a dead session's cancelled job is never confirmed",
      `if (job.status === "Cancelled") return { _tag: "CancelConfirmed" }`,
      `if (job.status === "Cancelled") return "cancelled"`
    ),
    change(
      "priorityOrder",
      "a new priority is not taken",
      "priority: command.priority ?? job.priority",
      "priority: job.priority"
    )
  ]
)

/** These rules have a twin in the memory log, so that only the file log shows them missing, or the other way round. */
export const modelMutantsOfOne = [
  ...mutantsOf(
    "src/model/Transition.ts",
    ["memory"],
    [
      change(
        "staleTokenRefused",
        "the fence looks at the token only",
        "if (job.token !== token || job.session !== session) return",
        "if (job.token !== token) return"
      ),
      change(
        "attemptsBounded",
        "a grant is not counted as a delivery",
        "deliveries: job.deliveries + 1,",
        "deliveries: job.deliveries,"
      ),
      change(
        "cancelIsTerminal",
        "a cancelled job can still be completed",
        `if (job.status === "Cancelled") return "cancelled"
  return job.status === "Leased" ? undefined : "stale"`,
        `return undefined`
      )
    ]
  ),
  ...mutantsOf(
    "src/model/Transition.ts",
    ["file"],
    [
      change(
        "transitionsKept",
        "a cancelled job can still be completed",
        `if (job.status === "Cancelled") return "cancelled"
  return job.status === "Leased" ? undefined : "stale"`,
        `return undefined`
      ),

      change(
        "eventuallyClaimed",
        "an overdue job is not dead-lettered",
        `return job.deadline !== undefined && job.deadline <= now ? dead(now, deadlineCause, false) : "notExpired"`,
        `return "notExpired"`
      )
    ]
  )
]
