/**
 * A Postgres server of one's own: its programs are found where distributions put them, its data lie in a directory, and
 * nobody else can connect to it.
 *
 * @since 0.1.0
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

/**
 * No server: its programs are missing, its data could not be made, or it did not start.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class PrivatePostgresFailed extends Schema.TaggedError<PrivatePostgresFailed>()("PrivatePostgresFailed", {
  detail: Schema.String
}) {
  override get message(): string {
    return `no private Postgres: ${this.detail}`
  }
}

/** The folder that holds both `postgres` and `initdb`, the newest where there are several. */
const binaries = (): string | undefined => {
  const versions = "/usr/lib/postgresql"
  const packaged = Fs.existsSync(versions) ? Fs.readdirSync(versions) : []
  return [
    ...(process.env["PATH"] ?? "").split(Path.delimiter),
    ...packaged.sort((a, b) => Number(b) - Number(a)).map((version) => Path.join(versions, version, "bin"))
  ].find((folder) => ["postgres", "initdb"].every((name) => Fs.existsSync(Path.join(folder, name))))
}

/**
 * The user that the server runs as; undefined is this process's own.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** The server refuses to run as root: then it runs as its package's user, or as nobody. */
const accountToRunAs = (): Account | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const users = Fs.readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
  const user = ["postgres", "nobody"].flatMap((name) => users.filter(([found]) => found === name))[0]
  return user === undefined ? undefined : { uid: Number(user[2]), gid: Number(user[3]) }
}

/**
 * Where the server's programs are, and who runs them.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Programs {
  readonly folder: string
  readonly account: Account | undefined
}

/**
 * Finds the server's programs; undefined if there are none.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const find = (): Programs | undefined => {
  const folder = binaries()
  return folder === undefined ? undefined : { folder, account: accountToRunAs() }
}

/** The user of the database that a private server knows. */
const user = "leasehold"

/**
 * Makes the data of a new server in a directory that does not exist; if it is interrupted, none is there. Throws what
 * the program says.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const initialise = ({ account, folder }: Programs, data: string): void => {
  const unfinished = Fs.mkdtempSync(`${data}-`)
  if (account !== undefined) Fs.chownSync(unfinished, account.uid, account.gid)
  const options = ["-U", user, "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"]
  const initdb = Path.join(folder, "initdb")
  const { error, status, stderr, stdout } = spawnSync(initdb, ["-D", unfinished, ...options], {
    encoding: "utf8",
    ...account
  })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`initdb: ${stdout.slice(-500)} ${stderr.slice(-500)}`)
  Fs.renameSync(unfinished, data)
}

/**
 * Whether a server takes connections, by what it writes into its own data.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const isReady = (data: string, pid: number | undefined): boolean => {
  try {
    const lines = Fs.readFileSync(Path.join(data, "postmaster.pid"), "utf8").split("\n")
    return Number(lines[0]) === pid && lines[7]?.trim() === "ready"
  } catch {
    return false
  }
}

/**
 * The words of a server's command line: the socket's directory is all that lets in.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const words = (
  data: string,
  sockets: string,
  settings: Readonly<Record<string, string | number>> = {}
): ReadonlyArray<string> =>
  Object.entries({
    listen_addresses: "",
    unix_socket_permissions: "0700",
    // its memory is in its data, and goes with it
    dynamic_shared_memory_type: "mmap",
    log_min_messages: "fatal",
    max_wal_size: "256MB",
    ...settings
  }).reduce<ReadonlyArray<string>>(
    (all, [name, value]) => [...all, "-c", `${name}=${value}`],
    ["-D", data, "-k", sockets]
  )

/**
 * How to connect through a socket in a directory.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const urlOf = (sockets: string, port: number, database = "postgres"): Redacted.Redacted =>
  Redacted.make(`postgres:///${database}?host=${encodeURIComponent(sockets)}&port=${port}&user=${user}`)

/** A directory on the way that the server's user may not pass. */
const barrier = (directory: string, { uid }: Account): string | undefined => {
  for (let at = Path.dirname(Path.resolve(directory)); ; at = Path.dirname(at)) {
    const { mode, uid: owner } = Fs.statSync(at)
    if (owner !== uid && (mode & 0o001) === 0) return at
    if (at === Path.dirname(at)) return undefined
  }
}

