/** How long each mutant lived when it was last measured (`node test/mutants/measure.ts`). */
import * as fs from "node:fs"
import * as path from "node:path"

/** The base seeds of a measurement. */
export const baseSeeds: ReadonlyArray<number> = [1, 2, 3]

export interface Entry {
  readonly title: string
  readonly law: string
  /** Histories (or seeds of a fleet, or crash states) until its law broke, per base seed. */
  readonly after: ReadonlyArray<number>
  /** The seed under which it died soonest, and which of its histories it was. */
  readonly seed: number
  readonly path: string | undefined
}

export const recordPath = path.join(import.meta.dirname, "record.json")

export const readRecord = (): ReadonlyArray<Entry> =>
  // written by the measurement in this form
  fs.existsSync(recordPath) ? (JSON.parse(fs.readFileSync(recordPath, "utf8")) as ReadonlyArray<Entry>) : []

export const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/**
 * Replaces entries by what was just measured, and drops those that are not `known`, where that is given. Others may be
 * measuring at the same time, so the record is read anew.
 */
export const mergeRecord = (
  measured: ReadonlyArray<Entry>,
  known?: ReadonlySet<string> | undefined
): ReadonlyArray<Entry> => {
  const entries = new Map([...readRecord(), ...measured].map((entry) => [entry.title, entry]))
  const kept = [...entries.values()]
    .filter(({ title }) => known?.has(title) !== false)
    .toSorted((a, b) => (a.title < b.title ? -1 : 1))
  fs.writeFileSync(recordPath, `[\n${kept.map((entry) => JSON.stringify(entry)).join(",\n")}\n]\n`)
  return kept
}
