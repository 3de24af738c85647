/** From the call of enqueue in one process to the first line of the handler in another, nothing else to do. */
import { type ChildProcess, fork } from "node:child_process"
import { setTimeout } from "node:timers/promises"
import { makePayload } from "../Payload.ts"
import { percentiles } from "../Statistics.ts"
import type { Adapter } from "./Adapter.ts"
import type { Order, Values } from "./Order.ts"

/** Milliseconds of rest before a job, drawn anew for each, so that none is in step with anybody's polling. */
const restMillis = { least: 20, span: 60 }

/** The same clock in every process of the machine, milliseconds. */
const machineMillis = (): number => Number(process.hrtime.bigint()) / 1e6

type FromConsumer =
  | { readonly _tag: "Ready" }
  | { readonly _tag: "Started"; readonly n: number; readonly at: number }
  | { readonly _tag: "Ended"; readonly cpuMicros: number }

/** The process that works. It ends when it is told to. */
export const consume = async (adapter: Adapter, order: Order): Promise<void> => {
  const say = (message: FromConsumer): Promise<void> =>
    new Promise((resolve, reject) => {
      process.send?.(message, (error: Error | null) => (error === null ? resolve() : reject(error)))
    })
  const queue = await adapter.open(order.url)
  const stop = await queue.work(
    {
      started: ({ n }) => {
        const at = machineMillis()
        void say({ _tag: "Started", n, at })
      },
      done: () => {}
    },
    { churning: false }
  )
  const told = new Promise((resolve) => process.once("message", resolve))
  await say({ _tag: "Ready" })
  await told
  await stop()
  await queue.close()
  const { system, user } = process.cpuUsage()
  await say({ _tag: "Ended", cpuMicros: user + system })
}

interface Outcome {
  readonly values: Values
  readonly consumerCpuMicros: number
}

/** The consumer's messages, one awaited after the other. */
const mailbox = (child: ChildProcess) => {
  const arrived: Array<FromConsumer> = []
  let notify = (): void => {}
  let ended: Error | undefined
  child.on("message", (message) => {
    // only consume sends
    arrived.push(message as FromConsumer)
    notify()
  })
  child.on("exit", (code, signal) => {
    ended = new Error(`the consumer ended with ${signal ?? code}`)
    notify()
  })
  return async (): Promise<FromConsumer> => {
    for (;;) {
      const message = arrived.shift()
      if (message !== undefined) return message
      if (ended !== undefined) throw ended
      await new Promise<void>((resolve) => (notify = resolve))
    }
  }
}

export const idle = async (adapter: Adapter, order: Order, program: string): Promise<Outcome> => {
  const queue = await adapter.open(order.url)
  const consumer = fork(program, ["--program", JSON.stringify({ ...order, task: "consume" })], {
    stdio: ["ignore", "inherit", "inherit", "ipc"]
  })
  try {
    const next = mailbox(consumer)
    if ((await next())._tag !== "Ready") throw new Error("the consumer did not start")
    const latencies: Array<number> = []
    const deadline = performance.now() + order.limitMillis
    let n = 0
    const once = async (): Promise<number> => {
      // a measurement is not a simulation: its pauses may be drawn from anywhere
      await setTimeout(restMillis.least + Math.random() * restMillis.span)
      const called = machineMillis()
      const number = n++
      await queue.enqueue(makePayload(number))
      for (;;) {
        const message = await next()
        if (message._tag !== "Started") throw new Error("the consumer ended")
        // what was delivered again says nothing
        if (message.n === number) return message.at - called
      }
    }
    for (let at = 0; at < order.warmup; at++) await once()
    for (let at = 0; at < order.jobs && (at === 0 || performance.now() < deadline); at++) latencies.push(await once())
    const latency = percentiles(latencies)
    if (latency === undefined) throw new Error("no job was measured")
    consumer.send("end")
    let message = await next()
    while (message._tag !== "Ended") message = await next()
    await queue.close()
    const { p50, p95, p99 } = latency
    return { values: { p50, p95, p99 }, consumerCpuMicros: message.cpuMicros }
  } finally {
    consumer.kill("SIGKILL")
  }
}
