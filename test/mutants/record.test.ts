import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { lawNames } from "../../properties/index.ts"
import { fleetLaws } from "../../src/simulation/FleetLaws.ts"
import { concurrentMutants } from "./concurrentMutants.ts"
import { fileMutants } from "./fileMutants.ts"
import { lawMutants } from "./lawMutants.ts"
import { textOf } from "./load.ts"
import { memoryMutants } from "./memoryMutants.ts"
import { readRecord } from "./record.ts"
import { titleOf } from "./SourceMutant.ts"
import { sourceMutants } from "./sources.ts"
import { survivors } from "./survivors.ts"
import { unitMutants } from "./unitMutants.ts"

const record = readRecord()
const cases = sourceMutants.flatMap((mutant) =>
  mutant.judges.map((judge) => ({ mutant, title: titleOf(mutant, judge) }))
)

test("every mutant changes exactly one place of the sources as they are", () => {
  for (const mutant of [...sourceMutants, ...unitMutants]) textOf(mutant)
  expect(new Set(cases.map(({ title }) => title)).size).toBe(cases.length)
})

test("every mutant was killed by its law when it was last measured, or is argued to be harmless", () => {
  const killed = new Map(record.map(({ law, title }) => [title, law]))
  const open = cases.filter(({ mutant, title }) => killed.get(title) !== mutant.law && !survivors.has(title))
  expect(open.map(({ title }) => title)).toEqual([])
})

test("every mutant that is left to a unit test names one", () => {
  for (const { test: path, testName } of unitMutants) {
    const text = readFileSync(join(import.meta.dirname, "../..", path), "utf8")
    expect(text.split(`("${testName}", `).length, `${path}: ${testName}`).toBe(2)
  }
})

test("nothing is recorded or argued about that does not exist, and nothing both ways", () => {
  const titles = new Set(cases.map(({ title }) => title))
  expect([...record.map(({ title }) => title), ...survivors.keys()].filter((title) => !titles.has(title))).toEqual([])
  expect(record.filter(({ title }) => survivors.has(title))).toEqual([])
})

test("every law of logs kills somebody", () => {
  const killers = new Set<string>(
    [...record, ...memoryMutants, ...fileMutants, ...lawMutants, ...concurrentMutants].map(({ law }) => law)
  )
  expect(lawNames.filter((name) => !killers.has(name))).toEqual([])
})

test("every law of fleets kills somebody", () => {
  const killers = new Set(record.filter(({ title }) => title.startsWith("fleet: ")).map(({ law }) => law))
  expect(fleetLaws.map(({ name }) => name).filter((name) => !killers.has(name))).toEqual([])
})
