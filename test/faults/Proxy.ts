/**
 * Stands between a client and a server, and spoils chosen exchanges: the n-th request of a connection, or whichever the
 * test picks by its bytes. It knows no protocol: a splitter tells where a message ends, so that a fault falls on one
 * statement and not on a packet.
 */
import { createServer, connect, type Server, type Socket } from "node:net"

/** How many bytes the first message has; 0 while it is incomplete. */
export type Splitter = (bytes: Buffer) => number

/** Messages end with a line feed. */
export const byLine: Splitter = (bytes) => bytes.indexOf(10) + 1

export type Treatment =
  | { readonly _tag: "Pass" }
  /** The server never sees it, and the client's connection is reset. */
  | { readonly _tag: "LoseRequest" }
  /** The server answers; the answer is swallowed whole, then the client's connection is reset. */
  | { readonly _tag: "LoseReply" }
  /** The request is passed on and the client's connection reset at once: the server may still be at it. */
  | { readonly _tag: "Reset" }
  /** The answer comes this many milliseconds late. */
  | { readonly _tag: "Delay"; readonly millis: number }
  /** Request and answer arrive byte by byte. */
  | { readonly _tag: "SingleBytes" }
  /** From now on nothing passes in either direction, and nobody is told. */
  | { readonly _tag: "Swallow" }
  /** The server's end is closed, the client's stays open: the client writes to nobody. */
  | { readonly _tag: "HalfOpen" }

const pass: Treatment = { _tag: "Pass" }

export interface Request {
  /** Number of the connection, from 0. */
  readonly connection: number
  /** Number of the request in its connection, from 0. */
  readonly index: number
  readonly bytes: Buffer
}

/** A port on this machine, or the path of a Unix socket. */
export type Address = { readonly port: number } | { readonly path: string }

export interface ConnectionCounts {
  requests: number
  replies: number
  /** Bytes that came from the client, and from the server, whether or not they were passed on. */
  fromClient: number
  fromServer: number
  /** Treatments other than passing. */
  faults: number
}

export interface Options {
  readonly target: Address
  /** Where to listen; default a free port. */
  readonly listen?: Address | undefined
  readonly requests: Splitter
  /** What counts as the one answer to one request. Answers come in the order of the requests. */
  readonly replies: Splitter
  readonly treat: (request: Request) => Treatment
}

const reset = (socket: Socket, address: Address): void => {
  // only TCP has resets
  if ("port" in address) socket.resetAndDestroy()
  else socket.destroy()
}

/** One after the other, however long each takes. */
class Ordered {
  #last: Promise<void> = Promise.resolve()

  add(act: () => void | Promise<void>): void {
    this.#last = this.#last.then(act)
  }
}

const later = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

const inSingleBytes = async (socket: Socket, bytes: Buffer): Promise<void> => {
  socket.setNoDelay(true)
  for (const [index] of bytes.entries()) {
    await new Promise<void>((resolve) => socket.write(bytes.subarray(index, index + 1), () => setImmediate(resolve)))
  }
}

export class Proxy {
  readonly connections: Array<ConnectionCounts> = []
  readonly #options: Options
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #listening: Address

  private constructor(options: Options) {
    this.#options = options
    this.#listening = options.listen ?? { port: 0 }
    this.#server = createServer((client) => this.#serve(client))
  }

  static async start(options: Options): Promise<Proxy> {
    const proxy = new Proxy(options)
    await proxy.accept()
    return proxy
  }

  get address(): Address {
    return this.#listening
  }

