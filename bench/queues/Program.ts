/** One order in this process: the child's half. */
import type { Adapter } from "./Adapter.ts"
import type { Order, Values } from "./Order.ts"
import { report } from "./Parent.ts"
import { contestantNamed } from "./Stores.ts"

const measure = async (order: Order, adapter: Adapter): Promise<Values> => {
  switch (order.task) {
    case "fill":
      return (await import("./Drain.ts")).fill(adapter, order)
    case "drain":
      return (await import("./Drain.ts")).drain(adapter, order)
    case "single":
      return (await import("./Single.ts")).single(adapter, order)
    case "half":
      return (await import("./Half.ts")).half(adapter, order)
    case "churn":
      return (await import("./Churn.ts")).churn(adapter, order)
    case "idle":
    case "consume":
      throw new Error(`${order.task} takes two processes`)
  }
}

const ownCpuMicros = (): number => {
  const { system, user } = process.cpuUsage()
  return user + system
}

export const runProgram = async (text: string, program: string): Promise<void> => {
  // nobody waits for the answer any more
  process.once("disconnect", () => process.exit(1))
  // written by the parent of this very process
  const order = JSON.parse(text) as Order
  const { adapter } = await contestantNamed(order.store, order.contestant).load()
  if (order.task === "consume") {
    await (await import("./Idle.ts")).consume(adapter, order)
  } else if (order.task === "idle") {
    const { consumerCpuMicros, values } = await (await import("./Idle.ts")).idle(adapter, order, program)
    await report(values, ownCpuMicros() + consumerCpuMicros)
  } else {
    await report(await measure(order, adapter), ownCpuMicros())
  }
  // whatever a queue forgot to end must not keep the process
  process.exit(0)
}
