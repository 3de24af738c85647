/**
 * Ownership of a directory that the kernel takes back when its holder dies, however it dies.
 *
 * The lock is an exclusive transaction on a small SQLite file, which no clock and no process id can make stale. A
 * registry by device and inode refuses a second owner within the process under any spelling of the path.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { DatabaseSync } from "node:sqlite"
import { type LogError, NotWritable, OwnedBy, refused } from "../../../log/LogError.ts"

/**
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const lockFileName = "lock.sqlite"

/**
 * The owner introduces itself in this file, for the message to others only.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const ownerFileName = "owner.json"

/** SQLITE_BUSY */
const busy = 5

/** Owners of this process by `dev:ino` of their directory. */
const owners = new Map<string, string>()

/**
 * Says why a directory cannot hold a log, from the code of the system's error.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const notWritable = (path: string, code: string, detail: string): LogError => {
  const cause =
    code === "EACCES" || code === "EPERM"
      ? "permission"
      : code === "EROFS"
        ? "readOnly"
        : code === "ENOTDIR" || code === "EEXIST"
          ? "notADirectory"
          : "other"
  return refused("open", new NotWritable({ path, cause, detail: `${code}${detail === "" ? "" : `: ${detail}`}` }))
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "UNKNOWN"

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** How the present owner introduced itself. Tolerates a missing or torn file: it may be writing it just now. */
const describeOwner = (path: string): string => {
  try {
    const owner: unknown = JSON.parse(Fs.readFileSync(path, "utf8"))
    if (typeof owner !== "object" || owner === null) return "another process"
    const { pid, host, startedAt } = owner as { pid?: unknown; host?: unknown; startedAt?: unknown }
    return `pid ${String(pid)} on ${String(host)} since ${String(startedAt)}`
  } catch {
    return "another process"
  }
}

/** Opens the lock file and takes it; `undefined` while another holds it. */
const takeLock = (path: string): DatabaseSync | undefined => {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    // The rollback journal stays in memory: the transaction never writes, and no file beside the lock is left over.
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE")
    return database
  } catch (error) {
    database.close()
    if (error instanceof Error && "errcode" in error && error.errcode === busy) return undefined
    throw error
  }
}

const acquire = (directory: string, startedAt: string): Effect.Effect<Effect.Effect<void>, LogError> => {
  let database: DatabaseSync | undefined
  try {
    const stat = Fs.statSync(directory, { bigint: true })
    if (!stat.isDirectory()) return Effect.fail(notWritable(directory, "ENOTDIR", "not a directory"))
    // SQLite would hide the system's error. The lock file itself must not be touched for this: closing any handle of
    // it gives up the locks that this process has on it.
    Fs.accessSync(directory, Fs.constants.W_OK | Fs.constants.X_OK)
    const key = `${stat.dev}:${stat.ino}`
    const ownerPath = Path.join(directory, ownerFileName)
    const here = owners.get(key)
    if (here !== undefined) return Effect.fail(refused("open", new OwnedBy({ path: directory, owner: here })))
    database = takeLock(Path.join(directory, lockFileName))
    if (database === undefined) {
      return Effect.fail(refused("open", new OwnedBy({ path: directory, owner: describeOwner(ownerPath) })))
    }
    const owner = { pid: process.pid, host: Os.hostname(), startedAt }
    Fs.writeFileSync(ownerPath, JSON.stringify(owner))
    owners.set(key, `this process (pid ${owner.pid} on ${owner.host} since ${startedAt})`)
    return Effect.succeed(releaseOnce(database, key, ownerPath))
  } catch (error) {
    database?.close()
    return Effect.fail(notWritable(directory, codeOf(error), messageOf(error)))
  }
}

const releaseOnce = (database: DatabaseSync, key: string, ownerPath: string): Effect.Effect<void> => {
  let held = true
  return Effect.sync(() => {
    if (!held) return
    held = false
    try {
      Fs.rmSync(ownerPath, { force: true })
    } catch {
      // A stale introduction misleads nobody: the lock alone decides.
    }
    owners.delete(key)
    database.close()
  })
}

/**
 * Takes ownership of an existing directory and answers how to give it back.
 *
 * Fails with `OwnedBy` while another live owner has it, and with `NotWritable` where no lock can be taken.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const lockDirectory: (directory: string) => Effect.Effect<Effect.Effect<void>, LogError> = Effect.fnUntraced(
  function* (directory) {
    const millis = yield* Clock.currentTimeMillis
    return yield* acquire(directory, DateTime.formatIso(DateTime.makeUnsafe(millis)))
  }
)
