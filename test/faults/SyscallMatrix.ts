/**
 * Every system call of every scenario, failing in every way: the process is run once per point, and what it leaves is
 * opened by the real log and held to what was acknowledged.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { makeCrashed } from "./CrashedLog.ts"
import type { FaultAccount, FaultName } from "./Fault.ts"
import { judge } from "./Judge.ts"
import { type Line, parse } from "./Line.ts"
import { type ScenarioName, scenarioNames, scenarios } from "./Scenarios.ts"
import { Story } from "./Story.ts"
import * as Strace from "./Strace.ts"

interface Kind {
  readonly action: string
  readonly forEver: boolean
  /** The calls that can end so; all of them where it is absent. */
  readonly syscalls?: ReadonlySet<string> | undefined
}

/** Calls that may need room on the disk. */
const growing = new Set(["pwrite64", "pwritev", "write", "fdatasync", "fsync", "openat", "rename", "mkdir"])

/** Writing a line about an answer counts as a call of its own: `tell`. */
const tell = "tell"

export const kinds = {
  "kill at a system call": { action: "signal=SIGKILL", forEver: false },
  "kill before an answer is told": { action: "signal=SIGKILL", forEver: false, syscalls: new Set([tell]) },
  "EIO once": { action: "error=EIO", forEver: false },
  "EIO for ever": { action: "error=EIO", forEver: true },
  "ENOSPC once": { action: "error=ENOSPC", forEver: false, syscalls: growing },
  "ENOSPC for ever": { action: "error=ENOSPC", forEver: true, syscalls: growing },
  "slow system call": {
    action: "delay_enter=100000",
    forEver: false,
    syscalls: new Set(["pwrite64", "fdatasync", "rename"])
  }
} as const satisfies Partial<Record<FaultName, Kind>>

export type KindName = keyof typeof kinds

// sound: the keys of an object literal that nothing widens
const kindNames = Object.keys(kinds) as ReadonlyArray<KindName>

const traced = [
  ...["pwrite64", "pwritev", "write", "fdatasync", "fsync", "openat", "rename", "unlink", "unlinkat", "ftruncate"],
  ...["pread64", "read", "getdents64", "statfs", "statx", "mkdir"]
]

/** What the calls of a scenario are: per call how often, and the paths in its directory. */
export type Counts = Readonly<Partial<Record<ScenarioName, ReturnType<typeof Strace.countIn>>>>

export interface Point {
  readonly scenario: ScenarioName
  readonly kind: KindName
  readonly syscall: string
  readonly nth: number
}

export const nameOf = ({ kind, nth, scenario, syscall }: Point): string => `${scenario}: ${kind}, ${syscall} ${nth}`

export interface PointResult {
  readonly point: Point
  readonly fired: number
  readonly story: Story
  /** Violations; the run's directory is kept when there are any. */
  readonly violations: ReadonlyArray<string>
}

const applies = (kind: Kind, syscall: string): boolean =>
  kind.syscalls === undefined ? syscall !== tell : kind.syscalls.has(syscall)

/** All points of the counted scenarios, always in the same order for the same counts. */
export const pointsOf = (counts: Counts): ReadonlyArray<Point> =>
  scenarioNames.flatMap((scenario) =>
    Object.entries(counts[scenario]?.calls ?? {}).flatMap(([syscall, count]) =>
      kindNames
        .filter((kind) => applies(kinds[kind], syscall))
        .flatMap((kind) => Array.from({ length: count }, (_, k) => ({ scenario, kind, syscall, nth: k + 1 })))
    )
  )

const script = fileURLToPath(new URL("scenario.ts", import.meta.url))

/** Milliseconds; a run takes about one second. */
const patience = 30_000

/** How many lines each of several scenarios told that played one after the other. */
const linesOfEach = (lines: ReadonlyArray<Line>): ReadonlyArray<number> => {
  const ends = lines.flatMap(({ _tag }, index) => (_tag === "Finished" ? [index + 1] : []))
  return ends.map((end, index) => end - (ends[index - 1] ?? 0))
}

/** A place for the runs of one matrix. */
export class SyscallMatrix {
  readonly #root = mkdtempSync(join(tmpdir(), "leasehold-faults-"))
  #crashed: Promise<ReadonlyArray<Line>> | undefined
  #runs = 0
  #kept = false

