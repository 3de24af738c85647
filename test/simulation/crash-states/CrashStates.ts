/**
 * Every crash state of every short workload of the file log: power is lost at each step on the disk, any part of what
 * was not synced is lost or torn, and what the real recovery makes of it must be the log before or after the operation
 * under way, with everything acknowledged in it.
 */
import type { SimulatedDisk } from "../../../src/simulation/disk/SimulatedDisk.ts"
import { alphabet, beginnings, Client } from "./Alphabet.ts"
import { Judge } from "./Judge.ts"
import { statesOn } from "./Reading.ts"
import { emptyDisk, onlyDurable, Rig } from "./Rig.ts"
import { type Survival, survivalsOf, type Tearing } from "./Survivals.ts"
import { afterPrefix, countUpTo, workloadAt } from "./Workloads.ts"

export interface CrashStatesOptions {
  /** Operations of the longest workloads on an empty log. */
  readonly maxLength: number
  /** Operations of the longest workloads on a used log, which is about to roll and to be compacted. Default: the same. */
  readonly maxLengthUsed?: number | undefined
  /** Number of the workload to begin with; default 0. */
  readonly from?: number | undefined
  /** Asked after each workload, with the number of the next; false ends the run. */
  readonly onProgress?: ((next: number, counters: CrashCounters) => boolean) | undefined
  /** Length up to which the last write is torn at every byte. Default: all. */
  readonly everyByteUpTo?: number | undefined
  /** Length up to which it is torn at some bytes at least; in longer workloads at sectors only. Default: all. */
  readonly someBytesUpTo?: number | undefined
  /** Length up to which power is lost a second time while the log recovers. Default: all. */
  readonly secondCrashUpTo?: number | undefined
  /** Ends the run at the first violation. */
  readonly stopAtViolation?: boolean | undefined
}

export interface CrashCounters {
  /** Workloads that were run. */
  workloads: number
  /** Workloads in which an operation changed nothing: they are as good as the shorter ones without it. */
  pruned: number
  /** Moments at which power was lost. */
  crashPoints: number
  /** Of these, in a recovery from an earlier crash. */
  secondCrashPoints: number
  /** Moments with too many unsynced pieces for all their subsets. */
  sampledCrashPoints: number
  /** Crash states, equal ones counted as often as they came up. */
  states: number
  /** Of these, with a write torn within its bytes. */
  tornStates: number
  /** Different disks among them, each recovered once. */
  images: number
  /** Different ends of these recoveries, each examined once. */
  recoveries: number
}

export interface CrashStatesResult {
  /** Number of the first workload that was not run, undefined when there is none. */
  readonly next: number | undefined
  readonly counters: CrashCounters
  readonly violations: ReadonlyArray<string>
}

/** What a loss of power left behind, to be recovered once it is known what may come of it. */
interface Crash extends Survival {
  readonly acknowledged: boolean
  readonly where: () => string
}

/** A write is torn at the step after it. */
const justWritten = (disk: SimulatedDisk): boolean => disk.trace.at(-1)?.startsWith("write ") === true

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** What a crash state may be recovered to. */
interface Expected {
  readonly before: string
  readonly after: string
  /** What several steps of one operation pass through. */
  readonly between: () => ReadonlySet<string>
}

const once = <A>(make: () => A): (() => A) => {
  let made: A | undefined
  return () => (made ??= make())
}

const noStates: ReadonlySet<string> = new Set()

/** A log that workloads begin with, and a client that knows it. */
interface Base {
  readonly name: string
  readonly isUsed: boolean
  readonly disk: SimulatedDisk
  readonly client: Client
}

class Run {
  readonly counters: CrashCounters = {
    workloads: 0,
    pruned: 0,
    crashPoints: 0,
    secondCrashPoints: 0,
    sampledCrashPoints: 0,
    states: 0,
    tornStates: 0,
    images: 0,
    recoveries: 0
  }
  readonly violations: Array<string> = []
  readonly #options: CrashStatesOptions
  readonly #rig = new Rig()
  readonly #judge = new Judge()
  readonly #bases: ReadonlyArray<Base>
  /** Disks that were opened while power was lost. */
  readonly #opened = new Set<string>()

