/**
 * The other end of a log's control socket, for the command line.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import type { JobLogOperations } from "../../../log/JobLog.ts"
import { type LogError, refused, Unavailable, unknown } from "../../../log/LogError.ts"
import * as Validate from "../../../log/Validate.ts"
import {
  maxResponseBytes,
  protocolVersion,
  type Request,
  RequestLine,
  type Response,
  ResponseLine
} from "./ControlProtocol.ts"
import { capabilities } from "../FileCapabilities.ts"
import * as FileLog from "../FileLog.ts"
import { socketPath } from "./SocketPath.ts"

/**
 * A log that can be looked at and controlled.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type ControlledLog = Pick<JobLogOperations, "read" | "control" | "capabilities">

/** Longest wait for an answer, milliseconds. */
const patience = 60_000

const encode = Schema.encodeEffect(RequestLine)
const decode = Schema.decodeUnknownEffect(ResponseLine)

const unavailable = (detail: string): Unavailable => new Unavailable({ detail })

const dial = (path: string): Effect.Effect<Net.Socket, Error, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Net.Socket, Error>((resume) => {
      const socket = Net.connect(path)
      socket.once("error", (error) => resume(Effect.fail(error)))
      socket.once("connect", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

/** Sends a line and answers the next one. The log may have acted on it unless the socket was closed before. */
const exchange = (socket: Net.Socket, operation: string, line: string): Effect.Effect<string, LogError> =>
  Effect.callback<string, LogError>((resume) => {
    if (socket.destroyed) return resume(Effect.fail(refused(operation, unavailable("the connection is closed"))))
    const received: Array<Buffer> = []
    let bytes = 0
    const stop = (): void => {
      socket.off("data", onData)
      socket.off("close", onClose)
      socket.off("error", onClose)
    }
    const onData = (chunk: Buffer): void => {
      received.push(chunk)
      bytes += chunk.length
      if (bytes > maxResponseBytes) {
        stop()
        return resume(Effect.fail(unknown(operation, unavailable(`the answer has over ${maxResponseBytes} bytes`))))
      }
      if (chunk[chunk.length - 1] !== 10) return
      stop()
      resume(Effect.succeed(Buffer.concat(received).toString("utf8")))
    }
    const onClose = (): void => {
      stop()
      resume(Effect.fail(unknown(operation, unavailable("the log's owner went away before it answered"))))
    }
    socket.on("data", onData)
    socket.on("close", onClose)
    socket.on("error", onClose)
    socket.write(`${line}\n`)
    return Effect.sync(stop)
  }).pipe(
    Effect.timeoutOrElse({
      duration: Duration.millis(patience),
      orElse: () => Effect.fail(unknown(operation, unavailable(`the log's owner did not answer in ${patience} ms`)))
    })
  )

const ask = Effect.fnUntraced(function* (socket: Net.Socket, operation: string, request: Request) {
  const line = yield* Effect.orDie(encode(request))
  const answer = yield* exchange(socket, operation, line)
  const response = yield* decode(answer).pipe(
    Effect.mapError((error) =>
      unknown(operation, unavailable(`the owner's answer is not understood: ${error.message}`))
    )
  )
  if (response._tag === "Failed") return yield* response.error
  if (response._tag === "Rejected") return yield* refused(operation, unavailable(response.detail))
  return response
})

const mismatch = (operation: string, response: Response): Effect.Effect<never, LogError> =>
  Effect.fail(unknown(operation, unavailable(`the owner answered with ${response._tag}`)))

/** One request at a time per connection, and one connection per request: commands are few. */
const remote = (directory: string): ControlledLog => {
  const call = (operation: string, request: Request): Effect.Effect<Response, LogError> =>
    Effect.scoped(
      Effect.flatMap(
        Effect.mapError(Effect.flatMap(socketPath(directory), dial), (error) =>
          refused(operation, unavailable(`the log's owner cannot be reached: ${error.message}`))
        ),
        (socket) => ask(socket, operation, request)
      )
    )
  return {
    capabilities,
    read: (query) => {
      const invalid = Validate.read(query)
      if (invalid !== undefined) return Effect.fail(refused("read", invalid))
      return Effect.flatMap(call("read", { _tag: "Read", v: protocolVersion, query }), (response) =>
        response._tag === "Read" ? Effect.succeed(response.answer) : mismatch("read", response)
      )
    },
    control: (commands) => {
      const invalid = Validate.control(commands)
      if (invalid !== undefined) return Effect.fail(refused("control", invalid))
      return Effect.flatMap(call("control", { _tag: "Control", v: protocolVersion, commands }), (response) =>
        response._tag === "Control" ? Effect.succeed(response.results) : mismatch("control", response)
      )
    }
  }
}

/**
 * The log of a live owner. Fails with `Unavailable` when nobody listens in the directory.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const connect = (directory: string): Effect.Effect<ControlledLog, LogError> =>
  Effect.flatMap(socketPath(directory), dial).pipe(
    Effect.scoped,
    Effect.mapError((error) => refused("connect", unavailable(`no owner listens in ${directory}: ${error.message}`))),
    Effect.as(remote(directory))
  )

/**
 * A log to control: through its live owner if there is one, else opened for the scope. Fails as opening does, with
 * `OwnedBy` where an owner lives that does not listen.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const openForControl = (options: FileLog.Options): Effect.Effect<ControlledLog, LogError, Scope.Scope> => {
  const live = connect(options.directory)
  // an owner may come up between the two steps: then it is asked after all
  const own = FileLog.make(options).pipe(
    Effect.catch((error) => (error.reason._tag === "OwnedBy" ? Effect.mapError(live, () => error) : Effect.fail(error)))
  )
  return Effect.catch(live, () => own)
}
