/** What is measured: groups of programs that run side by side in each round, and the rows that they give. */
import type { Arguments } from "./Arguments.ts"
import type { Lap, LogName, Measurement, Order, Side, Task } from "./Measurement.ts"

/** One program of a group's round. */
export interface Entrant {
  readonly key: string
  readonly order: Omit<Order, "directories" | "scratch" | "profile">
  /** Directories that each run needs, each a copy of the filled one if `filled`. */
  readonly directories: number
  readonly filled: boolean
}

/** A row: which entrants it compares, and what of theirs. */
export interface RowPlan {
  readonly name: string
  readonly workers: number | null
  readonly unit: string
  readonly better: "higher" | "lower"
  readonly entrant: string
  readonly rawFile?: string | undefined
  readonly rawSqlite?: string | undefined
  readonly valueOf: (measurement: Measurement) => number
  /** CPU of the same jobs, microseconds for each; default that of all. */
  readonly cpuOf?: ((measurement: Measurement) => number) | undefined
}

export interface Group {
  readonly name: string
  readonly log: LogName
  readonly backlog: number | null
  readonly entrants: ReadonlyArray<Entrant>
  readonly rows: ReadonlyArray<RowPlan>
}

const rate = (measurement: Measurement): number => (measurement.jobs / measurement.millis) * 1000
/** CPU microseconds for each job. */
export const cpu = (measurement: Measurement): number => measurement.cpuMicros / measurement.jobs
const steadyLap = (measurement: Measurement): Lap => {
  if (measurement.steady === undefined) throw new Error("the drain did not go on")
  return measurement.steady
}
const steadyRate = (measurement: Measurement): number => (measurement.jobs / steadyLap(measurement).millis) * 1000
const steadyCpu = (measurement: Measurement): number => steadyLap(measurement).cpuMicros / measurement.jobs
const seconds = (measurement: Measurement): number => measurement.millis / 1000
const percentile = (name: "p50" | "p95" | "p99") => (measurement: Measurement) => {
  if (measurement.latency === undefined) throw new Error("no latencies were measured")
  return measurement.latency[name]
}
const mebibytes = (name: "residentBytes" | "peakBytes") => (measurement: Measurement) => {
  const bytes = measurement[name]
  if (bytes === undefined) throw new Error(`${name} was not measured`)
  return bytes / 2 ** 20
}

const perSecond = { unit: "jobs/s", better: "higher" } as const
const millis = { unit: "ms", better: "lower" } as const
const micros = { unit: "us CPU/job", better: "lower" } as const

interface Sizes {
  readonly drained: number
  readonly warmup: number
  readonly enqueued: number
  readonly idle: number
  readonly overhead: number
}

const full: Sizes = { drained: 50_000, warmup: 200_000, enqueued: 100_000, idle: 500, overhead: 200_000 }
const small: Sizes = { drained: 5_000, warmup: 2_000, enqueued: 5_000, idle: 30, overhead: 10_000 }

const workerCounts = [4, 16]

const entrant = (
  key: string,
  side: Side,
  task: Task,
  log: LogName,
  options: Partial<Entrant["order"]>,
  directories = 1,
  filled = false
): Entrant => ({
  key,
  order: { side, task, log, backlog: 0, jobs: 0, until: 0, warmup: 0, workers: 1, batch: 500, bare: false, ...options },
  directories,
  filled
})

/** The raw sides keep their jobs on disk: only the file log is compared with them. */
const isCompared = (log: LogName): boolean => log === "file"

const drain = (log: LogName, backlog: number, sizes: Sizes): Group => {
  const cycles = Math.max(1, Math.ceil(sizes.drained / backlog))
  const hasSteady = backlog >= 4 * sizes.drained
  const options = { backlog, jobs: sizes.drained, warmup: sizes.warmup, until: hasSteady ? 4 * sizes.drained : 0 }
  const own = workerCounts.map((workers) =>
    entrant(`workers${workers}`, "leasehold", "drain", log, { ...options, workers }, cycles, log === "file")
  )
  const raw = isCompared(log)
    ? [
        entrant("rawFile", "rawFile", "drain", log, options, cycles, true),
        entrant("rawSqlite", "rawSqlite", "drain", log, options, cycles, true)
      ]
    : []
  const both = isCompared(log) ? { rawFile: "rawFile", rawSqlite: "rawSqlite" } : {}
  const claims = isCompared(log) ? { rawSqlite: "rawSqlite" } : {}
  return {
    name: "drain",
    log,
    backlog,
    entrants: [...own, ...raw],
    rows: workerCounts.flatMap((workers): ReadonlyArray<RowPlan> => {
      const common = { workers, entrant: `workers${workers}` }
      return [
        { name: "drain", ...common, ...perSecond, ...both, valueOf: rate },
        { name: "drain.claim", ...common, ...millis, ...claims, valueOf: percentile("p95") },
        { name: "drain.cpu", ...common, ...micros, ...both, valueOf: cpu },
        ...(hasSteady
          ? [
              { name: "drain.steady", ...common, ...perSecond, ...both, valueOf: steadyRate, cpuOf: steadyCpu },
              { name: "drain.steadycpu", ...common, ...micros, ...both, valueOf: steadyCpu, cpuOf: steadyCpu }
            ]
          : [])
      ]
    })
  }
}

