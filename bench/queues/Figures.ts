/** What each workload's values mean, and which runs a command asks for. */
import type { Arguments } from "./Arguments.ts"
import type { Order, Workload } from "./Order.ts"
import { storeNamed } from "./Stores.ts"

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
    figure("claimP95", "ms", "lower", true),
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
  /** How the server writes to the disk, where that can be chosen. */
  readonly sync: string | null
  readonly order: Omit<Order, "contestant" | "url" | "warmupUrl" | "task">
}

type Work = Pick<Group, "name" | "backlog"> & { readonly order: Partial<Group["order"]> }

const worksOf = (workload: Workload, options: Arguments): ReadonlyArray<Work> => {
  const { quick } = options
  const work = (order: Work["order"], name: string = workload): Work => ({ name, backlog: null, order })
  switch (workload) {
    case "drain":
      return options.backlogs.map((backlog) => ({
        name: `drain ${backlog.toLocaleString("en-US")}`,
        backlog,
        order: { backlog, jobs: options.jobs, limitMillis: 5_000, warmup: quick ? 500 : 2_000 }
      }))
    case "single": {
      const sizes = quick ? { jobs: 1_000, warmup: 200 } : { jobs: 100_000, warmup: 10_000 }
      return [work({ ...sizes, limitMillis: 5_000, callers: 64 })]
    }
    case "idle":
      return [work({ ...(quick ? { jobs: 10, warmup: 2 } : { jobs: 500, warmup: 20 }), limitMillis: 60_000 })]
    case "half":
      return [work({ seconds: quick ? 3 : 12 })]
    case "churn": {
      const order = { seconds: options.seconds, restSeconds: quick ? 1 : 60 }
      const pinned = storeNamed(options.store).hasPins ? [work({ ...order, pinned: true }, "churn, pinned")] : []
      return [work(order), ...pinned]
    }
  }
}

export const groupsOf = (options: Arguments): ReadonlyArray<Group> => {
  const base: Group["order"] = {
    store: options.store,
    backlog: 0,
    jobs: 0,
    limitMillis: 0,
    warmup: 0,
    callers: 1,
    seconds: 0,
    restSeconds: 0,
    pinned: false
  }
  const syncs = options.syncs.length === 0 ? [null] : options.syncs
  return options.workloads.flatMap((workload) =>
    worksOf(workload, options).flatMap(({ backlog, name, order }) =>
      syncs.map((sync) => ({
        name: sync === null ? name : `${name}, ${sync}`,
        workload,
        backlog,
        sync,
        order: { ...base, ...order }
      }))
    )
  )
}
