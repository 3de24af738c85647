/**
 * Runs a Node program under `strace`, which lets the n-th call of a kind fail, wait, or be the process's last. No
 * privileges are needed. Only calls that touch one of the given paths count, so that what the runtime itself does with
 * files is left alone.
 *
 * `strace` counts per thread: with a pool of one thread, as here, the n-th call of the main thread and the n-th of the
 * pool are both hit, unless the first ended the process.
 */
import { spawn } from "node:child_process"
import { openSync, closeSync, readFileSync } from "node:fs"

export interface Injection {
  readonly syscall: string
  /** As `strace` words it: `error=EIO`, `signal=SIGKILL`, `delay_enter=200000` (microseconds). */
  readonly action: string
  /** 1-based. */
  readonly nth: number
  /** From the n-th call on. */
  readonly forEver: boolean
}

export interface Traced {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** It had to be ended: it ran for longer than it may. */
  readonly hung: boolean
  readonly errors: string
  /** What strace wrote down: one line per traced call. */
  readonly calls: ReadonlyArray<string>
  /** How many calls were failed or delayed, or 1 for the kill. */
  readonly fired: number
}

export interface Options {
  readonly script: string
  readonly words: ReadonlyArray<string>
  readonly syscalls: ReadonlyArray<string>
  /** Exact paths; all, if there are none. */
  readonly paths: ReadonlyArray<string>
  readonly injection?: Injection | undefined
  /** File that receives the standard output: it outlives the process, and cannot be full while the log's disk is. */
  readonly output: string
  /** File for strace's own notes. */
  readonly notes: string
  /** Compiled code is kept here between runs. */
  readonly cache: string
  /** Milliseconds. */
  readonly patience: number
}

const wordsOf = ({ injection, notes, paths, syscalls }: Options): ReadonlyArray<string> => {
  const kills = injection?.action.startsWith("signal=") === true
  const inject =
    injection === undefined
      ? []
      : ["-e", `inject=${injection.syscall}:${injection.action}:when=${injection.nth}${injection.forEver ? "+" : ""}`]
  // the kernel's filter spares the untraced calls their stop, but a signal gets lost in it
  const filter = kills ? [] : ["--seccomp-bpf"]
  const only = paths.flatMap((path) => ["-P", path])
  const set = `trace=${syscalls.join()}`
  return ["-f", ...filter, "-y", "-qq", "-s", "0", "-e", "signal=none", "-o", notes, "-e", set, ...inject, ...only]
}

export const run = async (options: Options): Promise<Traced> => {
  const output = openSync(options.output, "a")
  const program = [process.execPath, options.script, ...options.words]
  const child = spawn("strace", [...wordsOf(options), ...program], {
    stdio: ["ignore", output, "pipe"],
    env: { ...process.env, UV_THREADPOOL_SIZE: "1", NODE_COMPILE_CACHE: options.cache },
    // a group of its own, since an ended strace would let its process go on
    detached: true
  })
  closeSync(output)
  let errors = ""
  let hung = false
  child.stderr?.on("data", (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const timer = setTimeout(() => {
    hung = true
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL")
  }, options.patience)
  const ended = await new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", (code, signal) => resolve({ code, signal }))
  }).finally(() => clearTimeout(timer))
  const calls = readFileSync(options.notes, "utf8").split("\n").slice(0, -1)
  const killed = !hung && (ended.signal === "SIGKILL" || ended.code === 137)
  const marked = calls.filter((line) => / \((INJECTED|DELAYED)\)$/.test(line)).length
  return { ...ended, hung, errors, calls, fired: marked + (killed ? 1 : 0) }
}

const call = /^(\d+) +(\w+)\(/

const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** How often the busiest thread made each call on a path in the directory, and the paths, relative to it. */
export const countIn = (
  directory: string,
  lines: ReadonlyArray<string>
): { readonly calls: Readonly<Record<string, number>>; readonly paths: ReadonlyArray<string> } => {
  const perThread = new Map<string, number>()
  const calls: Record<string, number> = {}
  const paths = new Set<string>()
  const within = new RegExp(`["<]${literal(directory)}(/[^">]*)?[">]`, "g")
  for (const line of lines) {
    const found = call.exec(line)
    const touched = [...line.matchAll(within)].map(([, path = ""]) => path)
    if (found === null || touched.length === 0) continue
    const [, thread = "", syscall = ""] = found
    for (const path of touched) paths.add(path)
    const count = (perThread.get(`${thread} ${syscall}`) ?? 0) + 1
    perThread.set(`${thread} ${syscall}`, count)
    calls[syscall] = Math.max(calls[syscall] ?? 0, count)
  }
  return { calls, paths: [...paths] }
}
