/**
 * The demo's proof: reads the finished log and holds it against the files themselves.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import type { JobView } from "../../log/JobLog.ts"
import { JobQueue } from "../../scheduler/JobQueue.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Proof {
  readonly jobs: number
  readonly completed: number
  readonly deadLettered: number
  /** Files of the walk without a finished job; anything but 0 is a bug. */
  readonly lost: number
  /** Runs known to have started. */
  readonly attempts: number
  readonly deliveries: number
  /** Grants that a kill ended. */
  readonly reclaimed: number
  /** Jobs whose deliveries are not explained by their settled attempts and the kills. */
  readonly unexplained: ReadonlyArray<string>
  /** Files whose stored digest is not the digest of the file. */
  readonly wrong: ReadonlyArray<string>
  /** Files that were written or removed since their job was enqueued, so that there is nothing to compare with. */
  readonly changed: ReadonlyArray<string>
  /** Causes of dead letters, with their number. */
  readonly causes: Readonly<Record<string, number>>
}

/** Independent of the handler: another way to read, in another process. */
const digestOf = (path: string, buffer: Buffer): string | undefined => {
  let descriptor: number | undefined
  try {
    descriptor = Fs.openSync(path, "r")
    const hash = createHash("sha256")
    for (;;) {
      const length = Fs.readSync(descriptor, buffer, 0, buffer.length, null)
      if (length === 0) return hash.digest("hex")
      hash.update(buffer.subarray(0, length))
    }
  } catch {
    return undefined
  } finally {
    if (descriptor !== undefined) Fs.closeSync(descriptor)
  }
}

/** Whether somebody wrote or removed the file since that instant. */
const changedSince = (path: string, instant: number): boolean => {
  const stat = Fs.statSync(path, { throwIfNoEntry: false })
  return stat === undefined || stat.ctimeMs >= instant
}

/**
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const collect = Effect.fnUntraced(function* (
  root: string,
  paths: ReadonlyArray<string>,
  /** How often each job was in a worker's hands when the worker was killed. */
  leasedAtKills: ReadonlyMap<string, number>,
  /** How often its holder may have lost it while a server was away: only if that took longer than the lease. */
  leasedAtOutages: ReadonlyMap<string, number>
) {
  const queue = yield* JobQueue
  const byPath = new Map<string, JobView>()
  let after: string | undefined
  do {
    const page = yield* queue.list({ queue: "demo", after, limit: 1_000 })
    for (const job of page.jobs) {
      const payload: unknown = JSON.parse(job.payload)
      if (typeof payload === "object" && payload !== null && "path" in payload) byPath.set(String(payload.path), job)
    }
    after = page.next
  } while (after !== undefined)

  const buffer = Buffer.allocUnsafe(4 * 1024 * 1024)
  let completed = 0
  let deadLettered = 0
  let attempts = 0
  let deliveries = 0
  let reclaimed = 0
  const unexplained: Array<string> = []
  const wrong: Array<string> = []
  const changed: Array<string> = []
  const causes: Record<string, number> = {}
  for (const path of paths) {
    const job = byPath.get(path)
    if (job === undefined) continue
    attempts += job.attempts
    deliveries += job.deliveries
    const certain = leasedAtKills.get(job.id) ?? 0
    const lost = Math.max(0, job.deliveries - certain - job.attempts)
    const killed = certain + Math.min(lost, leasedAtOutages.get(job.id) ?? 0)
    // a settled grant proves an attempt; a killed one counts as an attempt only if its start was known
    const settled = job.deliveries - killed
    reclaimed += killed
    if (settled < 1 || settled > job.attempts || job.attempts > job.deliveries) unexplained.push(path)
    if (job.state === "Completed") {
      completed++
      const result: unknown = JSON.parse(job.result ?? "{}")
      const stored = typeof result === "object" && result !== null && "sha256" in result ? result.sha256 : undefined
      const file = Path.join(root, path)
      if (stored !== digestOf(file, buffer)) (changedSince(file, job.enqueuedAt) ? changed : wrong).push(path)
    } else if (job.state === "DeadLettered") {
      deadLettered++
      const cause = job.cause?.tag ?? job.cause?.kind ?? "unknown"
      causes[cause] = (causes[cause] ?? 0) + 1
    }
  }
  const proof: Proof = {
    jobs: paths.length,
    completed,
    deadLettered,
    lost: paths.length - completed - deadLettered,
    attempts,
    deliveries,
    reclaimed,
    unexplained,
    wrong,
    changed,
    causes
  }
  return proof
})
