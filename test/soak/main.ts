/**
 * `npm run soak -- --minutes N`: the long search. Several parts share the processors in slices; each goes on where the
 * last soak of this directory stopped. `--parts a,b` chooses, `--fresh` begins anew, `--workers N` runs as many slices
 * at a time. Everything that was found is printed and written to `--report`; the exit code is 1 if it violates anything.
 */
import { execFileSync, spawn } from "node:child_process"
import { cpus } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as Schema from "effect/Schema"
import { add } from "./Part.ts"
import { parts } from "./parts/index.ts"
import { load, type PartState, save, untouched } from "./State.ts"

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    parts: { type: "string", default: parts.map(({ name }) => name).join(",") },
    workers: { type: "string", default: String(cpus().length) },
    fresh: { type: "boolean", default: false },
    state: { type: "string", default: ".leasehold/soak-state.json" },
    report: { type: "string", default: ".leasehold/soak-report.json" }
  }
})

const positive = (flag: string, text: string): number => {
  const value = Number(text)
  if (!(value > 0)) throw new RangeError(`--${flag} is not a positive number: ${text}`)
  return value
}

const chosen = values.parts.split(",").map((name) => {
  const part = parts.find((each) => each.name === name)
  if (part === undefined)
    throw new RangeError(`--parts: no ${name}; there are ${parts.map((it) => it.name).join(", ")}`)
  return part
})
const startedAt = Date.now()
const until = startedAt + positive("minutes", values.minutes) * 60_000
const workers = positive("workers", values.workers)
/** Long enough that starting a process costs little, unless a part says that it needs longer to begin. */
const sliceSeconds = 30

const state = values.fresh ? { parts: {} } : load(values.state)
const found = new Map<string, PartState>(chosen.map(({ name }) => [name, state.parts[name] ?? untouched]))
const busy = new Set<string>()

const Result = Schema.fromJsonString(
  Schema.Struct({
    position: Schema.Int,
    counters: Schema.Record(Schema.String, Schema.Number),
    violations: Schema.Array(Schema.String),
    done: Schema.optional(Schema.Boolean)
  })
)

/** Runs one slice; a process that ends in any other way than with a result is a violation itself. */
const slice = (name: string, position: number, seconds: number): Promise<typeof Result.Type> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "slice.ts"), name, `${position}`, `${seconds}`], {
      stdio: ["ignore", "pipe", "pipe"]
    })
    let out = ""
    let err = ""
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (err = (err + chunk.toString()).slice(-2000)))
    // a slice checks the time after each case: far beyond that, it hangs
    const hangs = setTimeout(() => child.kill("SIGKILL"), (seconds + 600) * 1000)
    child.on("close", (code, signal) => {
      clearTimeout(hangs)
      const last = out.trimEnd().split("\n").at(-1) ?? ""
      const violation = `${name} from case ${position}: its process ended with ${code ?? signal}: ${err.trim()}`
      try {
        resolve(Schema.decodeUnknownSync(Result)(last))
      } catch {
        resolve({ position: position + 1, counters: {}, violations: [violation] })
      }
    })
  })

const commit = (): string => {
  try {
    const git = (...args: ReadonlyArray<string>): string => execFileSync("git", args, { encoding: "utf8" }).trim()
    return git("rev-parse", "HEAD") + (git("status", "--porcelain") === "" ? "" : " with changes")
  } catch {
    return "unknown"
  }
}

const write = (): void => {
  const own = Object.fromEntries(found)
  save(values.state, { parts: { ...state.parts, ...own } })
  save(values.report, {
    commit: commit(),
    node: process.version,
    processors: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
    minutes: (Date.now() - startedAt) / 60_000,
    parts: Object.fromEntries(
      chosen.map(({ name, unit }) => {
        const part = found.get(name) ?? untouched
        // no failure in n cases: with 95 % confidence fewer than 3/n of such cases fail
        const bound = part.violations.length === 0 && part.position > 0 ? 3 / part.position : undefined
        return [name, { unit, cases: part.position, bound, ...part }]
      })
    )
  })
}

const work = async (): Promise<void> => {
  while (Date.now() < until) {
    const idle = chosen.filter(({ name }) => !busy.has(name) && found.get(name)?.done === false)
    // whoever had the least time so far
    const next = idle.sort((a, b) => (found.get(a.name)?.seconds ?? 0) - (found.get(b.name)?.seconds ?? 0))[0]
    if (next === undefined) return
    busy.add(next.name)
    const before = found.get(next.name) ?? untouched
    const from = Date.now()
    const result = await slice(
      next.name,
      before.position,
      Math.min(next.seconds ?? sliceSeconds, Math.max(1, (until - from) / 1000))
    )
    const counters = { ...before.counters }
    add(counters, result.counters)
    found.set(next.name, {
      position: result.position,
      done: result.done ?? false,
      seconds: before.seconds + (Date.now() - from) / 1000,
      counters,
      violations: [...before.violations, ...result.violations]
    })
    busy.delete(next.name)
    write()
    // counters with a slash are details: they stand in the report
    const tail = Object.entries(counters).flatMap(([what, count]) => (what.includes("/") ? [] : [`${count} ${what}`]))
    process.stdout.write(
      `${Math.round((Date.now() - startedAt) / 1000)} s  ${next.name}: ${result.position} ${next.unit}; ${tail.join(", ")}\n`
    )
    for (const violation of result.violations) process.stdout.write(`VIOLATION ${next.name}: ${violation}\n`)
  }
}

process.stdout.write(`soak of ${commit()} on Node ${process.version}: ${chosen.map(({ name }) => name).join(", ")}\n`)
// with fewer parts than processors some have nothing to do
await Promise.all(Array.from({ length: Math.min(workers, chosen.length) }, work))
const violations = [...found.values()].reduce((sum, part) => sum + part.violations.length, 0)
process.stdout.write(`${violations} violations; report in ${values.report}\n`)
process.exitCode = violations === 0 ? 0 : 1
