/** The child's end of the line to the process that has the server in hand. */
import type { Question, ToChild, ToParent, Values } from "./Order.ts"

const say = (message: ToParent): Promise<void> =>
  new Promise((resolve, reject) => {
    if (process.send === undefined) throw new Error("this program is started by another")
    process.send(message, (error: Error | null) => (error === null ? resolve() : reject(error)))
  })

/** One question at a time. */
export const ask = (question: Question): Promise<number> =>
  new Promise((resolve, reject) => {
    // the parent answers nothing else
    process.once("message", (message) => resolve((message as ToChild).value))
    say({ _tag: "Ask", question }).catch(reject)
  })

export const report = (values: Values, cpuMicros: number): Promise<void> => say({ _tag: "Report", values, cpuMicros })

/** Server CPU between two calls, microseconds. */
export const serverStopwatch = async (): Promise<() => Promise<number>> => {
  const before = await ask("serverCpuMicros")
  return async () => (await ask("serverCpuMicros")) - before
}
