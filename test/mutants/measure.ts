/**
 * `node test/mutants/measure.ts [pattern]`: measures how long each mutant lives under some base seeds, writes it to
 * `record.json`, and prints the table for the documentation. With a pattern only mutants whose title contains it are
 * measured anew; `--new` measures those without an entry, `--table` prints only.
 */
import * as fs from "node:fs"
import * as os from "node:os"
import { judges } from "./judges.ts"
import { Judging } from "./judging.ts"
import { baseSeeds, type Entry, median, readRecord, recordPath } from "./record.ts"
import { type JudgeName, titleOf } from "./SourceMutant.ts"
import { sourceMutants } from "./sources.ts"
import { survivors } from "./survivors.ts"

/** Histories tried per seed; whoever lives longer has survived. */
const most: Readonly<Record<JudgeName, number>> = { memory: 1500, file: 600, fleet: 600 }

const option = process.argv[2]
const entries = new Map(readRecord().map((entry) => [entry.title, entry]))

const candidates = sourceMutants.flatMap((mutant, index) =>
  mutant.judges.map((judge) => ({ mutant, index, judge, title: titleOf(mutant, judge) }))
)

const wanted = candidates.filter(({ judge, mutant, title }) => {
  if (option === "--table" || judges[judge] === undefined || survivors.has(title)) return false
  if (option === undefined) return true
  return option === "--new" ? entries.get(title)?.law !== mutant.law : title.includes(option)
})

const measure = async (judging: Judging, candidate: (typeof candidates)[number]): Promise<Entry | string> => {
  const { index, judge, mutant, title } = candidate
  const found: Array<Pick<Entry, "seed" | "path"> & { readonly after: number }> = []
  for (const seed of baseSeeds) {
    const answer = await judging.ask({ index, judge, seed, runs: most[judge] })
    if (answer._tag === "Failed") return `${title}: ${answer.message}`
    const { after, killed, path } = answer.verdict
    if (!killed) return `${title}: survived ${after} histories of seed ${seed} under ${mutant.law}`
    found.push({ seed, path, after })
  }
  const soonest = found.reduce((best, each) => (each.after < best.after ? each : best))
  const after = found.map((each) => each.after)
  return { title, law: mutant.law, after, seed: soonest.seed, path: soonest.path }
}

const problems: Array<string> = []
const queue = [...wanted]
const work = async (): Promise<void> => {
  const judging = new Judging()
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const result = await measure(judging, next)
    if (typeof result === "string") {
      problems.push(result)
      process.stderr.write(`${result}\n`)
    } else entries.set(result.title, result)
  }
  judging.close()
}
await Promise.all(Array.from({ length: Math.min(2, os.availableParallelism()) }, work))

const known = new Set(candidates.map(({ title }) => title))
const kept = [...entries.values()]
  .filter(({ title }) => known.has(title))
  .toSorted((a, b) => (a.title < b.title ? -1 : 1))
if (option !== "--table")
  fs.writeFileSync(recordPath, `[\n${kept.map((entry) => JSON.stringify(entry)).join(",\n")}\n]\n`)

const out = (line: string): boolean => process.stdout.write(`${line}\n`)
out("| mutant | killed by | after (median) | after (most) |\n| --- | --- | ---: | ---: |")
for (const { after, law, title } of kept) out(`| ${title} | ${law} | ${median(after)} | ${Math.max(...after)} |`)
out("")
const hardest = kept.reduce<Entry | undefined>(
  (most, each) => (most === undefined || median(each.after) > median(most.after) ? each : most),
  undefined
)
out(`${kept.length} killed, ${survivors.size} survive with a reason; the hardest: ${hardest?.title ?? "none"}.`)
process.exitCode = problems.length === 0 ? 0 : 1
