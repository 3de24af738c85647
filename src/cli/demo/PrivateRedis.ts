/**
 * A Redis or Valkey server of one's own: its program is found on the PATH, its data lie in a directory, and nobody else
 * can connect to it.
 *
 * @since 0.1.0
 */
import { type ChildProcess, spawn } from "node:child_process"
import * as Fs from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

/**
 * No server: its program is missing, or it did not start.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class PrivateRedisFailed extends Schema.TaggedError<PrivateRedisFailed>()("PrivateRedisFailed", {
  detail: Schema.String
}) {
  override get message(): string {
    return `no private Redis: ${this.detail}`
  }
}

/**
 * The server's program; undefined if there is none.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const find = (): string | undefined => {
  const folders = (process.env["PATH"] ?? "").split(Path.delimiter)
  return ["redis-server", "valkey-server"]
    .flatMap((name) => folders.map((folder) => Path.join(folder, name)))
    .find((path) => Fs.existsSync(path))
}

/**
 * The directives of a server's configuration: a value of several words is written as it stands there.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Settings = Readonly<Record<string, string | number>>

/**
 * Directives as the lines of a configuration.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const lines = (settings: Settings): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name} ${value === "" ? '""' : value}\n`)
    .join("")

/**
 * A server's configuration: what it acknowledges is on its disk, and it removes nothing by itself.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const configuration = (directory: string, settings: Settings = {}): string =>
  lines({
    dir: JSON.stringify(directory),
    bind: "127.0.0.1",
    unixsocket: JSON.stringify(socketIn(directory)),
    // for this user and root alone
    unixsocketperm: "700",
    appendonly: "yes",
    appendfsync: "always",
    save: "",
    "maxmemory-policy": "noeviction",
    ...settings
  })

/**
 * Where a server with this directory has its socket.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const socketIn = (directory: string): string => Path.join(directory, "redis.sock")

/** Milliseconds in which a server that is there must answer. */
const answerMillis = 1000

/**
 * Whether a server has its data in memory and answers, at a socket or at a port of this machine.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const isReady = (at: string | number): Effect.Effect<boolean> =>
  Effect.callback<boolean>((resume) => {
    const socket = typeof at === "string" ? connect(at) : connect(at, "127.0.0.1")
    let said = ""
    const done = (ready: boolean): void => {
      socket.destroy()
      resume(Effect.succeed(ready))
    }
    socket.once("error", () => done(false))
    socket.once("end", () => done(false))
    socket.on("data", (chunk) => {
      said += chunk.toString()
      // one that wants a password first has read its data as well
      if (said.includes("\n")) done(/^(?:\+PONG|-NOAUTH)/.test(said))
    })
    socket.write("PING\r\n")
    return Effect.sync(() => socket.destroy())
  }).pipe(Effect.timeoutOrElse({ duration: answerMillis, orElse: () => Effect.succeed(false) }))

const attempt = <A>(act: () => A): Effect.Effect<A, PrivateRedisFailed> =>
  Effect.try({
    try: act,
    catch: (error) => new PrivateRedisFailed({ detail: error instanceof Error ? error.message : String(error) })
  })

/** Milliseconds until a server that was killed must have read its data again. */
const patience = 60_000

/** Milliseconds between looks at whether a server is ready. */
const look = 10

const running = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null

/** Ends a server without asking: what it acknowledged is on its disk. */
const end = (child: ChildProcess | undefined): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (child === undefined || child.pid === undefined || !running(child)) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })

/**
 * A server that runs.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface PrivateRedis {
  /** How to connect to it, after a restart as well. */
  readonly url: Redacted.Redacted
  /** Ends it with SIGKILL. */
  readonly kill: Effect.Effect<void>
  /** Starts it again on its data, and answers once it has read them. */
  readonly restart: Effect.Effect<void, PrivateRedisFailed>
}

/**
 * Starts a server on fresh data. It has no network port, only a socket that this user and root can open. It ends with
 * the scope, and its data go with it.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const start: Effect.Effect<PrivateRedis, PrivateRedisFailed, Scope.Scope> = Effect.gen(function* () {
  const program = find()
  if (program === undefined) {
    const detail = "the PATH has neither `redis-server` nor `valkey-server`; install Redis or Valkey 6.2 or newer"
    return yield* new PrivateRedisFailed({ detail })
  }
  // the path of a socket must be short
  const directory = yield* Effect.acquireRelease(
    attempt(() => Fs.mkdtempSync(Path.join(tmpdir(), "leasehold-"))),
    (made) => Effect.sync(() => Fs.rmSync(made, { recursive: true, force: true }))
  )
  const file = Path.join(directory, "redis.conf")
  yield* attempt(() => Fs.writeFileSync(file, configuration(directory, { port: 0, loglevel: "warning" })))
  let child: ChildProcess | undefined
  let said = ""
  const launch = (): ChildProcess => {
    said = ""
    // a signal from the terminal is for the program that started it
    const started = spawn(program, [file], { stdio: ["ignore", "pipe", "pipe"], detached: true })
    const heard = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-2_000)
    }
    started.stdout.on("data", heard)
    started.stderr.on("data", heard)
    started.on("error", (error) => {
      said += error.message
    })
    return started
  }
  const socket = socketIn(directory)
  const restart = Effect.gen(function* () {
    const until = (yield* Clock.currentTimeMillis) + patience
    child = launch()
    while (!(yield* isReady(socket))) {
      if ((yield* Clock.currentTimeMillis) > until || child.pid === undefined || !running(child)) {
        return yield* new PrivateRedisFailed({ detail: `the server did not start: ${said.trim()}` })
      }
      yield* Effect.sleep(look)
    }
  })
  yield* Effect.addFinalizer(() => Effect.suspend(() => end(child)))
  yield* restart
  return { url: Redacted.make(`redis+unix://${socket}`), kill: Effect.suspend(() => end(child)), restart }
})
