/**
 * The file operations that a file log needs, as a port: the real disk and a simulated one that loses, tears and
 * reorders what was not synced stand behind it alike.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { LogError } from "../../../log/LogError.ts"

/**
 * A failed disk operation.
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class DiskError extends Data.TaggedError("DiskError")<{
  /** The operation of the port, for example `datasync`. */
  readonly operation: string
  readonly path: string
  /** The system's error code, for example `EIO`; `SHORT_WRITE` and `UNKNOWN` where it gave none. */
  readonly code: string
  readonly detail: string
}> {
  override get message(): string {
    return `${this.operation} ${this.path}: ${this.code}${this.detail === "" ? "" : ` (${this.detail})`}`
  }
}

/**
 * How a file is opened: `create` fails if it exists, `readWrite` and `read` fail if it does not.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type OpenMode = "create" | "readWrite" | "read"

/**
 * An open file. At most one `write` may be in flight per file: nothing orders two of them.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface DiskFile {
  readonly path: string
  /** Writes all `length` bytes at `position` into the page cache, or fails; a failure may have written a part. */
  readonly write: (
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number
  ) => Effect.Effect<void, DiskError>
  /** Reads up to `length` bytes from `position`; answers how many, fewer only at the end of the file. */
  readonly read: (
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number
  ) => Effect.Effect<number, DiskError>
  /** Makes the bytes written so far durable, with the size needed to read them back. */
  readonly datasync: Effect.Effect<void, DiskError>
  /** As `datasync`, with all metadata (needed after `truncate`). */
  readonly sync: Effect.Effect<void, DiskError>
  readonly truncate: (length: number) => Effect.Effect<void, DiskError>
  readonly size: Effect.Effect<number, DiskError>
  /** Closes the handle; whether the file could be flushed is not answered here but by `datasync`. */
  readonly close: Effect.Effect<void>
}

/**
 * A disk. Names created, renamed or removed are durable only after `syncDirectory`.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Disk {
  /** Creates the directory with its parents; succeeds where it exists. */
  readonly makeDirectory: (path: string) => Effect.Effect<void, DiskError>
  /** The names in a directory, in no particular order. */
  readonly list: (directory: string) => Effect.Effect<ReadonlyArray<string>, DiskError>
  readonly open: (path: string, mode: OpenMode) => Effect.Effect<DiskFile, DiskError>
  readonly rename: (from: string, to: string) => Effect.Effect<void, DiskError>
  readonly remove: (path: string) => Effect.Effect<void, DiskError>
  readonly syncDirectory: (directory: string) => Effect.Effect<void, DiskError>
  readonly exists: (path: string) => Effect.Effect<boolean, DiskError>
  /** Bytes that this process may still allocate on the directory's file system. */
  readonly freeBytes: (directory: string) => Effect.Effect<number, DiskError>
  /** Name of the directory's file system where it is known (`ext4`, `nfs`), else its magic number in hexadecimal. */
  readonly fileSystemType: (directory: string) => Effect.Effect<string, DiskError>
  /**
   * Takes the one ownership of a directory and answers how to give it back. Fails with `OwnedBy` while another live
   * owner has it; an owner that died has lost it at once.
   */
  readonly lock: (directory: string) => Effect.Effect<Effect.Effect<void>, LogError>
}
