/** Runs groups: every program in a fresh process, the sides of a round right after each other in changing order. */
import { spawn, spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join, resolve } from "node:path"
import type { Arguments } from "./Arguments.ts"
import { cpu, type Entrant, type Group, type RowPlan } from "./Figures.ts"
import { busyMicros } from "./Machine.ts"
import type { Measurement, Order } from "./Measurement.ts"
import type { Report } from "./Program.ts"
import { makeRow, type Reading, type Round, type Row } from "./Row.ts"

interface Run {
  readonly measurement: Measurement
  readonly neighbours: number | null
}

const main = resolve(import.meta.dirname, "main.ts")

/** Longer than any order takes on a slow machine. */
const limitMillis = 300_000

/**
 * The package is published as JavaScript, the benchmark runs it as TypeScript: with a compile cache, which `prime` fills,
 * no program has to strip types, which would cost it some 25 MiB and half a second.
 */
const compileCache = (place: string): string => join(place, "compile-cache")

const runProgram = (order: Order, place: string): Promise<Run> =>
  new Promise((succeed, fail) => {
    const busyBefore = busyMicros()
    const own = process.cpuUsage()
    const start = performance.now()
    const child = spawn(process.execPath, [main, "--program", JSON.stringify(order)], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NODE_COMPILE_CACHE: compileCache(place) },
      timeout: limitMillis,
      killSignal: "SIGKILL"
    })
    let output = ""
    let errors = ""
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk))
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (errors += chunk))
    child.on("error", fail)
    child.on("close", (code, signal) => {
      if (code !== 0) {
        const said = errors.match(/^.*Error: .*$/m)?.[0] ?? errors.trim().slice(-500)
        fail(new Error(`${order.side} ${order.task} ended with ${signal ?? code}: ${said}`))
        return
      }
      // printed by Program.ts in the child
      const report = JSON.parse(output.trimEnd().split("\n").at(-1)!) as Report
      const busyAfter = busyMicros()
      const mine = process.cpuUsage(own)
      const others =
        busyBefore === undefined || busyAfter === undefined
          ? null
          : (busyAfter - busyBefore - report.totalCpuMicros - mine.user - mine.system) /
            ((performance.now() - start) * 1000)
      succeed({ measurement: report.measurement, neighbours: others === null ? null : Math.max(0, others) })
    })
  })

