/** What one program run in a process of its own is asked for, and what it answers. */
import type { Percentiles } from "./Statistics.ts"

export const tasks = ["fill", "drain", "bulk", "single", "idle", "recover"] as const
export type Task = (typeof tasks)[number]

export const sides = ["leasehold", "rawFile", "rawSqlite"] as const
export type Side = (typeof sides)[number]

export const logs = ["file", "memory", "null"] as const
/** Where the scheduler keeps its jobs; `null` is a log that stores nothing and grants at once. */
export type LogName = (typeof logs)[number]

export interface Order {
  readonly side: Side
  readonly task: Task
  readonly log: LogName
  /** Jobs in the log when a drain, or a recovery, begins. */
  readonly backlog: number
  /** Jobs to work on inside the clock. */
  readonly jobs: number
  /** A drain goes on until this many jobs, and measures the last `jobs` of them once more. */
  readonly until: number
  /** Jobs to work on before it. */
  readonly warmup: number
  readonly workers: number
  /** Jobs in one call of a bulk enqueue. */
  readonly batch: number
  /** Jobs without a payload, so that nothing is decoded. */
  readonly bare: boolean
  /** Prepared directories, one for each cycle of a drain; others use the first. */
  readonly directories: ReadonlyArray<string>
  /** An empty directory on the same disk, for the warm-up. */
  readonly scratch: string
  /** Where to write a CPU profile of what is measured. */
  readonly profile?: string | undefined
}

export interface Measurement {
  readonly jobs: number
  /** Wall time for them. */
  readonly millis: number
  /** User and system CPU of the process in that time, its thread pool included. */
  readonly cpuMicros: number
  /** Claims in a drain, calls in an enqueue, call to handler start when idle. */
  readonly latency: Percentiles | undefined
  /** The last as many jobs of a drain that went on to `until`. */
  readonly steady?: Lap | undefined
  /** Resident at the end, and at most, in bytes; of a recovery only. */
  readonly residentBytes?: number | undefined
  readonly peakBytes?: number | undefined
}

export interface Lap {
  readonly millis: number
  readonly cpuMicros: number
}

/** The clock around what is measured. */
export const stopwatch = (): (() => Lap) => {
  const cpu = process.cpuUsage()
  const start = performance.now()
  return () => {
    const millis = performance.now() - start
    const used = process.cpuUsage(cpu)
    return { millis, cpuMicros: used.user + used.system }
  }
}

/** Times the first `jobs` of a drain and, where it goes on, the last `jobs` until `until`. Starts at once. */
export const laps = (jobs: number, until: number) => {
  const stop = stopwatch()
  let stopSteady: (() => Lap) | undefined
  let first: Lap | undefined
  let steady: Lap | undefined
  return {
    /** So many jobs are done. */
    reach: (count: number): void => {
      if (first === undefined && count >= jobs) first = stop()
      if (until === jobs) return
      if (stopSteady === undefined && count >= until - jobs) stopSteady = stopwatch()
      else if (steady === undefined && count >= until) steady = stopSteady?.()
    },
    read: () => {
      if (first === undefined) throw new Error("the drain ended early")
      return { ...first, steady }
    }
  }
}

/** Refuses a figure whose work was not done. */
export const expectEqual = (what: string, actual: unknown, expected: unknown): void => {
  if (actual !== expected) throw new Error(`${what}: ${String(actual)} instead of ${String(expected)}`)
}
