/** What the figures were measured on, and who else was using it. */
import { execFileSync } from "node:child_process"
import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from "node:fs"
import { cpus, release, totalmem } from "node:os"
import { join, resolve } from "node:path"
import { median } from "./Statistics.ts"

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly node: string
  /** Median of a 200-byte write and fdatasync on the measured disk, milliseconds. */
  readonly syncMillis: number
  /** Of the checkout; `+changes` when the measured files differ from it. */
  readonly commit: string
  readonly date: string
}

const git = (args: ReadonlyArray<string>): string | undefined => {
  try {
    return execFileSync("git", args, {
      cwd: resolve(import.meta.dirname, ".."),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"]
    }).trim()
  } catch {
    // no repository, as in the published package
    return undefined
  }
}

const commit = (): string => {
  const head = git(["rev-parse", "--short=12", "HEAD"])
  if (head === undefined) return "unknown"
  return git(["status", "--porcelain", "--", "src", "bench"]) === "" ? head : `${head}+changes`
}

const syncMillis = (directory: string): number => {
  const path = join(directory, "sync-probe")
  const fd = openSync(path, "w")
  const bytes = Buffer.alloc(200)
  const samples = Array.from({ length: 200 }, () => {
    const start = performance.now()
    writeSync(fd, bytes)
    fdatasyncSync(fd)
    return performance.now() - start
  })
  closeSync(fd)
  rmSync(path)
  return median(samples)
}

export const describeMachine = (directory: string): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: `${process.platform} ${release()}`,
  node: process.version,
  syncMillis: syncMillis(directory),
  commit: commit(),
  date: new Date().toISOString()
})

export const machineLine = (machine: Machine): string =>
  `${machine.cores} x ${machine.cpu}, ${machine.memoryGiB} GiB, ${machine.kernel}, Node ${machine.node}, ` +
  `write+fdatasync of 200 B ${machine.syncMillis.toFixed(2)} ms, commit ${machine.commit}, ${machine.date}`

/** Clock ticks are hundredths of a second on every Linux that Node runs on. */
const tickMicros = 10_000

/** CPU time that all processes together have used, microseconds; undefined where there is no /proc/stat. */
export const busyMicros = (): number | undefined => {
  let text
  try {
    text = readFileSync("/proc/stat", "latin1")
  } catch {
    return undefined
  }
  // user nice system idle iowait irq softirq steal
  const fields = text.slice(0, text.indexOf("\n")).split(/\s+/).slice(1).map(Number)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields
  return (user + nice + system + irq + softirq + steal) * tickMicros
}

/**
 * Milliseconds for a fixed piece of pure JavaScript. It shows what the neighbours' CPU figure cannot: a core that is
 * slowed down from outside of this machine.
 */
export const paceMillis = (): number => {
  const text = JSON.stringify({ customer: "customer-0042", cents: 129_900, currency: "EUR", note: "invoice" })
  const start = performance.now()
  for (let index = 0; index < 100_000; index++) JSON.parse(text)
  return performance.now() - start
}