/** Runs one entrant on fresh directories, copied from its filled one if it has one. */
const runEntrant = async (entrant: Entrant, place: string, profile?: string): Promise<Run> => {
  const base = mkdtempSync(join(place, "run-"))
  try {
    const directories = Array.from({ length: entrant.directories }, (_, index) => join(base, String(index)))
    for (const directory of directories) {
      if (entrant.filled) cpSync(filledDirectory(entrant, place), directory, { recursive: true })
      else mkdirSync(directory)
    }
    const scratch = join(base, "scratch")
    mkdirSync(scratch)
    // what was copied must not be written back inside somebody's clock
    spawnSync("sync")
    return await runProgram({ ...entrant.order, directories, scratch, profile }, place)
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}

const filledDirectory = (entrant: Entrant, place: string): string =>
  join(place, `filled-${entrant.order.side}-${entrant.order.backlog}`)

/** Entrants of one side share what was filled. */
const fill = async (group: Group, place: string, filled: Set<string>): Promise<void> => {
  for (const entrant of group.entrants) {
    if (!entrant.filled) continue
    const directory = filledDirectory(entrant, place)
    if (filled.has(directory)) continue
    mkdirSync(directory)
    const { backlog } = entrant.order
    await runProgram({ ...entrant.order, task: "fill", jobs: backlog, directories: [directory], scratch: place }, place)
    filled.add(directory)
  }
}

/** Loads each side's modules once, outside of any figure. */
const prime = async (group: Group, place: string, primed: Set<string>): Promise<void> => {
  for (const { order } of group.entrants) {
    // nothing can be stored in the null log; its modules are all in the memory log's program
    const log = order.log === "null" ? "memory" : order.log
    const name = `${order.side} ${log}`
    if (primed.has(name)) continue
    const directory = mkdtempSync(join(place, "prime-"))
    await runProgram({ ...order, log, task: "fill", jobs: 1, directories: [directory], scratch: place }, place)
    primed.add(name)
  }
}

const reading = (plan: RowPlan, run: Run): Reading => {
  const { measurement, neighbours } = run
  return {
    value: plan.valueOf(measurement),
    p50: measurement.latency?.p50 ?? null,
    p95: measurement.latency?.p95 ?? null,
    p99: measurement.latency?.p99 ?? null,
    cpuMicrosPerJob: (plan.cpuOf ?? cpu)(measurement),
    neighbours
  }
}

const roundOf = (plan: RowPlan, runs: ReadonlyMap<string, Run>): Round => {
  const of = (key: string | undefined): Reading | undefined => {
    const run = key === undefined ? undefined : runs.get(key)
    return run === undefined ? undefined : reading(plan, run)
  }
  return { leasehold: of(plan.entrant)!, rawFile: of(plan.rawFile), rawSqlite: of(plan.rawSqlite) }
}

const isNoisy = (runs: ReadonlyMap<string, Run>, quiet: number | undefined): boolean =>
  quiet !== undefined && [...runs.values()].some((run) => run.neighbours !== null && run.neighbours > quiet)

/** Noisy rounds are repeated until this many times the wanted rounds have run. */
const patience = 3

const runGroup = async (
  group: Group,
  place: string,
  seen: { readonly filled: Set<string>; readonly primed: Set<string> },
  options: Arguments,
  say: (line: string) => void
): Promise<ReadonlyArray<Row>> => {
  const quiet: Array<ReadonlyMap<string, Run>> = []
  const noisy: Array<ReadonlyMap<string, Run>> = []
  let error: string | undefined
  try {
    await prime(group, place, seen.primed)
    await fill(group, place, seen.filled)
    for (let turn = 0; quiet.length < options.rounds && turn < options.rounds * patience; turn++) {
      const runs = new Map<string, Run>()
      for (let index = 0; index < group.entrants.length; index++) {
        const entrant = group.entrants[(index + turn) % group.entrants.length]!
        runs.set(entrant.key, await runEntrant(entrant, place))
      }
      const isKept = !isNoisy(runs, options.quiet)
      ;(isKept ? quiet : noisy).push(runs)
      say(`${group.name} ${group.log} ${group.backlog ?? ""} round ${turn + 1}${isKept ? "" : ": noisy"}`)
    }
    if (options.profiles !== undefined) {
      mkdirSync(options.profiles, { recursive: true })
      const own = group.entrants.find((entrant) => entrant.order.side === "leasehold")
      const file = `${group.name}-${group.log}-${group.backlog ?? 0}.cpuprofile`
      if (own !== undefined) await runEntrant(own, place, resolve(options.profiles, file))
    }
  } catch (failure) {
    error = failure instanceof Error ? failure.message : String(failure)
    say(`${group.name} ${group.log} ${group.backlog ?? ""}: ${error}`)
  }
  const rounds = [...quiet, ...noisy].slice(0, options.rounds)
  return group.rows.map((plan) =>
    makeRow(
      {
        name: plan.name,
        log: group.log,
        backlog: group.backlog,
        workers: plan.workers,
        unit: plan.unit,
        better: plan.better
      },
      // half a figure is no figure
      error === undefined ? rounds.map((runs) => roundOf(plan, runs)) : [],
      error
    )
  )
}

/** Runs all groups one after the other; `done` hears of each group's rows as soon as they are there. */
export const runGroups = async (
  groups: ReadonlyArray<Group>,
  options: Arguments,
  say: (line: string) => void,
  done: (rows: ReadonlyArray<Row>) => void
): Promise<void> => {
  const place = mkdtempSync(join(resolve(options.directory), "leasehold-bench-"))
  const seen = { filled: new Set<string>(), primed: new Set<string>() }
  try {
    for (const group of groups) {
      done(await runGroup(group, place, seen, options, say))
    }
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}