  constructor(options: CrashStatesOptions) {
    this.#options = options
    this.#bases = beginnings.map(({ isUsed, name, prepare }) => {
      this.#rig.workbench.reset()
      const disk = emptyDisk()
      const client = new Client(this.#rig, this.#rig.open(disk))
      prepare(client)
      return { name, isUsed, disk: onlyDurable(disk), client }
    })
  }

  /** Runs a workload and loses power in its last operation. Answers how many operations did something. */
  workload(number: number): number {
    const { beginning, word } = workloadAt(number, beginnings.length, alphabet.length)
    const base = this.#bases[beginning]!
    const name = [`workload ${number}, on a log ${base.name}`, ...word.map((i) => alphabet[i]!.name)].join(", ")
    this.#rig.workbench.reset()
    const last = word.at(-1)
    if (last === undefined) {
      this.counters.workloads++
      // the first opening creates the log
      this.#losePowerAgain(base.isUsed ? onlyDurable(base.disk) : emptyDisk(), "everyByte", name)
      return 0
    }
    const disk = onlyDurable(base.disk)
    const client = new Client(this.#rig, this.#rig.open(disk), base.client.ids, base.client.next)
    for (const [i, letter] of word.slice(0, -1).entries()) {
      const { steps } = disk
      this.#rig.workbench.now += 1000
      alphabet[letter]!.act(client)
      if (disk.steps === steps) return i
    }
    this.#rig.workbench.now += 1000
    const { steps } = disk
    this.#lastOperation(client, last, word.length, name)
    if (disk.steps === steps) return word.length - 1
    this.counters.workloads++
    return word.length
  }

  /** How writes are torn in workloads of this length. */
  #tearing(length: number): Tearing {
    const { everyByteUpTo = length, someBytesUpTo = length } = this.#options
    return length <= everyByteUpTo ? "everyByte" : length <= someBytesUpTo ? "someBytes" : "never"
  }

  #lastOperation(client: Client, letter: number, length: number, name: string): void {
    const tearing = this.#tearing(length)
    const { act, severalSteps } = alphabet[letter]!
    const { disk } = client.opened
    const before = this.#rig.state(client.opened)
    const seq = client.opened.engine.journal.lastSeq
    const crashes: Array<Crash> = []
    let acknowledged = false
    const look = (moment: string): void => {
      this.#lose(disk, justWritten(disk) ? tearing : "never", crashes, acknowledged, () => `${name}; ${moment}`)
    }
    disk.onStep = (operation, path) => look(`at ${operation} ${path}`)
    try {
      act(client)
      acknowledged = true
      look("when it was acknowledged")
      this.#rig.workbench.drain()
    } finally {
      disk.onStep = undefined
    }
    const after = this.#rig.state(client.opened)
    const between = once(() => (severalSteps === true ? statesOn(this.#rig, onlyDurable(disk), seq) : noStates))
    const secondly = length <= (this.#options.secondCrashUpTo ?? length)
    for (const crash of crashes) this.#recover(crash, { before, after, between }, secondly)
  }

  /** Loses power now, in all ways. */
  #lose(
    disk: SimulatedDisk,
    tearing: Tearing,
    crashes: Array<Crash>,
    acknowledged: boolean,
    where: () => string
  ): void {
    this.counters.crashPoints++
    const { all, survivals } = survivalsOf(disk, tearing)
    if (!all) this.counters.sampledCrashPoints++
    for (const survival of survivals) {
      this.counters.states++
      if (survival.torn) this.counters.tornStates++
      crashes.push({ ...survival, acknowledged, where })
    }
  }

  /** Recovers a crash state and checks what came of it; `secondly` loses power in that recovery, too. */
  #recover(crash: Crash, expected: Expected, secondly: boolean): void {
    const where = (): string => `${crash.where()}: ${crash.kept()}`
    const again = secondly && !crash.torn && !crash.killed ? onlyDurable(crash.disk) : undefined
    const outcome = this.#judge.judge(crash.disk, crash.killed)
    if (outcome._tag === "Failed") return this.#violated(`${where()}: ${outcome.detail}`)
    const { state } = outcome
    if (crash.acknowledged && state !== expected.after) {
      return this.#violated(`${where()}: what was acknowledged is lost\n${difference(expected.after, state)}`)
    }
    if (state !== expected.before && state !== expected.after && !expected.between().has(state)) {
      return this.#violated(`${where()}: neither before nor after the operation\n${difference(expected.before, state)}`)
    }
    if (again !== undefined) this.#losePowerAgain(again, "never", where())
  }

  /** Opens the log and loses power in that; each different disk once. */
  #losePowerAgain(disk: SimulatedDisk, tearing: Tearing, name: string): void {
    const image = disk.fingerprint()
    if (this.#opened.has(image)) return
    this.#opened.add(image)
    const first = this.#judge.judge(onlyDurable(disk))
    if (first._tag === "Failed") return this.#violated(`${name}: ${first.detail}`)
    const crashes: Array<Crash> = []
    const { crashPoints } = this.counters
    disk.onStep = (operation, path) =>
      this.#lose(
        disk,
        justWritten(disk) ? tearing : "never",
        crashes,
        false,
        () => `${name}; opening it again, at ${operation} ${path}`
      )
    const opened = this.#rig.open(disk)
    disk.onStep = undefined
    this.counters.secondCrashPoints += this.counters.crashPoints - crashPoints
    const between = once(() => statesOn(this.#rig, onlyDurable(disk), first.lastSeq))
    const expected = { before: first.state, after: this.#rig.state(opened), between }
    for (const crash of crashes) this.#recover(crash, expected, false)
  }

  #violated(violation: string): void {
    this.violations.push(violation)
    if (this.#options.stopAtViolation === true) throw new Stopped()
  }

  /** The counters, up to date. */
  count(): CrashCounters {
    this.counters.images = this.#judge.images
    this.counters.recoveries = this.#judge.recoveries
    return this.counters
  }
}

/** Ends a run at its first violation. */
class Stopped extends Error {}

/** The first line in which two states differ. */
const difference = (expected: string, found: string): string => {
  const wanted = expected.split("\n")
  const lines = found.split("\n")
  const at = wanted.findIndex((line, i) => line !== lines[i])
  const line = at === -1 ? wanted.length : at
  return `expected: ${wanted[line] ?? "nothing more"}\nfound:    ${lines[line] ?? "nothing more"}`
}

/** Runs all workloads from a number on. Same options, same result. */
export const runCrashStates = (options: CrashStatesOptions): CrashStatesResult => {
  const run = new Run(options)
  const letters = alphabet.length
  const end = countUpTo(options.maxLength, beginnings.length, letters)
  let number = options.from ?? 0
  while (number < end) {
    const { beginning, word } = workloadAt(number, beginnings.length, letters)
    if (beginnings[beginning]!.isUsed && word.length > (options.maxLengthUsed ?? word.length)) {
      number = afterPrefix(number, 0, word.length, beginnings.length, letters)
      continue
    }
    let done = word.length
    try {
      done = run.workload(number)
    } catch (error) {
      if (!(error instanceof Stopped)) run.violations.push(`workload ${number}: ${messageOf(error)}`)
      if (options.stopAtViolation === true)
        return { next: number + 1, counters: run.count(), violations: run.violations }
    }
    const next =
      done === word.length ? number + 1 : afterPrefix(number, done + 1, word.length, beginnings.length, letters)
    run.counters.pruned += done === word.length ? 0 : next - number
    number = next
    if (options.onProgress?.(number, run.count()) === false) break
  }
  return { next: number < end ? number : undefined, counters: run.count(), violations: run.violations }
}
