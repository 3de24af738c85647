import * as Effect from "effect/Effect"
import type { Harness } from "../../properties/Harness.ts"
import type { LawName } from "../../properties/LawName.ts"
import type { Grant, JobLogOperations, JobView, QueueCounts, ReadAnswer } from "../../src/log/JobLog.ts"

/** A log that is broken in one way, and the law that has to notice. */
export interface Mutant {
  readonly name: string
  readonly law: LawName
  /** Histories within which the law must fail. */
  readonly within: number
  readonly wrap: (log: JobLogOperations) => JobLogOperations
}

/** The mutant as a log to be checked. The wrapper's state starts anew with each log. */
export const mutate = (harness: Harness, mutant: Pick<Mutant, "name" | "wrap">): Harness => ({
  ...harness,
  name: `${harness.name}, ${mutant.name}`,
  // a lost wake-up is noticed by waiting in vain
  patience: 300,
  make: Effect.map(harness.make, (test) => ({ ...test, log: mutant.wrap(test.log) }))
})

/** The same log, showing jobs, grants and counts differently from how it stores them. */
export const showing = (
  log: JobLogOperations,
  show: {
    readonly grant?: (grant: Grant) => Grant
    readonly job?: (job: JobView) => JobView
    readonly counts?: (counts: QueueCounts) => QueueCounts
  }
): JobLogOperations => {
  const { grant = (same: Grant) => same, job = (same: JobView) => same, counts = (same: QueueCounts) => same } = show
  const shown = (answer: ReadAnswer): ReadAnswer => {
    switch (answer._tag) {
      case "Counts":
        return { ...answer, queues: answer.queues.map(counts) }
      case "Jobs":
        return { ...answer, jobs: answer.jobs.map(job) }
      case "Job":
        return { ...answer, job: answer.job === undefined ? undefined : job(answer.job) }
    }
  }
  return {
    ...log,
    claim: (request) => Effect.map(log.claim(request), (result) => ({ ...result, grants: result.grants.map(grant) })),
    read: (query) => Effect.map(log.read(query), shown)
  }
}