  /** Removes everything but the directories of violations. */
  clear(): void {
    if (!this.#kept) rmSync(this.#root, { recursive: true, force: true })
  }

  async #stage(directory: string, scenario: ScenarioName): Promise<ReadonlyArray<Line>> {
    if (!("afterCrash" in scenarios[scenario])) return []
    const template = join(this.#root, "crashed")
    this.#crashed ??= makeCrashed(join(this.#root, "owned"), template)
    const lines = await this.#crashed
    cpSync(template, directory, { recursive: true })
    return lines
  }

  #options(place: string): Pick<Strace.Options, "script" | "output" | "notes" | "cache" | "patience"> {
    mkdirSync(place)
    const output = join(place, "told")
    return { script, output, notes: join(place, "notes"), cache: join(this.#root, "cache"), patience }
  }

  /** Plays each scenario once without a fault, and counts. */
  async count(names: ReadonlyArray<ScenarioName>): Promise<Counts> {
    const place = join(this.#root, `count${++this.#runs}`)
    const options = this.#options(place)
    const directoryOf = (name: ScenarioName): string => join(place, name)
    for (const name of names) await this.#stage(directoryOf(name), name)
    const words = names.flatMap((name) => [name, directoryOf(name)])
    const run = await Strace.run({ ...options, words, syscalls: traced, paths: [] })
    if (run.code !== 0) throw new Error(`the scenarios fail without a fault: ${run.errors}`)
    const told = linesOfEach(parse(readFileSync(options.output, "utf8")))
    if (told.length !== names.length)
      throw new Error(`${told.length} of ${names.length} scenarios finished without a fault`)
    return Object.fromEntries(
      names.map((name, index) => {
        const { calls, paths } = Strace.countIn(directoryOf(name), run.calls)
        return [name, { calls: { ...calls, [tell]: told[index] ?? 0 }, paths }]
      })
    )
  }

  async run(point: Point, counts: Counts): Promise<PointResult> {
    const place = join(this.#root, `run${++this.#runs}`)
    const options = this.#options(place)
    const directory = join(place, "log")
    const story = new Story()
    for (const line of await this.#stage(directory, point.scenario)) story.hear(line)
    story.ended()
    const { action, forEver } = kinds[point.kind]
    const telling = point.syscall === tell
    const syscall = telling ? "write" : point.syscall
    const traced = await Strace.run({
      ...options,
      words: [point.scenario, directory],
      syscalls: [syscall],
      paths: telling ? [options.output] : (counts[point.scenario]?.paths ?? []).map((path) => `${directory}${path}`),
      injection: { syscall, action, nth: point.nth, forEver }
    })
    for (const line of parse(readFileSync(options.output, "utf8"))) story.hear(line)
    story.ended()
    if (traced.hung) story.violations.push(`hangs: ended after ${patience} ms`)
    const killed = action.startsWith("signal=") && traced.fired > 0
    if (!killed && !traced.hung) {
      if (traced.code !== 0)
        story.violations.push(`ended with ${traced.code ?? traced.signal}: ${traced.errors.slice(0, 1_500)}`)
      else if (!story.finished && !forEver) story.violations.push(`did not recover: ${story.gaveUp}`)
    }
    await judge(directory, story)
    const violations = story.violations.map((text) => `${nameOf(point)}: ${text}`)
    if (violations.length === 0) rmSync(place, { recursive: true, force: true })
    else {
      this.#kept = true
      violations.push(`${nameOf(point)}: everything of it is kept in ${place}`)
    }
    return { point, fired: traced.fired, story, violations }
  }
}

/** Plain counters, to be added up over runs. */
export interface MatrixReport {
  /** Give them to the next run, so that an index means the same point again. */
  readonly counts: Counts
  readonly points: number
  /** Indices that were run: from the first up to, but not including, the second. */
  readonly from: number
  readonly until: number
  /** Runs in which the fault fired; the others did not make the call so often. */
  readonly fired: number
  readonly byCell: Readonly<Record<string, { readonly runs: number; readonly fired: number }>>
  readonly acknowledged: number
  readonly refused: number
  readonly unknown: number
  readonly violations: ReadonlyArray<string>
  readonly seconds: number
}

export interface MatrixOptions {
  readonly scenarios?: ReadonlyArray<ScenarioName> | undefined
  /** Of an earlier report. */
  readonly counts?: Counts | undefined
  readonly from?: number | undefined
  readonly until?: number | undefined
  /** Chooses from all points; default all of them, in order. */
  readonly choose?: ((points: ReadonlyArray<Point>) => ReadonlyArray<Point>) | undefined
  /** Processes at once; default 2. */
  readonly parallel?: number | undefined
  /** Asked before each run; false ends the matrix, and the report says where. */
  readonly goOn?: (() => boolean) | undefined
  readonly account?: FaultAccount | undefined
  readonly onProgress?: ((result: PointResult, index: number, points: number) => void) | undefined
}

/** Runs the points from an index up to another, and reports; resume with the report's `counts` and `until`. */
export const runSyscallMatrix = async (options: MatrixOptions = {}): Promise<MatrixReport> => {
  const startedAt = Date.now()
  const matrix = new SyscallMatrix()
  try {
    const counts = options.counts ?? (await matrix.count(options.scenarios ?? scenarioNames))
    const all = pointsOf(counts)
    const points = options.choose?.(all) ?? all
    const from = options.from ?? 0
    const end = Math.min(options.until ?? points.length, points.length)
    const byCell: Record<string, { runs: number; fired: number }> = {}
    const totals = { fired: 0, acknowledged: 0, refused: 0, unknown: 0 }
    const violations: Array<string> = []
    let next = from
    const worker = async (): Promise<void> => {
      while (next < end && options.goOn?.() !== false) {
        const index = next++
        const point = points[index]
        if (point === undefined) return
        const result = await matrix.run(point, counts)
        const { acknowledged, refused, unknown } = result.story
        const cell = (byCell[`${point.kind}, ${point.syscall}`] ??= { runs: 0, fired: 0 })
        cell.runs++
        if (result.fired > 0) {
          cell.fired++
          totals.fired++
          options.account?.fired(point.kind)
        }
        totals.acknowledged += acknowledged
        totals.refused += refused
        totals.unknown += unknown
        violations.push(...result.violations)
        options.onProgress?.(result, index, points.length)
      }
    }
    await Promise.all(Array.from({ length: options.parallel ?? 2 }, worker))
    const seconds = (Date.now() - startedAt) / 1_000
    return { counts, points: points.length, from, until: next, byCell, ...totals, violations, seconds }
  } finally {
    matrix.clear()
  }
}
