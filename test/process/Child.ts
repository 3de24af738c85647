/** Starts a process of this folder, and reads what it tells. */
import { type ChildProcess, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import * as Schema from "effect/Schema"
import { Message } from "./Workload.ts"

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Message))

export interface Child {
  readonly process: ChildProcess
  readonly messages: Array<Message>
  /** Waits until a message, also an earlier one, matches; fails when the process ends without it. */
  readonly until: (matches: (message: Message) => boolean) => Promise<Message>
  readonly exit: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
}

export const start = (script: string, argument: unknown, onMessage?: (message: Message) => void): Child => {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(process.execPath, [path, JSON.stringify(argument)], { stdio: ["ignore", "pipe", "pipe"] })
  const messages: Array<Message> = []
  const waiting = new Set<() => void>()
  let errors = ""
  let over = false
  const wakeAll = (): void => {
    for (const wake of waiting) wake()
  }
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const lines = createInterface({ input: child.stdout })
  lines.on("line", (line) => {
    // a kill may cut the last line
    if (!line.endsWith("}")) return
    const message = decode(line)
    messages.push(message)
    onMessage?.(message)
    wakeAll()
  })
  const closed = new Promise<void>((resolve) => lines.on("close", resolve))
  const exit = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.on("error", reject)
    child.on("exit", (code, signal) => {
      // what it said before its end is still to be read
      void closed.then(() => {
        over = true
        wakeAll()
        if (code !== 0 && code !== 130 && signal === null) reject(new Error(`${script} failed (${code}): ${errors}`))
        else resolve({ code, signal })
      })
    })
  })
  exit.catch(() => {})
  return {
    process: child,
    messages,
    exit,
    until: (matches) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = messages.find(matches)
          if (found === undefined && !over) return
          waiting.delete(look)
          if (found !== undefined) resolve(found)
          else reject(new Error(`${script} ended without the message: ${errors}`))
        }
        waiting.add(look)
        look()
      })
  }
}
