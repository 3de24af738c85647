/** How each engine of the suite judges a mutant. */
import * as Effect from "effect/Effect"
import type { Harness } from "../../properties/Harness.ts"
import { laws } from "../../properties/index.ts"
import type { LawName } from "../../properties/LawName.ts"
import type * as Fleet from "../../src/simulation/Fleet.ts"
import { fleetLaws } from "../../src/simulation/FleetLaws.ts"
import type * as FileHarness from "../properties/fileHarness.ts"
import type * as MemoryHarness from "../properties/memoryHarness.ts"
import type * as CrashStates from "../simulation/crash-states/CrashStates.ts"
import type { Load } from "./load.ts"
import { crashLaw, type JudgeName, type Verdict } from "./SourceMutant.ts"

export interface JudgeOptions {
  readonly seed: number
  /** Histories or seeds to try. */
  readonly runs: number
  /** Begins with this one. */
  readonly path?: string | undefined
}

/** Judges what `load` imports, by one law. */
export type Judge = (load: Load, law: string, options: JudgeOptions) => Promise<Verdict>

/** A lost wake-up is noticed by waiting in vain; elsewhere a machine under load must not look like a log that hangs. */
const patienceOf = (law: LawName): number => (law === "noLostWakeUp" ? 1_000 : 10_000)

/** Checks one law on a log. */
export const byLaw = async (harness: Harness, name: LawName, options: JudgeOptions): Promise<Verdict> => {
  const law = laws[name]
  const result = await Effect.runPromise(law.check(harness, { ...options, shrink: false }))
  const killed = result.outcome === "broken"
  return { killed, after: result.runs, by: name, path: result.counterexample?.path }
}

const isLaw = (name: string): name is LawName => Object.hasOwn(laws, name)

const onLog =
  (harnessOf: (load: Load) => Promise<Harness>): Judge =>
  async (load, law, options) => {
    if (!isLaw(law)) throw new Error(`there is no law ${law}`)
    return byLaw({ ...(await harnessOf(load)), patience: patienceOf(law) }, law, options)
  }

/** A fleet that takes ten times as many steps as any does will never end. */
const maxSteps = 400_000

/** Whole fleets, one per seed; the first is that of `path`, or a thousand times the base seed. */
const onFleet: Judge = async (load, law, { path, runs, seed }) => {
  if (!fleetLaws.some(({ name }) => name === law)) throw new Error(`fleets have no law ${law}`)
  // the copy has the shape of the original
  const { runFleet } = (await load("src/simulation/Fleet.ts")) as typeof Fleet
  const first = path === undefined ? seed * 1000 : Number(path)
  for (let after = 1; after <= runs; after++) {
    const of = first + after - 1
    const { violations } = runFleet({ seed: of, maxSteps })
    if (violations.some((violation) => violation.startsWith(`${law}: `))) {
      return { killed: true, after, by: law, path: String(of) }
    }
  }
  return { killed: false, after: runs, by: law, path: undefined }
}

/** All crash states of short workloads, up to the first that is recovered wrongly; there is nothing to choose. */
const onCrashes: Judge = async (load, law) => {
  if (law !== crashLaw) throw new Error(`crash states have no law ${law}`)
  // the copy has the shape of the original
  const { runCrashStates } = (await load("test/simulation/crash-states/CrashStates.ts")) as typeof CrashStates
  const options = { maxLength: 2, everyByteUpTo: 0, secondCrashUpTo: 1, stopAtViolation: true }
  const { counters, violations } = runCrashStates(options)
  return { killed: violations.length > 0, after: Math.max(1, counters.states), by: law, path: undefined }
}

export const judges: Readonly<Record<JudgeName, Judge>> = {
  memory: onLog(async (load) => {
    // the copies have the shape of the originals, here and below
    const copy = (await load("test/properties/memoryHarness.ts")) as typeof MemoryHarness
    return copy.memoryHarness
  }),
  file: onLog(async (load) => {
    const copy = (await load("test/properties/fileHarness.ts")) as typeof FileHarness
    return copy.fileHarness
  }),
  fleet: onFleet,
  crash: onCrashes
}
