/** Asks a server line by line, and says what its own end of the connection saw. */
import { connect, type Socket } from "node:net"
import type { Address } from "./Proxy.ts"

export type Seen =
  | { readonly _tag: "Answered"; readonly text: string }
  /** Closed in order, without an answer. */
  | { readonly _tag: "Closed" }
  | { readonly _tag: "Failed"; readonly code: string }
  /** Nothing at all, for as long as the client waited. */
  | { readonly _tag: "Silent" }

export class LineClient {
  readonly #socket: Socket
  #received = ""
  #over: Seen | undefined
  #wake: () => void = () => {}
  /** Pieces in which answers came. */
  pieces = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on("data", (chunk) => {
      this.pieces++
      this.#received += chunk.toString()
      this.#wake()
    })
    socket.on("error", (error) => {
      this.#over ??= { _tag: "Failed", code: "code" in error ? String(error.code) : error.message }
      this.#wake()
    })
    socket.on("close", () => {
      this.#over ??= { _tag: "Closed" }
      this.#wake()
    })
  }

  static open(address: Address): Promise<LineClient> {
    return new Promise((resolve, reject) => {
      const socket = connect("port" in address ? { port: address.port, host: "127.0.0.1" } : { path: address.path })
      socket.once("error", reject)
      socket.once("connect", () => {
        socket.off("error", reject)
        resolve(new LineClient(socket))
      })
    })
  }

  /** One question at a time; waits for `patience` milliseconds. */
  async ask(line: string, patience = 10_000): Promise<Seen> {
    this.#socket.write(`${line}\n`)
    let silent = false
    const timer = setTimeout(() => {
      silent = true
      this.#wake()
    }, patience)
    try {
      for (;;) {
        const end = this.#received.indexOf("\n")
        if (end !== -1) {
          const text = this.#received.slice(0, end)
          this.#received = this.#received.slice(end + 1)
          return { _tag: "Answered", text }
        }
        if (this.#over !== undefined) return this.#over
        if (silent) return { _tag: "Silent" }
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      clearTimeout(timer)
    }
  }

  close(): void {
    this.#socket.destroy()
  }
}
