/** One order in this process: the child's half of the benchmark. */
import type { Measurement, Order } from "./Measurement.ts"

/** Each side's modules are loaded only in its own processes. */
const runOrder = async (order: Order): Promise<Measurement> => {
  switch (order.side) {
    case "leasehold":
      return (await import("./leasehold/Leasehold.ts")).run(order)
    case "rawFile":
      return (await import("./raw/RawFile.ts")).run(order)
    case "rawSqlite":
      return (await import("./raw/RawSqlite.ts")).run(order)
  }
}

/** What a child prints on its last line. */
export interface Report {
  readonly measurement: Measurement
  /** All CPU of the child, to tell its neighbours' from it. */
  readonly totalCpuMicros: number
}

export const runProgram = async (text: string): Promise<void> => {
  // written by the parent of this very process
  const order = JSON.parse(text) as Order
  const measurement = await runOrder(order)
  const { system, user } = process.cpuUsage()
  const report: Report = { measurement, totalCpuMicros: user + system }
  process.stdout.write(`${JSON.stringify(report)}\n`)
}
