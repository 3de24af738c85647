/**
 * `node test/mutants/measure.ts [pattern]`: measures how long each mutant lives under some base seeds, writes it to
 * `record.json`, and prints the table for the documentation. With a pattern only mutants whose title contains it are
 * measured anew; `--new [pattern]` measures those without an entry, `--table` prints only. Where the law that is named for a
 * mutant lets it live, all laws of its judge are tried, and which of them kills it is told.
 */
import * as os from "node:os"
import { lawNames } from "../../properties/index.ts"
import { Judging } from "./judging.ts"
import { baseSeeds, type Entry, median, mergeRecord, readRecord } from "./record.ts"
import { type JudgeName, titleOf } from "./SourceMutant.ts"
import { sourceMutants } from "./sources.ts"
import { survivors } from "./survivors.ts"

/** Histories tried per seed; whoever lives longer has survived. Crash states know no seeds. */
const most: Readonly<Record<JudgeName, number>> = { memory: 1500, file: 600, fleet: 600, crash: 1 }

/** Histories of each of the other laws that are tried on a survivor. */
const fewer = 60

const option = process.argv[2]
const record = readRecord()
const recorded = new Map(record.map((entry) => [entry.title, entry]))

const candidates = sourceMutants.flatMap((mutant, index) =>
  mutant.judges.map((judge) => ({ mutant, index, judge, title: titleOf(mutant, judge) }))
)
const known = new Set(candidates.map(({ title }) => title))

const wanted = candidates.filter(({ mutant, title }) => {
  if (option === "--table" || survivors.has(title)) return false
  if (option === undefined) return true
  if (option !== "--new") return title.includes(option)
  return recorded.get(title)?.law !== mutant.law && title.includes(process.argv[3] ?? "")
})

/** The other laws of a judge, first those that kill most. A fleet's run tells of all of its laws anyway. */
const othersThan = (law: string, judge: JudgeName): ReadonlyArray<string> => {
  if (judge === "crash" || judge === "fleet") return []
  const kills = (name: string) => record.filter((entry) => entry.law === name && entry.title.startsWith(judge)).length
  return lawNames.filter((name) => name !== law).toSorted((a, b) => kills(b) - kills(a))
}

type Candidate = (typeof candidates)[number]

/** Which other law kills it. */
const killerOf = async (judging: Judging, { index, judge, mutant }: Candidate): Promise<string> => {
  for (const law of othersThan(mutant.law, judge)) {
    const answer = await judging.ask({ index, judge, law, seed: 1, runs: fewer })
    if (answer._tag === "Judged" && answer.verdict.killed) return `${law} kills it after ${answer.verdict.after}`
  }
  return "no other law kills it"
}

const measure = async (judging: Judging, candidate: Candidate): Promise<Entry | string> => {
  const { index, judge, mutant, title } = candidate
  const found: Array<Pick<Entry, "seed" | "path"> & { readonly after: number }> = []
  for (const seed of judge === "crash" ? baseSeeds.slice(0, 1) : baseSeeds) {
    const answer = await judging.ask({ index, judge, seed, runs: most[judge] })
    if (answer._tag === "Failed") return `${title}: ${answer.message}; ${await killerOf(judging, candidate)}`
    const { after, killed, path } = answer.verdict
    if (!killed) {
      const lives = `${title}: survived ${after} histories of seed ${seed} under ${mutant.law}`
      return `${lives}; ${await killerOf(judging, candidate)}`
    }
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
    } else mergeRecord([result])
  }
  judging.close()
}
await Promise.all(Array.from({ length: Math.min(2, os.availableParallelism()) }, work))

const kept = option === undefined ? mergeRecord([], known) : readRecord()
const out = (line: string): boolean => process.stdout.write(`${line}\n`)
out("| mutant | killed by | after (median) | after (most) |\n| --- | --- | ---: | ---: |")
for (const { after, law, title } of kept) out(`| ${title} | ${law} | ${median(after)} | ${Math.max(...after)} |`)
out("")
for (const judge of ["memory", "file", "fleet", "crash"] as const) {
  const of = kept.filter(({ title }) => title.startsWith(`${judge}: `))
  const medians = of.map(({ after }) => median(after))
  const hardest = of.find(({ after }) => median(after) === Math.max(...medians))
  out(`${judge}: ${of.length} killed, after ${median(medians)} (median), ${Math.max(...medians)}: ${hardest?.title}`)
}
out(`${kept.length} killed, ${survivors.size} survive with a reason.`)
process.exitCode = problems.length === 0 ? 0 : 1
