/**
 * The owner's end of the socket in its directory: other processes read and control the log through it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Net from "node:net"
import type { JobLogOperations } from "../../../log/JobLog.ts"
import { Unavailable, unknown } from "../../../log/LogError.ts"
import { maxRequestBytes, protocolVersion, RequestLine, type Response, ResponseLine } from "./ControlProtocol.ts"
import type { DiskError } from "../journal/Disk.ts"
import { socketError, socketPath } from "./SocketPath.ts"

const decode = Schema.decodeUnknownEffect(RequestLine)
const encode = Schema.encodeEffect(ResponseLine)

/** Answers one line with one line. Never fails. */
const answerLine = (log: Pick<JobLogOperations, "read" | "control">, line: string): Effect.Effect<string> =>
  decode(line).pipe(
    Effect.matchEffect({
      onFailure: (): Effect.Effect<Response> =>
        Effect.succeed({
          _tag: "Rejected",
          detail: `not a request of protocol version ${protocolVersion}, which this log's owner speaks`
        }),
      onSuccess: (request): Effect.Effect<Response> =>
        (request._tag === "Read"
          ? Effect.map(log.read(request.query), (answer): Response => ({ _tag: "Read", answer }))
          : Effect.map(log.control(request.commands), (results): Response => ({ _tag: "Control", results }))
        ).pipe(Effect.catch((error) => Effect.succeed<Response>({ _tag: "Failed", error })))
    }),
    Effect.flatMap(encode),
    // also a defect is answered: the other end would wait for ever
    Effect.catchCause((cause) =>
      Effect.andThen(
        Effect.logError("a command of another process failed", cause),
        encode({
          _tag: "Failed",
          error: unknown("command", new Unavailable({ detail: "the log's owner failed at it" }))
        })
      )
    ),
    Effect.orDie
  )

/** One connection: requests are answered one after the other. */
const serve = (socket: Net.Socket, answer: (line: string, done: (response: string) => void) => void): void => {
  let received: Array<Buffer> = []
  let bytes = 0
  const next = (): void => {
    const all = Buffer.concat(received)
    const end = all.indexOf(10)
    received = [all]
    if (end === -1) {
      if (bytes > maxRequestBytes) socket.destroy()
      else socket.resume()
      return
    }
    socket.pause()
    received = [all.subarray(end + 1)]
    bytes -= end + 1
    answer(all.toString("utf8", 0, end), (response) => {
      if (socket.destroyed) return
      // one answer at a time lies in memory, however slowly they are taken
      if (socket.write(`${response}\n`)) next()
      else socket.once("drain", next)
    })
  }
  socket.on("error", () => socket.destroy())
  socket.on("data", (chunk) => {
    received.push(chunk)
    bytes += chunk.length
    if (bytes > maxRequestBytes) {
      socket.destroy()
      return
    }
    next()
  })
}

/**
 * Listens on the socket in the directory while the scope lasts. Only the directory's owner may call it: what a crashed
 * one left there is replaced.
 *
 * Fails with the system's error; a log can do without.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const listen: (
  directory: string,
  log: Pick<JobLogOperations, "read" | "control">
) => Effect.Effect<void, DiskError, Scope.Scope> = Effect.fnUntraced(function* (directory, log) {
  const path = yield* socketPath(directory)
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const sockets = new Set<Net.Socket>()
  yield* Effect.acquireRelease(
    Effect.callback<Net.Server, DiskError>((resume) => {
      const server = Net.createServer((socket) => {
        sockets.add(socket)
        socket.on("close", () => sockets.delete(socket))
        serve(socket, (line, done) => {
          fork(Effect.map(answerLine(log, line), done))
        })
      })
      server.once("error", (error) => resume(Effect.fail(socketError("listen", path)(error))))
      try {
        Fs.rmSync(path, { force: true })
      } catch (error) {
        return resume(Effect.fail(socketError("remove", path)(error)))
      }
      // the socket is created inside of `listen`, and must never be open to others
      const mask = process.umask(0o177)
      try {
        server.listen(path, () => resume(Effect.succeed(server)))
      } finally {
        process.umask(mask)
      }
      server.unref()
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        for (const socket of sockets) socket.destroy()
        // closing removes the socket's file
        server.close(() => resume(Effect.void))
      })
  )
})
