/**
 * Brings a walked journal into a state that may be trusted and appended to: nothing torn, nothing half trimmed,
 * nothing that only the page cache holds.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Disk, DiskError, DiskFile } from "./Disk.ts"
import type { FoundSegment, Walk } from "./Recovery.ts"
import { scanChunkBytes } from "./SegmentScan.ts"

/** Writes a range of a file over itself. */
const rewrite = Effect.fnUntraced(function* (file: DiskFile, from: number, to: number) {
  const buffer = Buffer.allocUnsafe(Math.min(scanChunkBytes, to - from))
  let at = from
  while (at < to) {
    const have = yield* file.read(buffer, 0, Math.min(buffer.length, to - at), at)
    if (have === 0) return
    yield* file.write(buffer, 0, have, at)
    at += have
  }
})

/**
 * Cuts the torn tail, makes durable what nothing proves durable yet, and syncs both. Answers the last segment's file,
 * open for appending, with its size.
 *
 * After a failed sync the page cache may show bytes as clean that the disk never got, so reading them back proves
 * nothing: the tail which nothing later witnesses is written again and synced before anybody relies on it.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const repairTail: (
  disk: Disk,
  directory: string,
  walk: Walk,
  last: FoundSegment
) => Effect.Effect<{ readonly file: DiskFile; readonly size: number }, DiskError> = Effect.fnUntraced(
  function* (disk, directory, walk, last) {
    const file = yield* disk.open(`${directory}/${last.name}`, "readWrite")
    return yield* Effect.onError(
      Effect.gen(function* () {
        let size = last.size
        if (walk.torn !== undefined) {
          yield* file.truncate(last.end)
          size = last.end
        }
        const from = walk.state?.unwitnessedFrom
        if (from !== undefined) yield* rewrite(file, from, last.end)
        if (walk.torn !== undefined || from !== undefined) yield* file.sync
        return { file, size }
      }),
      () => file.close
    )
  }
)

/**
 * Removes what is left of unfinished creations and trims, oldest first, and makes the directory durable as it is.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const repairDirectory: (disk: Disk, directory: string, walk: Walk) => Effect.Effect<void, DiskError> =
  Effect.fnUntraced(function* (disk, directory, walk) {
    const trimmedTo = walk.state?.trimmedTo ?? 0
    const given = walk.segments.filter((segment) => segment.header.firstSeq < trimmedTo)
    walk.segments = walk.segments.filter((segment) => segment.header.firstSeq >= trimmedTo)
    yield* Effect.forEach(walk.remnants, (name) => disk.remove(`${directory}/${name}`), { discard: true })
    // What is seen may be unsynced still, a rename among it.
    yield* disk.syncDirectory(directory)
    for (const name of [...walk.trimmed, ...given.map((segment) => segment.name)]) {
      yield* disk.remove(`${directory}/${name}`)
      yield* disk.syncDirectory(directory)
    }
  })
