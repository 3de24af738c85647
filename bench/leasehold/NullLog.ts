/**
 * A log that stores nothing: it grants a fixed number of jobs as fast as they are asked for and accepts every
 * settlement at once. What a scheduler costs on it is the scheduler's own.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as MemoryLog from "../../src/backends/memory/MemoryLog.ts"
import { type Grant, JobLog, type JobLogOperations, type SettleResult } from "../../src/log/JobLog.ts"
import { makePayload } from "../Payload.ts"
import { BareJob, BenchJob, queue } from "./BenchJob.ts"

const settled: SettleResult = { _tag: "Settled", state: "Completed" }

/** A log with `jobs` jobs to grant. */
export const make = (jobs: number, bare: boolean): JobLogOperations => {
  const name = bare ? BareJob._tag : BenchJob._tag
  const nothing = Effect.runSync(BareJob.item(undefined)).payload
  const payloads = Array.from({ length: Math.min(jobs, 100_000) }, (_, n) =>
    bare ? nothing : JSON.stringify(makePayload(n))
  )
  const unsupported = Effect.die(new Error("the null log has no such operation"))
  let granted = 0

  const grant = (): Grant => {
    const n = granted++
    return {
      id: `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`,
      queue,
      name,
      version: 1,
      payload: payloads[n % payloads.length]!,
      priority: 0,
      attempt: 1,
      delivery: 1,
      maxAttempts: 10,
      generation: 1,
      enqueuedAt: 0,
      readySince: 0,
      leaseDuration: undefined,
      timeout: undefined,
      deadline: undefined,
      group: undefined,
      metadata: undefined,
      trace: undefined,
      token: BigInt(n + 1),
      receipt: ""
    }
  }

  return {
    capabilities: { ...MemoryLog.capabilities, log: "null" },
    open: ({ leaseDuration }) => Effect.succeed({ id: "session", leaseDuration, now: 0, expiresAt: leaseDuration }),
    renew: () => Effect.succeed({ now: 0, expiresAt: 30_000, lost: [], cancelled: [], paused: [] }),
    close: () => Effect.void,
    enqueue: () => unsupported,
    claim: ({ limit }) =>
      Effect.suspend(() => {
        const count = Math.min(limit, jobs - granted)
        if (count === 0) return Effect.never
        const grants: Array<Grant> = []
        for (let index = 0; index < count; index++) grants.push(grant())
        return Effect.succeed({ grants, cursor: "", nextAt: undefined, now: 0 })
      }),
    settle: ({ items }) => Effect.sync(() => items.map(() => settled)),
    reclaim: () => Effect.succeed({ reclaimed: 0, deadLettered: 0, more: false, nextAt: undefined }),
    control: () => unsupported,
    read: () => unsupported,
    changes: () => Effect.never
  }
}

export const layer = (jobs: number, bare: boolean): Layer.Layer<JobLog> => Layer.sync(JobLog, () => make(jobs, bare))