const attempt = <A>(act: () => A): Effect.Effect<A, PrivatePostgresFailed> =>
  Effect.try({
    try: act,
    catch: (error) => new PrivatePostgresFailed({ detail: error instanceof Error ? error.message : String(error) })
  })

/** Milliseconds until a server that was killed must have recovered. */
const patience = 60_000

const running = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null

/** Ends a server by a signal: its data are kept by its log. */
const end = (child: ChildProcess | undefined, signal: NodeJS.Signals): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (child === undefined || child.pid === undefined || !running(child)) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill(signal)
  })

/** Milliseconds between looks at whether a server is ready. */
const look = 10

/**
 * A server that runs.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface PrivatePostgres {
  /** How to connect to it, after a restart as well. */
  readonly url: Redacted.Redacted
  /** Ends it with SIGKILL; what it was at is undone when it starts again. */
  readonly kill: Effect.Effect<void>
  /** Starts it again on its data, and answers once it has recovered. */
  readonly restart: Effect.Effect<void, PrivatePostgresFailed>
}

/**
 * Starts a server whose data are in a directory, made where they are missing. It has no network port, only a socket that
 * its own user and root can open. It ends with the scope; its data stay.
 *
 * When this process is root the server runs as another user, who must be able to reach the directory.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const start = Effect.fnUntraced(function* (
  directory: string
): Effect.fn.Return<PrivatePostgres, PrivatePostgresFailed, Scope.Scope> {
  const programs = find()
  if (programs === undefined) {
    const detail =
      "neither the PATH nor /usr/lib/postgresql has `postgres` and `initdb`; install PostgreSQL 13 or newer"
    return yield* new PrivatePostgresFailed({ detail })
  }
  const { account } = programs
  const data = Path.join(directory, "data")
  yield* attempt(() => {
    Fs.mkdirSync(directory, { recursive: true })
    const closed = account === undefined ? undefined : barrier(data, account)
    if (closed !== undefined) throw new Error(`the server does not run as root, and its user cannot enter ${closed}`)
    if (!Fs.existsSync(data)) initialise(programs, data)
  })
  // the path of a socket must be short
  const sockets = yield* Effect.acquireRelease(
    attempt(() => {
      const made = Fs.mkdtempSync(Path.join(tmpdir(), "leasehold-"))
      if (account !== undefined) Fs.chownSync(made, account.uid, account.gid)
      return made
    }),
    (made) => Effect.sync(() => Fs.rmSync(made, { recursive: true, force: true }))
  )
  let child: ChildProcess | undefined
  let said = ""
  const launch = (): ChildProcess => {
    said = ""
    const started = spawn(Path.join(programs.folder, "postgres"), words(data, sockets), {
      stdio: ["ignore", "ignore", "pipe"],
      // a signal from the terminal is for the program that started it
      detached: true,
      ...account
    })
    started.stderr.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-2_000)
    })
    started.on("error", (error) => {
      said += error.message
    })
    return started
  }
  const restart = Effect.gen(function* () {
    const until = (yield* Clock.currentTimeMillis) + patience
    child = launch()
    while (!isReady(data, child.pid)) {
      if ((yield* Clock.currentTimeMillis) > until || child.pid === undefined) {
        return yield* new PrivatePostgresFailed({ detail: `the server did not start: ${said.trim()}` })
      }
      if (!running(child)) {
        // the killed server's children may take a moment to notice that they are alone
        if (!said.includes("still in use")) {
          return yield* new PrivatePostgresFailed({ detail: `the server did not start: ${said.trim()}` })
        }
        child = launch()
      }
      yield* Effect.sleep(look)
    }
  })
  yield* Effect.addFinalizer(() => Effect.suspend(() => end(child, "SIGQUIT")))
  yield* restart
  return { url: urlOf(sockets, 5432), kill: Effect.suspend(() => end(child, "SIGKILL")), restart }
})
