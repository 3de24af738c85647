/**
 * The disk of this machine, through `node:fs`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import { type Disk, DiskError, type DiskFile, type OpenMode } from "./Disk.ts"
import { lockDirectory } from "./DirectoryLock.ts"

/**
 * Up to this size a write copies into the page cache on the calling thread: that takes no longer than handing it to
 * the thread pool, and nothing has to come back.
 */
const synchronousWriteBytes = 128 * 1024

const diskError = (operation: string, path: string, error: unknown): DiskError => {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "UNKNOWN"
  return new DiskError({ operation, path, code, detail: error instanceof Error ? error.message : String(error) })
}

type Done<A> = (error: NodeJS.ErrnoException | null, value: A) => void

/** Not interruptible: whoever closes a file next must know that no call on it is under way in the thread pool. */
const call = <A>(operation: string, path: string, start: (done: Done<A>) => void): Effect.Effect<A, DiskError> =>
  Effect.uninterruptible(
    Effect.callback((resume) => {
      start((error, value) =>
        resume(error === null ? Effect.succeed(value) : Effect.fail(diskError(operation, path, error)))
      )
    })
  )

const run = (
  operation: string,
  path: string,
  start: (done: (error: NodeJS.ErrnoException | null) => void) => void
): Effect.Effect<void, DiskError> => call<void>(operation, path, (done) => start((error) => done(error, undefined)))

const shortWrite = (path: string, written: number, length: number): DiskError =>
  new DiskError({ operation: "write", path, code: "SHORT_WRITE", detail: `${written} of ${length} bytes` })

const makeFile = (fd: number, path: string): DiskFile => {
  let writing = false
  const writeInPool = (buffer: Uint8Array, offset: number, length: number, position: number) =>
    call<number>("write", path, (done) => Fs.write(fd, buffer, offset, length, position, done))
  const writeLarge: DiskFile["write"] = Effect.fnUntraced(
    function* (buffer, offset, length, position) {
      writing = true
      const written = yield* writeInPool(buffer, offset, length, position)
      if (written === length) return
      // A full disk takes a part without an error and reports only the next call.
      const rest = yield* writeInPool(buffer, offset + written, length - written, position + written)
      if (written + rest !== length) return yield* shortWrite(path, written + rest, length)
    },
    Effect.ensuring(
      Effect.sync(() => {
        writing = false
      })
    )
  )
  const writeSmall = (buffer: Uint8Array, offset: number, length: number, position: number) => {
    try {
      let written = Fs.writeSync(fd, buffer, offset, length, position)
      if (written === length) return Effect.void
      written += Fs.writeSync(fd, buffer, offset + written, length - written, position + written)
      return written === length ? Effect.void : Effect.fail(shortWrite(path, written, length))
    } catch (error) {
      return Effect.fail(diskError("write", path, error))
    }
  }
  const write: DiskFile["write"] = (buffer, offset, length, position) =>
    Effect.suspend(() => {
      if (writing) throw new Error(`two writes in flight on ${path}`)
      return length > synchronousWriteBytes
        ? writeLarge(buffer, offset, length, position)
        : writeSmall(buffer, offset, length, position)
    })
  return {
    path,
    write,
    read: (buffer, offset, length, position) =>
      call<number>("read", path, (done) => Fs.read(fd, buffer, offset, length, position, done)),
    datasync: run("datasync", path, (done) => Fs.fdatasync(fd, done)),
    sync: run("sync", path, (done) => Fs.fsync(fd, done)),
    truncate: (length) => run("truncate", path, (done) => Fs.ftruncate(fd, length, done)),
    size: call<Fs.Stats>("size", path, (done) => Fs.fstat(fd, done)).pipe(Effect.map((stats) => stats.size)),
    close: Effect.ignore(run("close", path, (done) => Fs.close(fd, done)))
  }
}

const flags: Record<OpenMode, string> = { create: "wx+", readWrite: "r+", read: "r" }

/** Magic numbers of file systems, as `statfs` answers them. */
const fileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, "nfs"],
  [0x517b, "smb"],
  [0xfe534d42, "smb2"],
  [0xff534d42, "cifs"],
  [0x5346414f, "afs"],
  [0x6b414653, "afs"],
  [0x73757245, "coda"],
  [0x564c, "ncp"],
  [0x00c36400, "ceph"],
  [0x0bd00bd0, "lustre"],
  [0xef53, "ext4"],
  [0x58465342, "xfs"],
  [0x9123683e, "btrfs"],
  [0x01021994, "tmpfs"],
  [0x794c7630, "overlayfs"],
  [0x2fc12fc1, "zfs"]
])

const syncDirectory = Effect.fnUntraced(function* (directory: string) {
  const fd = yield* call<number>("syncDirectory", directory, (done) => Fs.open(directory, "r", done))
  yield* Effect.ensuring(
    run("syncDirectory", directory, (done) => Fs.fsync(fd, done)),
    Effect.ignore(run("close", directory, (done) => Fs.close(fd, done)))
  )
})

/**
 * The machine's own disk.
 *
 * @since 0.1.0
 * @category services
 * @stability unstable
 */
export const nodeDisk: Disk = {
  makeDirectory: (path) => run("makeDirectory", path, (done) => Fs.mkdir(path, { recursive: true }, done)),
  list: (directory) => call<Array<string>>("list", directory, (done) => Fs.readdir(directory, done)),
  open: (path, mode) =>
    call<number>("open", path, (done) => Fs.open(path, flags[mode], done)).pipe(Effect.map((fd) => makeFile(fd, path))),
  rename: (from, to) => run("rename", from, (done) => Fs.rename(from, to, done)),
  remove: (path) => run("remove", path, (done) => Fs.unlink(path, done)),
  syncDirectory,
  exists: (path) =>
    call<Fs.Stats>("exists", path, (done) => Fs.stat(path, done)).pipe(
      Effect.as(true),
      Effect.catchTag("DiskError", (error) => (error.code === "ENOENT" ? Effect.succeed(false) : Effect.fail(error)))
    ),
  freeBytes: (directory) =>
    call<Fs.StatsFs>("freeBytes", directory, (done) => Fs.statfs(directory, done)).pipe(
      Effect.map((stats) => stats.bavail * stats.bsize)
    ),
  fileSystemType: (directory) =>
    call<Fs.StatsFs>("fileSystemType", directory, (done) => Fs.statfs(directory, done)).pipe(
      Effect.map((stats) => fileSystems.get(stats.type >>> 0) ?? `0x${(stats.type >>> 0).toString(16)}`)
    ),
  lock: lockDirectory
}
