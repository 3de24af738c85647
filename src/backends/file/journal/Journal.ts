/**
 * A segmented, checksummed, group-committed append-only journal over one directory. It knows nothing of jobs: an
 * engine encodes its records into frames and gets them back in order when the journal is opened again.
 *
 * Appending is plain synchronous code: `begin`, encode, `end`, then `commit` to learn when all of it is durable.
 * One write and one sync are in flight at a time, and everything that waits shares them.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import { Closed, LogError, refused, Unavailable, unknown } from "../../../log/LogError.ts"
import type { ByteWriter } from "./ByteWriter.ts"
import type { Disk, DiskError, DiskFile } from "./Disk.ts"
import { FrameType } from "./Frame.ts"
import { type CommitResume, JournalAppender } from "./JournalAppender.ts"
import { flushLoop } from "./JournalFlush.ts"
import { makeReads } from "./JournalReads.ts"
import { liveSegments, openFailure, recover, takeDirectory } from "./JournalRecovery.ts"
import { closeWalk, emptyWalk, type TornTail, type Walk, walkJournal } from "./Recovery.ts"
import { SegmentFiles } from "./SegmentFiles.ts"
import { segmentName } from "./SegmentHeader.ts"
import type { OnFrame } from "./SegmentScan.ts"

/**
 * What an engine chooses about its journal.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JournalOptions {
  readonly disk: Disk
  /** Created if it does not exist, unless `readOnly`. */
  readonly directory: string
  /** A frame that would begin at or beyond this size begins a new segment. Bytes; default 32 MiB. */
  readonly segmentBytes?: number | undefined
  /** Receives every recovered frame in order; types below 16 are the journal's own. */
  readonly onFrame: OnFrame
  /** Looks at the journal beside a live owner: takes no lock, changes nothing, appends nothing. Default false. */
  readonly readOnly?: boolean | undefined
  /** Log time for the journal's own frames, Unix milliseconds. */
  readonly now: () => number
}

/**
 * A segment of an open journal.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JournalSegment {
  readonly index: number
  readonly firstSeq: number
  /** Bytes of its header and frames, without what is allocated ahead. */
  readonly bytes: number
}

/**
 * What opening found.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JournalRecovery {
  readonly frames: number
  /** Log time of the last frame; 0 if there was none. */
  readonly lastAt: number
  /** Whether the former owner closed the journal. */
  readonly closed: boolean
  /** What was cut off, for the operator: never anything acknowledged. */
  readonly torn: TornTail | undefined
}

/**
 * An open journal. `begin` and `end` throw on a poisoned or closed one: check `poisoned` and `closed` first.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Journal {
  /** Begins a frame of an engine's type (16 to 255); encode its payload and call `end` in the same synchronous step. */
  readonly begin: (type: number, at: number) => ByteWriter
  /** Ends the frame and answers its sequence number. */
  readonly end: () => number
  /** Drops the frame that was begun. */
  readonly cancel: () => void
  /**
   * Calls `resume` once everything ended so far is durable, at once if it is. `resume` runs outside of any update of
   * the journal's state; it may append and commit, and must not throw.
   */
  readonly commit: (resume: CommitResume) => void
  /** The bytes of a range, a view or a copy, if they are in memory. Copy what is kept: a view holds its whole block. */
  readonly peek: (segment: number, offset: number, length: number) => Buffer | undefined
  /** The bytes of a range, with read-ahead from its start. */
  readonly read: (segment: number, offset: number, length: number) => Effect.Effect<Buffer, LogError>
  /** Reads ahead from an offset, so that `peek` finds what follows it. */
  readonly readBlock: (segment: number, offset: number) => Effect.Effect<void, LogError>
  readonly segments: () => ReadonlyArray<JournalSegment>
  /** Durably gives up all segments before the one with this index, then removes them, oldest first. One at a time. */
  readonly trim: (upToSegmentExclusive: number) => Effect.Effect<void, LogError>
  /** Flushes what was appended, leaves the mark of a clean close and gives the directory back. Never fails: see `poisoned`. */
  readonly close: Effect.Effect<void>
  /** Gives the directory back without flushing, as a crash would. */
  readonly abandon: Effect.Effect<void>
  /** Called right after a new segment began: what it appends is the segment's first frame. */
  onRoll: (() => void) | undefined
  readonly recovery: JournalRecovery
  readonly epoch: number
  /** Sequence number of the last frame ended. */
  readonly lastSeq: number
  /** Sequence number up to which everything is durable. */
  readonly syncedSeq: number
  /** Index of the segment that the frame being encoded, or else the last one, lies in. */
  readonly currentSegment: number
  /** Bytes ended and not yet durable. */
  readonly pendingBytes: number
  readonly totalBytes: number
  /** What failed first; nothing can be appended any more. */
  readonly poisoned: string | undefined
  readonly closed: boolean
}

