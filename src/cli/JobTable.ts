/**
 * How lists of jobs look.
 *
 * @since 0.1.0
 */
import type { JobView } from "../log/JobLog.ts"
import { type Column, table } from "./Table.ts"
import { instant } from "./Time.ts"

const cause = (job: JobView): string => {
  if (job.cause === undefined) return ""
  const tag = job.cause.tag === undefined ? "" : ` ${job.cause.tag}`
  return `${job.cause.kind}${tag}: ${job.cause.message}`
}

const common: ReadonlyArray<Column<JobView>> = [
  { title: "ID", value: (job) => job.id },
  { title: "QUEUE", value: (job) => job.queue },
  { title: "JOB", value: (job) => job.name }
]

const columns: ReadonlyArray<Column<JobView>> = [
  ...common,
  { title: "STATE", value: (job) => job.state },
  { title: "PRIORITY", value: (job) => String(job.priority), align: "right" },
  { title: "ATTEMPTS", value: (job) => `${job.attempts}/${job.maxAttempts}`, align: "right" },
  { title: "ENQUEUED", value: (job) => instant(job.enqueuedAt) },
  { title: "VISIBLE", value: (job) => instant(job.visibleAt) },
  { title: "CAUSE", value: cause }
]

const deadColumns: ReadonlyArray<Column<JobView>> = [
  ...common,
  { title: "ATTEMPTS", value: (job) => `${job.attempts}/${job.maxAttempts}`, align: "right" },
  { title: "DIED", value: (job) => (job.finishedAt === undefined ? "" : instant(job.finishedAt)) },
  { title: "CAUSE", value: cause }
]

/**
 * Jobs of any state.
 *
 * @since 0.1.0
 * @category formatting
 * @stability unstable
 */
export const jobTable = (jobs: ReadonlyArray<JobView>): string => table(jobs, columns)

/**
 * Dead letters.
 *
 * @since 0.1.0
 * @category formatting
 * @stability unstable
 */
export const deadTable = (jobs: ReadonlyArray<JobView>): string => table(jobs, deadColumns)
