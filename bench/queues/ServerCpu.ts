/** CPU of a server's processes. */
import { readdirSync, readFileSync } from "node:fs"

/** Clock ticks are hundredths of a second on every Linux that Node runs on. */
const tickMicros = 10_000

/** What a process's threads have used, more precisely than its ticks tell; undefined where the kernel does not count it. */
const precisely = (pid: number | string): number | undefined => {
  let nanos = 0
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanos += Number.parseInt(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1"), 10)
    }
  } catch {
    return undefined
  }
  return nanos > 0 ? nanos / 1_000 : undefined
}

/** Parent, ticks of its own and of what it waited for; undefined if the process is gone. */
const statOf = (pid: number | string) => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1")
    // the name in brackets may hold anything
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
    const at = (index: number): number => Number(fields[index])
    return { parent: at(1), own: at(11) + at(12), reaped: at(13) + at(14) }
  } catch {
    return undefined
  }
}

/** CPU of a process with all that it started and that still run or that it has waited for; 0 where there is no /proc. */
export const cpuMicrosOf = (pid: number): number => {
  const server = statOf(pid)
  if (server === undefined) return 0
  const own = (process: number | string, ticks: number): number => precisely(process) ?? ticks * tickMicros
  let micros = own(pid, server.own) + server.reaped * tickMicros
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue
    const process = statOf(name)
    if (process?.parent === pid) micros += own(name, process.own)
  }
  return micros
}
