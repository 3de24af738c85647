import { FaultAccount } from "../../faults/Fault.ts"
import { runSyscallMatrix } from "../../faults/SyscallMatrix.ts"
import { add, type Part } from "../Part.ts"

/** Every system call of every scenario, failing in every way; each case is one of them. */
export const syscalls: Part = {
  name: "syscalls",
  unit: "system calls that failed or killed",
  // each slice first counts the calls of every scenario
  seconds: 180,
  run: async ({ goOn, position }) => {
    const account = new FaultAccount()
    if (!account.can("kill at a system call")) {
      return { position, counters: {}, violations: [], done: true }
    }
    const report = await runSyscallMatrix({ from: position, goOn, parallel: 1, account })
    const { acknowledged, refused, unknown } = report
    const counters: Record<string, number> = { acknowledged, refused, unknown }
    add(counters, account.toJSON().fired)
    return { position: report.until, counters, violations: report.violations, done: report.until >= report.points }
  }
}