const enqueue = (
  name: string,
  task: "bulk" | "single" | "idle",
  log: LogName,
  options: Partial<Entrant["order"]>,
  row: Pick<RowPlan, "unit" | "better" | "valueOf">
): Group => {
  const raw = isCompared(log)
    ? [entrant("rawFile", "rawFile", task, log, options), entrant("rawSqlite", "rawSqlite", task, log, options)]
    : []
  const both = isCompared(log) ? { rawFile: "rawFile", rawSqlite: "rawSqlite" } : {}
  return {
    name,
    log,
    backlog: null,
    entrants: [entrant("leasehold", "leasehold", task, log, options), ...raw],
    rows: [{ name, workers: task === "idle" ? (options.workers ?? 1) : null, entrant: "leasehold", ...both, ...row }]
  }
}

const recover = (backlog: number): Group => {
  const options = { backlog, jobs: backlog }
  const common = { workers: null, entrant: "leasehold", better: "lower" } as const
  return {
    name: "recover",
    log: "file",
    backlog,
    entrants: [
      entrant("leasehold", "leasehold", "recover", "file", options, 1, true),
      entrant("rawFile", "rawFile", "recover", "file", options, 1, true),
      entrant("rawSqlite", "rawSqlite", "recover", "file", options, 1, true)
    ],
    rows: [
      { name: "recover.time", ...common, unit: "s", rawFile: "rawFile", rawSqlite: "rawSqlite", valueOf: seconds },
      { name: "recover.resident", ...common, unit: "MiB", valueOf: mebibytes("residentBytes") },
      { name: "recover.peak", ...common, unit: "MiB", valueOf: mebibytes("peakBytes") }
    ]
  }
}

const overhead = (log: "memory" | "null", bare: boolean, jobs: number, warmup: number): Group => ({
  name: bare ? "overhead.bare" : "overhead",
  log,
  backlog: jobs,
  entrants: workerCounts.map((workers) =>
    entrant(`workers${workers}`, "leasehold", "drain", log, { backlog: jobs, jobs, warmup, workers, bare })
  ),
  rows: workerCounts.map((workers) => ({
    name: bare ? "overhead.bare" : "overhead",
    workers,
    entrant: `workers${workers}`,
    ...micros,
    valueOf: cpu
  }))
})

const memoryBacklog = 20_000

/** All groups that the arguments ask for. */
export const groupsOf = (options: Arguments): ReadonlyArray<Group> => {
  const sizes = options.quick ? small : full
  const log = options.log ?? "file"
  const groups: Array<Group> = []
  if (log !== "null") {
    const bulk = (batch: number) =>
      enqueue(
        `enqueue.bulk${batch}`,
        "bulk",
        log,
        { jobs: sizes.enqueued, warmup: sizes.enqueued / 2, batch },
        {
          ...perSecond,
          valueOf: rate
        }
      )
    groups.push(bulk(500), bulk(1_000))
    groups.push(
      enqueue(
        "enqueue.single64",
        "single",
        log,
        { jobs: sizes.enqueued, warmup: sizes.enqueued / 2, workers: 64 },
        {
          ...perSecond,
          valueOf: rate
        }
      )
    )
    groups.push(
      enqueue(
        "idle",
        "idle",
        log,
        { jobs: sizes.idle, warmup: sizes.idle / 5, workers: 4 },
        {
          ...millis,
          valueOf: percentile("p50")
        }
      )
    )
    const all = log === "memory" ? [2_000, memoryBacklog] : [2_000, 20_000, 200_000, 1_000_000]
    const backlogs = options.backlogs ?? (options.quick ? all.slice(0, 2) : all)
    for (const backlog of backlogs) groups.push(drain(log, backlog, sizes))
    if (log === "file") {
      groups.push(recover(options.backlogs?.at(-1) ?? (options.quick ? 20_000 : 1_000_000)))
    }
  }
  if (options.log !== "file") {
    if (options.log !== "null") {
      groups.push(overhead("memory", false, memoryBacklog, sizes.warmup))
    }
    if (options.log !== "memory") {
      groups.push(overhead("null", false, sizes.overhead, sizes.warmup))
      groups.push(overhead("null", true, sizes.overhead, sizes.warmup))
    }
  }
  return groups.filter(
    (group) =>
      options.only.length === 0 ||
      options.only.some((prefix) => group.name.startsWith(prefix) || group.rows.some((row) => row.name === prefix))
  )
}