const defaultSegmentBytes = 32 * 1024 * 1024
const maxSegmentBytes = 1024 * 1024 * 1024

/** Waits until all that was appended is durable. */
const durable = (appender: JournalAppender, operation: string): Effect.Effect<void, LogError> =>
  Effect.callback((resume) => {
    appender.commit((failure) => {
      resume(
        failure === undefined
          ? Effect.void
          : Effect.fail(new LogError({ operation, outcome: failure.outcome, reason: failure.reason }))
      )
    })
  })

/** Runs at most one `trim` at a time. */
const makeTrim = (options: JournalOptions, appender: JournalAppender, files: SegmentFiles): Journal["trim"] => {
  const { disk, directory } = options
  let trimming = false
  const removeOldest = Effect.fnUntraced(function* () {
    const oldest = appender.segments[0]!
    yield* files.drop(oldest.header.index)
    yield* disk.remove(`${directory}/${oldest.name}`)
    // Synced one by one, so that a crash never leaves a gap in the middle.
    yield* disk.syncDirectory(directory)
    appender.segments.shift()
    appender.totalBytes -= oldest.bytes
  })
  return (index) =>
    Effect.suspend(() => {
      if (trimming) throw new Error("two trims at once")
      if (index <= appender.segments[0]!.header.index) return Effect.void
      const kept = appender.segmentAt(index)
      if (kept === undefined) throw new RangeError(`there is no segment ${index} to keep`)
      if (appender.poisoned !== undefined || appender.closed) return durable(appender, "trim")
      trimming = true
      appender.trimmedTo = kept.header.firstSeq
      appender.appendOwn(FrameType.trim, options.now(), (writer) => writer.u64(kept.header.firstSeq))
      return durable(appender, "trim").pipe(
        Effect.andThen(
          Effect.whileLoop({
            while: () => appender.segments[0]!.header.index < index,
            body: () =>
              Effect.mapError(removeOldest(), (error) => unknown("trim", new Unavailable({ detail: error.message }))),
            step: () => {}
          })
        ),
        Effect.ensuring(
          Effect.sync(() => {
            trimming = false
          })
        )
      )
    })
}

/** The journal's surface over its parts. */
const makeJournal = (
  options: JournalOptions,
  walk: Walk,
  appender: JournalAppender,
  files: SegmentFiles,
  lifecycle: Pick<Journal, "trim" | "close" | "abandon">
): Journal => ({
  begin: (type, at) => appender.begin(type, at),
  end: () => appender.end(),
  cancel: () => appender.cancel(),
  commit: (resume) => appender.commit(resume),
  ...makeReads(options.directory, appender, files),
  segments: () =>
    appender.segments.map(({ header, bytes }) => ({ index: header.index, firstSeq: header.firstSeq, bytes })),
  ...lifecycle,
  recovery: {
    frames: walk.state?.frames ?? 0,
    lastAt: walk.state?.lastAt ?? 0,
    closed: walk.state?.closed ?? false,
    torn: walk.torn
  },
  epoch: appender.epoch,
  get onRoll() {
    return appender.onRoll
  },
  set onRoll(hook) {
    appender.onRoll = hook
  },
  get lastSeq() {
    return appender.lastSeq
  },
  get syncedSeq() {
    return appender.syncedSeq
  },
  get currentSegment() {
    return appender.current.header.index
  },
  get pendingBytes() {
    return appender.pendingBytes
  },
  get totalBytes() {
    return appender.totalBytes
  },
  get poisoned() {
    return appender.poisoned
  },
  get closed() {
    return appender.closed
  }
})

