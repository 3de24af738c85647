/**
 * From a directory to the segments that a journal may append to.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { type LogError, NotWritable, refused, Unavailable } from "../../../log/LogError.ts"
import { notWritable } from "./DirectoryLock.ts"
import type { Disk, DiskError } from "./Disk.ts"
import type { LiveSegment } from "./JournalAppender.ts"
import { createSegment } from "./JournalFlush.ts"
import { type Walk, walkJournal } from "./Recovery.ts"
import { repairDirectory, repairTail } from "./RecoveryRepair.ts"
import { segmentHeaderBytes, segmentName } from "./SegmentHeader.ts"
import type { OnFrame } from "./SegmentScan.ts"

/** File systems whose locks and syncs reach over a network and do not hold what a log needs of them. */
const networkFileSystems: ReadonlySet<string> = new Set([
  "nfs",
  "smb",
  "smb2",
  "cifs",
  "afs",
  "coda",
  "ncp",
  "ceph",
  "lustre"
])

const permissionCodes: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EROFS", "ENOTDIR"])

/**
 * Turns a failed disk operation of an opening into the refusal.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const openFailure = (directory: string, error: DiskError): LogError =>
  permissionCodes.has(error.code)
    ? notWritable(directory, error.code, error.message)
    : refused("open", new Unavailable({ detail: error.message }))

/**
 * Makes sure that the directory exists and can hold a log, takes it, and answers how to give it back.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const takeDirectory: (disk: Disk, directory: string) => Effect.Effect<Effect.Effect<void>, LogError> =
  Effect.fnUntraced(function* (disk, directory) {
    yield* disk
      .makeDirectory(directory)
      .pipe(Effect.mapError((error) => notWritable(directory, error.code, error.message)))
    const type = yield* disk
      .fileSystemType(directory)
      .pipe(Effect.mapError((error) => notWritable(directory, error.code, error.message)))
    if (networkFileSystems.has(type)) {
      const detail = `${type} is a network file system; use a local one`
      return yield* refused("open", new NotWritable({ path: directory, cause: "networkFileSystem", detail }))
    }
    return yield* disk.lock(directory)
  })

/**
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const liveSegments = (walk: Walk): Array<LiveSegment> =>
  walk.segments.map((segment) => ({
    header: segment.header,
    name: segment.name,
    bytes: segment.end,
    written: segment.end,
    allocated: segment.size,
    file: undefined
  }))

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface RecoverOptions {
  readonly disk: Disk
  readonly directory: string
  readonly onFrame: OnFrame
  /** Makes the salt of a first segment. */
  readonly salt: () => number
}

/**
 * Walks into `walk`, repairs, and answers the segments, of which the last is open for appending.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const recover: (walk: Walk, options: RecoverOptions) => Effect.Effect<Array<LiveSegment>, DiskError | LogError> =
  Effect.fnUntraced(function* (walk, options) {
    const { disk, directory } = options
    yield* walkJournal(walk, { disk, directory, onFrame: options.onFrame, live: false })
    const last = walk.segments[walk.segments.length - 1]
    if (last !== undefined) {
      const { file, size } = yield* repairTail(disk, directory, walk, last)
      yield* Effect.onError(repairDirectory(disk, directory, walk), () => file.close)
      const segments = liveSegments(walk)
      const newest = segments[segments.length - 1]!
      newest.file = file
      newest.allocated = size
      return segments
    }
    yield* repairDirectory(disk, directory, walk)
    const first: LiveSegment = {
      header: { index: 0, firstSeq: 1, trimmedTo: 1, epoch: 1, chain: 0, salt: options.salt() },
      name: segmentName(1),
      bytes: segmentHeaderBytes,
      written: segmentHeaderBytes,
      allocated: segmentHeaderBytes,
      file: undefined
    }
    first.file = yield* createSegment(disk, directory, first)
    return [first]
  })
