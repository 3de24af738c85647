/** Stops a whole process, as a suspended machine or a debugger would, and lets it go on. */
import type { ChildProcess } from "node:child_process"
import { readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"

/** The state letter of a Linux process; elsewhere the signal is trusted. */
const isStopped = (pid: number): boolean => {
  if (process.platform !== "linux") return true
  const status = readFileSync(`/proc/${pid}/stat`, "utf8")
  // the name before it may contain anything, a parenthesis too
  return status[status.lastIndexOf(")") + 2] === "T"
}

/** Runs `meanwhile` while the process stands still, for at least `millis`. It goes on however that ends. */
export const whileStopped = async <A>(child: ChildProcess, millis: number, meanwhile: () => Promise<A>): Promise<A> => {
  const { pid } = child
  if (pid === undefined) throw new Error("the process was never started")
  child.kill("SIGSTOP")
  try {
    while (!isStopped(pid)) await sleep(1)
    const [answer] = await Promise.all([meanwhile(), sleep(millis)])
    if (!isStopped(pid)) throw new Error(`process ${pid} did not stay stopped`)
    return answer
  } finally {
    child.kill("SIGCONT")
  }
}