const openOwned = Effect.fnUntraced(function* (
  options: JournalOptions,
  segmentBytes: number,
  unlock: Effect.Effect<void>
) {
  const { disk, directory } = options
  const random = yield* Random.Random
  const salt = (): number => random.nextIntUnsafe() >>> 0
  const walk = emptyWalk()
  const segments = yield* Effect.ensuring(
    recover(walk, { disk, directory, onFrame: options.onFrame, salt }),
    closeWalk(walk)
  ).pipe(Effect.catchTag("DiskError", (error: DiskError) => Effect.fail(openFailure(directory, error))))
  const { header } = segments[segments.length - 1]!
  const appender = new JournalAppender({
    segmentBytes,
    segments,
    lastSeq: walk.state?.lastSeq ?? 0,
    epoch: walk.state === undefined ? header.epoch : walk.state.epoch + 1,
    chain: walk.state?.chain ?? header.chain,
    trimmedTo: walk.state?.trimmedTo ?? header.trimmedTo,
    salt,
    name: segmentName
  })
  const files = new SegmentFiles(disk)
  let stopping = false
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const retire = (index: number, file: DiskFile): Effect.Effect<void> => files.adopt(index, file)
  const flushing = fork(flushLoop({ disk, directory, appender, isStopping: () => stopping, retire }))
  const shut = Effect.suspend(() => {
    const append = appender.segments.flatMap(({ file }) => (file === undefined ? [] : [file.close]))
    return Effect.all([...append, files.closeAll, unlock], { discard: true })
  })
  const abandon = Effect.suspend(() => {
    if (appender.closed) return Effect.void
    appender.closed = true
    return Effect.andThen(
      Fiber.interrupt(flushing),
      Effect.suspend(() => {
        appender.poison("the journal was abandoned")
        return shut
      })
    )
  })
  const close = Effect.suspend(() => {
    if (appender.closed) return Effect.void
    if (appender.poisoned === undefined) appender.appendOwn(FrameType.closed, options.now(), () => {})
    appender.closed = true
    stopping = true
    appender.wake()
    return Effect.andThen(Fiber.await(flushing), shut)
  })
  appender.appendOwn(FrameType.epoch, options.now(), () => {})
  yield* Effect.onError(durable(appender, "open"), () => abandon)
  return makeJournal(options, walk, appender, files, {
    trim: makeTrim(options, appender, files),
    close: Effect.uninterruptible(close),
    abandon: Effect.uninterruptible(abandon)
  })
})

const openBeside = Effect.fnUntraced(function* (options: JournalOptions, segmentBytes: number) {
  const { disk, directory } = options
  const walk = emptyWalk()
  yield* Effect.onError(walkJournal(walk, { disk, directory, onFrame: options.onFrame, live: true }), () =>
    closeWalk(walk)
  ).pipe(Effect.catchTag("DiskError", (error: DiskError) => Effect.fail(openFailure(directory, error))))
  const { state } = walk
  if (state === undefined) {
    return yield* refused("open", new Unavailable({ detail: `there is no log in ${directory}` }))
  }
  const appender = new JournalAppender({
    segmentBytes,
    segments: liveSegments(walk),
    lastSeq: state.lastSeq,
    epoch: state.epoch,
    chain: state.chain,
    trimmedTo: state.trimmedTo,
    salt: () => 0,
    name: segmentName
  })
  appender.closed = true
  const files = new SegmentFiles(disk)
  for (const segment of walk.segments) {
    if (segment.file !== undefined) yield* files.adopt(segment.header.index, segment.file)
  }
  return makeJournal(options, walk, appender, files, {
    trim: () => Effect.fail(refused("trim", new Closed({}))),
    close: files.closeAll,
    abandon: files.closeAll
  })
})

/**
 * Opens the journal in a directory: takes the directory, recovers and hands over every frame, cuts what a crash tore,
 * and begins a new epoch durably. The flush loop runs in the context of the opening fiber, with its scheduler.
 *
 * Fails with `OwnedBy`, `NotWritable`, `Corrupt` (acknowledged data is damaged; nothing was changed),
 * `UnsupportedFormat`, `Unavailable`, or `Poisoned` when the disk failed in the last step. Whoever opened it must call
 * `close`; use it as an `acquireRelease`.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const openJournal = (options: JournalOptions): Effect.Effect<Journal, LogError> =>
  Effect.suspend(() => {
    const segmentBytes = options.segmentBytes ?? defaultSegmentBytes
    if (!(segmentBytes >= 4096 && segmentBytes <= maxSegmentBytes)) {
      throw new RangeError(`segmentBytes must lie between 4096 and ${maxSegmentBytes}: ${segmentBytes}`)
    }
    if (options.readOnly === true) return openBeside(options, segmentBytes)
    return Effect.flatMap(takeDirectory(options.disk, options.directory), (unlock) =>
      Effect.onError(openOwned(options, segmentBytes, unlock), () => unlock)
    )
  }).pipe(Effect.uninterruptible)
