/** What one process is asked to do with one queue, and what it answers. */
import type { StoreName } from "./Store.ts"

export const workloads = ["drain", "single", "idle", "half", "churn"] as const
export type Workload = (typeof workloads)[number]

export interface Order {
  readonly store: StoreName
  readonly contestant: string
  readonly task: Workload | "fill" | "consume"
  readonly url: string
  /** An empty database, for a warm-up that must leave the other as it is. */
  readonly warmupUrl: string | undefined
  /** Jobs in the database when a drain begins; jobs to put there for a fill. */
  readonly backlog: number
  /** Jobs to work on inside the clock, unless the time is up before. */
  readonly jobs: number
  readonly limitMillis: number
  /** Jobs or calls before the clock. */
  readonly warmup: number
  readonly callers: number
  /** How long load goes on where it is not counted in jobs. */
  readonly seconds: number
  /** How long to look at the database after the load. */
  readonly restSeconds: number
  /** Another session holds a snapshot meanwhile. */
  readonly pinned: boolean
}

/** Values by the names of Figures.ts. */
export type Values = Readonly<Record<string, number>>

/** What a process asks the one that started it, which has the server in hand; the answer is a number. */
export type Question = "serverCpuMicros" | "storedBytes" | "pin" | "unpin"

export type ToParent =
  | { readonly _tag: "Ask"; readonly question: Question }
  | { readonly _tag: "Report"; readonly values: Values; readonly cpuMicros: number }

export interface ToChild {
  readonly _tag: "Answer"
  readonly value: number
}
