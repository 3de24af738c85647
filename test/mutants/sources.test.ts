import { afterAll, describe, expect, test } from "vitest"
import { Judging } from "./judging.ts"
import { readRecord } from "./record.ts"
import { titleOf } from "./SourceMutant.ts"
import { sourceMutants } from "./sources.ts"
import { isDue } from "../support/mutantsDue.ts"

const judging = new Judging()
/** Mutants whose recorded history no longer kills them: finding another one takes long. */
const astray: Array<string> = []
afterAll(() => {
  judging.close()
  if (astray.length > 0) console.log(`to be measured anew, ${astray.length} mutants:\n${astray.join("\n")}`)
})

const record = new Map(readRecord().map((entry) => [entry.title, entry]))

const recorded = sourceMutants.flatMap((mutant, index) =>
  mutant.judges.flatMap((judge) => {
    const title = titleOf(mutant, judge)
    const entry = record.get(title)
    return entry === undefined ? [] : [{ index, judge, title, law: mutant.law, entry }]
  })
)

/** Histories to search when the generators have changed since the record was made. */
const enough = (after: ReadonlyArray<number>): number => Math.max(100, 4 * Math.max(...after))

describe.for(["memory", "file", "fleet", "crash"] as const)("%s", (of) => {
  const mutants = recorded.filter(({ judge }) => judge === of).filter((_, place) => isDue(place))
  // the judge gives up by itself before, so that no answer is taken for that to the next question
  test.for(mutants)("$law: $title", { timeout: 150_000 }, async ({ entry, index, judge, law, title }) => {
    const { path, seed } = entry
    let answer = path === undefined ? undefined : await judging.ask({ index, judge, seed, runs: 1, path })
    if (answer?._tag !== "Judged" || !answer.verdict.killed) {
      astray.push(title)
      answer = await judging.ask({ index, judge, seed, runs: enough(entry.after) })
    }
    expect(answer, title).toMatchObject({ _tag: "Judged", verdict: { killed: true, by: law } })
  })
})
