/**
 * The asynchronous half of a journal: one fiber that writes and syncs what the appender collected, one batch at a
 * time. Everything that waits when a batch is taken shares its sync.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Disk, DiskError, DiskFile } from "./Disk.ts"
import type { Batch, JournalAppender, LiveSegment } from "./JournalAppender.ts"
import { encodeSegmentHeader, segmentHeaderBytes, temporarySuffix } from "./SegmentHeader.ts"

/** Zeros written ahead, so that most syncs need not also make a new file size durable. */
const preallocateBytes = 1024 * 1024
/** Larger batches pay for the size's change by themselves; writing zeros first would double their bytes. */
const preallocateBelowBytes = 64 * 1024

const noRoomCodes: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EFBIG", "SHORT_WRITE"])

const zeros = Buffer.alloc(preallocateBytes)

/**
 * Creates a segment's file with its header: complete and durable before it bears its name.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const createSegment: (
  disk: Disk,
  directory: string,
  segment: LiveSegment
) => Effect.Effect<DiskFile, DiskError> = Effect.fnUntraced(function* (disk, directory, segment) {
  const path = `${directory}/${segment.name}`
  const temporary = `${path}${temporarySuffix}`
  const file = yield* disk.open(temporary, "create")
  return yield* Effect.onError(
    Effect.gen(function* () {
      yield* file.write(encodeSegmentHeader(segment.header), 0, segmentHeaderBytes, 0)
      yield* file.sync
      yield* disk.rename(temporary, path)
      yield* disk.syncDirectory(directory)
      return file
    }),
    () => file.close
  )
})

/** Writes and syncs one batch; every earlier batch is durable by then, its whole segment too. */
const writeBatch = Effect.fnUntraced(function* (
  disk: Disk,
  directory: string,
  appender: JournalAppender,
  batch: Batch,
  retire: (index: number, file: DiskFile) => Effect.Effect<void>
) {
  const segment = batch.segment
  let file = segment.file
  if (file === undefined) {
    file = yield* createSegment(disk, directory, segment)
    segment.file = file
    for (const older of appender.segments) {
      if (older === segment) break
      if (older.file !== undefined) {
        const retired = older.file
        older.file = undefined
        yield* retire(older.header.index, retired)
      }
    }
  }
  const end = batch.position + batch.length
  appender.handedSeq = batch.lastSeq
  yield* file.write(batch.buffer, 0, batch.length, batch.position)
  if (end > segment.allocated) {
    segment.allocated = end
    if (batch.length < preallocateBelowBytes && end < appender.segmentBytes) {
      const length = Math.min(preallocateBytes, appender.segmentBytes - end)
      segment.allocated += yield* Effect.as(file.write(zeros, 0, length, end), length).pipe(
        // A disk without room for the zeros has taken the frames.
        Effect.catchIf(
          (error) => noRoomCodes.has(error.code),
          () => Effect.succeed(0)
        )
      )
    }
  }
  segment.written = end
  yield* file.datasync
})

/**
 * Runs until `isStopping` answers true with nothing left to flush, or until the disk fails, which poisons the
 * appender. `retire` receives the append handle of a segment that is complete.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const flushLoop: (options: {
  readonly disk: Disk
  readonly directory: string
  readonly appender: JournalAppender
  readonly isStopping: () => boolean
  readonly retire: (index: number, file: DiskFile) => Effect.Effect<void>
}) => Effect.Effect<void> = Effect.fnUntraced(
  function* ({ disk, directory, appender, isStopping, retire }) {
    const idle = Effect.callback<void>((resume) => {
      appender.wake = () => {
        appender.wake = noop
        resume(Effect.void)
      }
      if (appender.hasPending || isStopping()) appender.wake()
    })
    while (true) {
      if (!appender.hasPending) {
        if (isStopping()) return
        yield* idle
      }
      // One hop, so that everything committed in the same turn of the event loop shares the batch.
      yield* Effect.yieldNow
      const batch = appender.take()
      if (batch === undefined) continue
      yield* writeBatch(disk, directory, appender, batch, retire)
      appender.landed()
    }
  },
  (effect, { appender }) =>
    Effect.catchCause(effect, (cause) =>
      Effect.sync(() => {
        const error = Cause.squash(cause)
        appender.poison(error instanceof Error ? error.message : String(error))
      })
    )
)

const noop = (): void => {}