  /** Takes connections, again after {@link refuse} at the same address. */
  accept(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject)
      const listening = (): void => {
        this.#server.off("error", reject)
        const address = this.#server.address()
        if (address !== null && typeof address === "object") this.#listening = { port: address.port }
        resolve()
      }
      if ("port" in this.#listening) this.#server.listen(this.#listening.port, "127.0.0.1", listening)
      else this.#server.listen(this.#listening.path, listening)
    })
  }

  /** Cuts all connections and refuses new ones. */
  refuse(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      for (const socket of this.#sockets) socket.destroy()
    })
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on("close", () => this.#sockets.delete(socket))
    // the other end learns of it by the close
    socket.on("error", () => {})
  }

  #serve(client: Socket): void {
    const { target } = this.#options
    const upstream = connect("port" in target ? { port: target.port, host: "127.0.0.1" } : { path: target.path })
    this.#keep(client)
    this.#keep(upstream)
    const counts: ConnectionCounts = { requests: 0, replies: 0, fromClient: 0, fromServer: 0, faults: 0 }
    const connection = this.connections.push(counts) - 1
    const exchange = new Exchange(client, upstream, counts, this.#listening, this.#options, connection)
    client.on("data", (chunk) => exchange.fromClient(chunk))
    upstream.on("data", (chunk) => exchange.fromServer(chunk))
    client.on("close", () => upstream.destroy())
    upstream.on("close", () => exchange.serverClosed())
  }
}

/** One client's connection and its counterpart. */
class Exchange {
  readonly #client: Socket
  readonly #upstream: Socket
  readonly #counts: ConnectionCounts
  readonly #listening: Address
  readonly #options: Options
  readonly #connection: number
  readonly #treatments: Array<Treatment> = []
  readonly #up = new Ordered()
  readonly #down = new Ordered()
  #request: Buffer = Buffer.alloc(0)
  #reply: Buffer = Buffer.alloc(0)
  /** Nothing passes any more. */
  #silent = false

  constructor(
    client: Socket,
    upstream: Socket,
    counts: ConnectionCounts,
    listening: Address,
    options: Options,
    connection: number
  ) {
    this.#client = client
    this.#upstream = upstream
    this.#counts = counts
    this.#listening = listening
    this.#options = options
    this.#connection = connection
  }

  fromClient(chunk: Buffer): void {
    this.#counts.fromClient += chunk.length
    if (this.#silent) return
    this.#request = Buffer.concat([this.#request, chunk])
    for (;;) {
      const length = this.#options.requests(this.#request)
      if (length === 0 || this.#silent) return
      const bytes = this.#request.subarray(0, length)
      this.#request = this.#request.subarray(length)
      this.#treat(bytes)
    }
  }

  #treat(bytes: Buffer): void {
    const index = this.#counts.requests++
    const treatment = this.#options.treat({ connection: this.#connection, index, bytes }) ?? pass
    this.#treatments.push(treatment)
    if (treatment._tag !== "Pass") this.#counts.faults++
    switch (treatment._tag) {
      case "LoseRequest":
        return this.#cut()
      case "Swallow":
        this.#silent = true
        return
      case "HalfOpen":
        this.#silent = true
        this.#upstream.destroy()
        return
      case "Reset":
        // the server is let finish: its end is closed in order, behind the request
        this.#silent = true
        this.#upstream.end(bytes)
        return reset(this.#client, this.#listening)
      case "SingleBytes":
        return this.#up.add(() => inSingleBytes(this.#upstream, bytes))
      default:
        this.#up.add(() => void this.#upstream.write(bytes))
    }
  }

  fromServer(chunk: Buffer): void {
    this.#counts.fromServer += chunk.length
    if (this.#silent) return
    this.#reply = Buffer.concat([this.#reply, chunk])
    for (;;) {
      const length = this.#options.replies(this.#reply)
      if (length === 0 || this.#silent) return
      const bytes = this.#reply.subarray(0, length)
      this.#reply = this.#reply.subarray(length)
      const treatment = this.#treatments[this.#counts.replies++] ?? pass
      if (treatment._tag === "LoseReply") return this.#cut()
      this.#down.add(async () => {
        if (treatment._tag === "Delay") await later(treatment.millis)
        if (treatment._tag === "SingleBytes") await inSingleBytes(this.#client, bytes)
        else this.#client.write(bytes)
      })
    }
  }

  serverClosed(): void {
    if (!this.#silent) this.#down.add(() => void this.#client.end())
  }

  #cut(): void {
    this.#silent = true
    reset(this.#client, this.#listening)
    this.#upstream.destroy()
  }
}
