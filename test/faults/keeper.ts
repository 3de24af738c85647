/**
 * A small server that keeps what it acknowledged: `put <key> <value>` is answered `kept` once it is synced, or `again
 * <first value>`; `get <key>` with `has <value>` or `none`. Its words: port, directory. It starts a process beside it.
 */
import { spawn } from "node:child_process"
import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"

const [port = "", directory = ""] = process.argv.slice(2)
const path = join(directory, "kept")
const values = new Map<string, string>()
if (existsSync(path)) {
  for (const line of readFileSync(path, "utf8").split("\n").slice(0, -1)) {
    const [key = "", value = ""] = line.split(" ")
    values.set(key, value)
  }
}
const file = openSync(path, "a")
process.on("exit", () => closeSync(file))

const answer = (line: string): string => {
  const [verb, key = "", value = ""] = line.split(" ")
  const former = values.get(key)
  if (verb === "get") return former === undefined ? "none" : `has ${former}`
  if (former !== undefined) return `again ${former}`
  appendFileSync(file, `${key} ${value}\n`)
  fsyncSync(file)
  values.set(key, value)
  return "kept"
}

createServer((socket) => {
  let received = ""
  socket.on("error", () => {})
  socket.on("data", (chunk) => {
    received += chunk.toString()
    const lines = received.split("\n")
    received = lines.pop() ?? ""
    for (const line of lines) socket.write(`${answer(line)}\n`)
  })
}).listen(Number(port), "127.0.0.1")

const beside = spawn("sleep", ["1000"], { stdio: "ignore" })
console.log(`beside ${beside.pid}`)
