/** What each workload's values mean, and which runs a command asks for. */
import type { Arguments } from "./Arguments.ts"
import type { Order, Workload } from "./Order.ts"

export interface Figure {
  /** As the workload calls it. */
  readonly name: string
  readonly unit: string
  readonly better: "higher" | "lower"
  /** Compared with the limits and the best peer. */
  readonly compared: boolean
}

const figure = (name: string, unit: string, better: Figure["better"], compared = false): Figure => ({
  name,
  unit,
  better,
  compared
})

const costs = [figure("nodeCpu", "us/job", "lower", true), figure("serverCpu", "us/job", "lower", true)]

export const figures: Readonly<Record<Workload, ReadonlyArray<Figure>>> = {
  drain: [
    figure("rate", "jobs/s", "higher", true),
    ...costs,
    figure("resident", "MiB", "lower"),
    figure("stored", "B/job", "lower"),
    figure("repeated", "jobs", "lower")
  ],
  single: [
    figure("rate", "jobs/s", "higher", true),
    figure("p50", "ms", "lower", true),
    figure("p99", "ms", "lower", true),
    ...costs
  ],
  idle: [figure("p50", "ms", "lower", true), figure("p95", "ms", "lower"), figure("p99", "ms", "lower")],
  half: [
    figure("peak", "jobs/s", "higher", true),
    figure("p50", "ms", "lower", true),
    figure("p95", "ms", "lower"),
    figure("p99", "ms", "lower", true),
    ...costs
  ],
  churn: [
    figure("rate", "jobs/s", "higher", true),
    figure("first", "jobs/s", "higher"),
    figure("last", "jobs/s", "higher", true),
    figure("worst", "jobs/s", "higher"),
    figure("lastShare", "of first", "higher"),
    figure("worstShare", "of first", "higher"),
    figure("growth", "B/job", "lower", true),
    figure("later", "MiB", "lower"),
    figure("jobs", "jobs", "higher"),
    ...costs
  ]
}

/** Runs that are compared with each other: the same work for each contestant. */
export interface Group {
  /** As it is printed. */
  readonly name: string
  readonly workload: Workload
  readonly backlog: number | null
  readonly order: Omit<Order, "contestant" | "url" | "warmupUrl" | "task">
}

const base: Group["order"] = {
  backlog: 0,
  jobs: 0,
  limitMillis: 0,
  warmup: 0,
  callers: 1,
  seconds: 0,
  restSeconds: 0,
  pinned: false
}

const groupsOfWorkload = (workload: Workload, options: Arguments): ReadonlyArray<Group> => {
  const { quick } = options
  switch (workload) {
    case "drain":
      return options.backlogs.map((backlog) => ({
        name: `drain ${backlog.toLocaleString("en-US")}`,
        workload,
        backlog,
        order: { ...base, backlog, jobs: options.jobs, limitMillis: 5_000, warmup: quick ? 500 : 2_000 }
      }))
    case "single": {
      const sizes = quick ? { jobs: 1_000, warmup: 200 } : { jobs: 100_000, warmup: 10_000 }
      return [
        { name: workload, workload, backlog: null, order: { ...base, ...sizes, limitMillis: 5_000, callers: 64 } }
      ]
    }
    case "idle": {
      const sizes = quick ? { jobs: 10, warmup: 2 } : { jobs: 200, warmup: 20 }
      return [{ name: workload, workload, backlog: null, order: { ...base, ...sizes, limitMillis: 30_000 } }]
    }
    case "half":
      return [{ name: workload, workload, backlog: null, order: { ...base, seconds: quick ? 3 : 12 } }]
    case "churn":
      return [false, true].map((pinned) => ({
        name: pinned ? "churn, pinned" : "churn",
        workload,
        backlog: null,
        order: { ...base, seconds: options.seconds, restSeconds: quick ? 1 : 60, pinned }
      }))
  }
}

export const groupsOf = (options: Arguments): ReadonlyArray<Group> =>
  options.workloads.flatMap((workload) => groupsOfWorkload(workload, options))
