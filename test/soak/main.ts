/**
 * `npm run soak`: kills worker processes with SIGKILL, 500 times or for `--minutes N`, and holds the file log to what
 * it acknowledged. `--kills N` and `--seed N` are taken as well. The exit code is 1 when anything was violated.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as Killing from "../process/Killing.ts"

const { values } = parseArgs({
  options: {
    minutes: { type: "string" },
    kills: { type: "string" },
    seed: { type: "string" },
    /** Jobs per directory are bounded, so that a long soak is many histories and not one that only grows. */
    round: { type: "string", default: "50" }
  }
})

const wanted = (text: string | undefined, fallback: number): number => {
  const value = text === undefined ? fallback : Number(text)
  if (!(value > 0)) throw new RangeError(`not a positive number: ${text}`)
  return value
}

/** Linear congruential: good enough to spread kills, and repeatable as far as real processes are. */
const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 0x1_0000_0000
  }
}

const seed = wanted(values.seed, Date.now() % 1_000_000_007)
const kills = values.minutes === undefined ? wanted(values.kills, 500) : wanted(values.kills, Infinity)
const until = values.minutes === undefined ? Infinity : Date.now() + wanted(values.minutes, 1) * 60_000
const perRound = wanted(values.round, 50)
const random = randomFrom(seed)
const startedAt = Date.now()

process.stdout.write(`soak: seed ${seed}\n`)
const total = { kills: 0, enqueued: 0, runs: 0, repeated: 0, violations: 0 }
while (total.kills < kills && Date.now() < until) {
  const directory = mkdtempSync(join(tmpdir(), "leasehold-soak-"))
  const before = total.kills
  const report = await Killing.run({
    directory,
    goOn: (done) => done < perRound && before + done < kills && Date.now() < until,
    random,
    life: 400
  })
  total.kills += report.kills
  total.enqueued += report.enqueued
  total.runs += report.runs
  total.repeated += report.repeated
  total.violations += report.violations.length
  const seconds = Math.round((Date.now() - startedAt) / 1_000)
  process.stdout.write(
    `${seconds} s: ${total.kills} kills, ${total.enqueued} jobs acknowledged, ${total.runs} runs ` +
      `(${total.repeated} repeated by kills), ${total.violations} violations\n`
  )
  if (report.violations.length > 0) {
    process.stdout.write(`${report.violations.slice(0, 50).join("\n")}\nthe log is kept in ${directory}\n`)
    break
  }
  rmSync(directory, { recursive: true, force: true })
}
process.exitCode = total.violations === 0 ? 0 : 1
