/**
 * The path under which the socket in a directory can be reached: the system takes no more than about a hundred bytes.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { socketName } from "./ControlProtocol.ts"
import { DiskError } from "../journal/Disk.ts"

/** The least of what systems take, less the closing zero. */
const longestPath = 103

/**
 * What the system said of a failed operation at the socket's path.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export const socketError =
  (operation: string, path: string) =>
  (error: unknown): DiskError => {
    // Node's file and net operations fail with errors of this form
    const { code = "UNKNOWN", message } = error as NodeJS.ErrnoException
    return new DiskError({ operation, path, code, detail: message })
  }

/**
 * A short path to the directory's socket. A long one is shortened by a symbolic link in a private temporary directory
 * that lives as long as the scope.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const socketPath = (directory: string): Effect.Effect<string, DiskError, Scope.Scope> => {
  const path = Path.join(Path.resolve(directory), socketName)
  if (Buffer.byteLength(path) <= longestPath) return Effect.succeed(path)
  const link = Effect.try({
    try: () => {
      const temporary = Fs.mkdtempSync(Path.join(Os.tmpdir(), "leasehold-"))
      Fs.symlinkSync(Path.resolve(directory), Path.join(temporary, "d"))
      return temporary
    },
    catch: socketError("symlink", path)
  })
  return Effect.acquireRelease(link, (temporary) =>
    Effect.sync(() => Fs.rmSync(temporary, { recursive: true, force: true }))
  ).pipe(Effect.map((temporary) => Path.join(temporary, "d", socketName)))
}
