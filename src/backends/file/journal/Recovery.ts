/**
 * Walks a journal's directory: which segments there are, whether they belong together, their frames in order, and
 * where the log ends. Changes nothing; {@link ./RecoveryRepair.ts} does.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { Corrupt, type LogError, refused, UnsupportedFormat } from "../../../log/LogError.ts"
import type { Disk, DiskError, DiskFile } from "./Disk.ts"
import {
  decodeSegmentHeader,
  formatVersion,
  parseSegmentName,
  type SegmentHeader,
  segmentHeaderBytes,
  segmentName,
  temporarySuffix
} from "./SegmentHeader.ts"
import {
  ChainState,
  findWitness,
  isZeroFrom,
  type OnFrame,
  scanChunkBytes,
  type ScanEnd,
  scanSegment
} from "./SegmentScan.ts"

/**
 * A segment file found by a walk.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface FoundSegment {
  readonly name: string
  readonly header: SegmentHeader
  /** Size of the file, bytes. */
  readonly size: number
  /** Open for reading during and, if asked for, after the walk. */
  file: DiskFile | undefined
  /** End of its frames, once walked. */
  end: number
  frames: number
}

/**
 * Where and why a log ends in something that is no frame, without any sign that it was ever acknowledged.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface TornTail {
  readonly segment: string
  readonly offset: number
  readonly detail: string
}

/**
 * What a walk found so far; complete when the walk succeeded.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Walk {
  /** The log's segments, oldest first. */
  segments: Array<FoundSegment>
  /** Segments that a trim has already given up, oldest first. */
  trimmed: Array<string>
  /** Remains of segments under construction. */
  remnants: Array<string>
  /** `undefined` while there is no segment at all. */
  state: ChainState | undefined
  torn: TornTail | undefined
  /** Whether the damage that failed the walk lies in what a later frame or segment proves acknowledged. */
  witnessed: boolean
}

/**
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const emptyWalk = (): Walk => ({
  segments: [],
  trimmed: [],
  remnants: [],
  state: undefined,
  torn: undefined,
  witnessed: false
})

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface WalkOptions {
  readonly disk: Disk
  readonly directory: string
  readonly onFrame?: OnFrame | undefined
  /** Another process may be appending and trimming meanwhile. */
  readonly live: boolean
}

const minChunkBytes = 4096

const corrupt = (segment: string, offset: number, detail: string): LogError =>
  refused("open", new Corrupt({ segment, offset, detail }))

const closeFile = (segment: FoundSegment): Effect.Effect<void> => {
  const file = segment.file
  segment.file = undefined
  return file === undefined ? Effect.void : file.close
}

/**
 * Closes every file that a walk still holds.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const closeWalk = (walk: Walk): Effect.Effect<void> =>
  Effect.forEach(walk.segments, closeFile, { discard: true })

/** Reads a segment's header; `undefined` for the blank remains of a creation. */
const readSegmentHeader = Effect.fnUntraced(function* (
  options: WalkOptions,
  name: string,
  firstSeq: number,
  file: DiskFile,
  size: number
) {
  const bytes = Buffer.alloc(segmentHeaderBytes)
  const have = yield* file.read(bytes, 0, segmentHeaderBytes, 0)
  const found = decodeSegmentHeader(bytes.subarray(0, have))
  switch (found._tag) {
    case "Newer": {
      const path = `${options.directory}/${name}`
      return yield* refused("open", new UnsupportedFormat({ path, found: found.version, supported: formatVersion }))
    }
    case "Damaged":
      return yield* corrupt(name, 0, found.detail)
    case "Blank": {
      if (size < segmentHeaderBytes) return undefined
      // Only what holds nothing is a remnant: a blank header before frames is damage.
      const chunk = Buffer.alloc(Math.min(size, scanChunkBytes))
      if (yield* isZeroFrom(file, 0, size, chunk)) return undefined
      return yield* corrupt(name, 0, "the segment header is blank")
    }
    case "Header":
      if (found.header.firstSeq === firstSeq) return found.header
      return yield* corrupt(name, 0, `the header belongs to ${segmentName(found.header.firstSeq)}`)
  }
})

const openSegment = Effect.fnUntraced(function* (options: WalkOptions, name: string, firstSeq: number) {
  const file = yield* options.disk.open(`${options.directory}/${name}`, "read")
  return yield* Effect.onError(
    Effect.gen(function* () {
      const size = yield* file.size
      const header = yield* readSegmentHeader(options, name, firstSeq, file, size)
      return { file, size, header }
    }),
    () => file.close
  )
})

/** Lists and opens all segments; `undefined` when one vanished meanwhile, which a live owner's trim may cause. */
const openAll = Effect.fnUntraced(function* (walk: Walk, options: WalkOptions) {
  const names = yield* options.disk.list(options.directory)
  const found = names
    .map((name) => ({ name, firstSeq: parseSegmentName(name) }))
    .filter((entry): entry is { name: string; firstSeq: number } => entry.firstSeq !== undefined)
    .sort((a, b) => a.firstSeq - b.firstSeq)
  walk.segments = []
  walk.remnants = names.filter((name) => name.endsWith(`.seg${temporarySuffix}`))
  for (let i = 0; i < found.length; i++) {
    const { name, firstSeq } = found[i]!
    const opened = yield* openSegment(options, name, firstSeq).pipe(
      Effect.catchTag("DiskError", (error) =>
        options.live && error.code === "ENOENT" ? Effect.succeed("vanished" as const) : Effect.fail(error)
      )
    )
    if (opened === "vanished") {
      yield* closeWalk(walk)
      return false
    }
    if (opened.header === undefined) {
      yield* opened.file.close
      if (i !== found.length - 1) return yield* corrupt(name, 0, "the segment header is blank")
      walk.remnants.push(name)
      continue
    }
    const segment = { name, header: opened.header, size: opened.size, file: opened.file, end: 0, frames: 0 }
    walk.segments.push(segment)
    // Beside a live owner a file must stay open, or a trim could take it away between listing and reading.
    if (!options.live) yield* closeFile(segment)
  }
  return true
})

/** Sets aside segments that are known to be trimmed, and checks that the rest is without a gap. */
const arrange = (walk: Walk): LogError | undefined => {
  const last = walk.segments[walk.segments.length - 1]
  if (last === undefined) {
    const remnant = walk.remnants.find((name) => !name.endsWith(temporarySuffix))
    return remnant === undefined || parseSegmentName(remnant) === 1
      ? undefined
      : corrupt(segmentName(1), 0, `the segment is missing, though ${remnant} follows it`)
  }
  const { trimmedTo } = last.header
  const kept = walk.segments.filter((segment) => segment.header.firstSeq >= trimmedTo)
  walk.trimmed = walk.segments.filter((segment) => segment.header.firstSeq < trimmedTo).map((segment) => segment.name)
  walk.segments = kept
  for (let i = 1; i < kept.length; i++) {
    if (kept[i]!.header.index !== kept[i - 1]!.header.index + 1) {
      return corrupt(kept[i]!.name, 0, `a segment is missing between ${kept[i - 1]!.name} and this one`)
    }
  }
  return undefined
}

/** Walks one segment, judging what ends it. */
const walkSegment = Effect.fnUntraced(function* (
  walk: Walk,
  options: WalkOptions,
  segment: FoundSegment,
  next: SegmentHeader | undefined,
  state: ChainState,
  buffer: Buffer
) {
  const file = segment.file ?? (yield* options.disk.open(`${options.directory}/${segment.name}`, "read"))
  segment.file = file
  const { header } = segment
  let size = segment.size
  let from = segmentHeaderBytes
  const lastSeq = next === undefined ? undefined : next.firstSeq - 1
  const scan = (): Effect.Effect<ScanEnd, DiskError> => {
    const before = state.frames
    return scanSegment(
      { file, index: header.index, salt: header.salt, size, from, lastSeq, onFrame: options.onFrame },
      state,
      buffer
    ).pipe(
      Effect.map((end) => {
        segment.end = end.end
        segment.frames += state.frames - before
        return end
      })
    )
  }
  let end = yield* scan()
  for (let tries = 0; ; tries++) {
    if (end._tag === "Malformed") {
      walk.witnessed = true
      return yield* corrupt(segment.name, end.end, end.detail)
    }
    const badSeq = state.lastSeq + 1
    if (next !== undefined) {
      // The next segment was created only after all of this one was durable.
      walk.witnessed = true
      if (end._tag === "Bad") return yield* corrupt(segment.name, end.end, end.detail)
      if (badSeq !== next.firstSeq) {
        return yield* corrupt(segment.name, end.end, `frames ${badSeq} to ${next.firstSeq - 1} are missing`)
      }
      if (state.chain !== next.chain) {
        return yield* corrupt(segmentName(next.firstSeq), 0, "the segment does not follow the one before it")
      }
      walk.witnessed = false
      return
    }
    if (end._tag === "Clean") return
    const witness = yield* findWitness(file, end.end, size, header.salt, badSeq, buffer)
    if (witness === undefined) {
      walk.torn = { segment: segment.name, offset: end.end, detail: end.detail }
      return
    }
    if (options.live && tries < 3) {
      // The owner may have completed the frame between the two looks; the witness was seen after it, so a second
      // look that still fails is damage.
      size = yield* file.size
      from = end.end
      const offset = end.end
      end = yield* scan()
      if (end.end > offset || end._tag === "Clean") continue
    }
    walk.witnessed = true
    return yield* corrupt(
      segment.name,
      end.end,
      `${end.detail}, though frame ${witness.seq} at ${witness.offset} proves that it was durable`
    )
  }
})

/**
 * Walks the journal in a directory into `walk`, handing every frame to `onFrame` in order.
 *
 * Fails with `Corrupt` where acknowledged data is damaged or missing, with `UnsupportedFormat` for a newer format;
 * `walk` then says what was found before. A torn tail is no failure. With `live` the files stay open in `walk`.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const walkJournal: (walk: Walk, options: WalkOptions) => Effect.Effect<void, DiskError | LogError> =
  Effect.fnUntraced(function* (walk, options) {
    while (!(yield* openAll(walk, options))) {
      // A trim took the oldest segment meanwhile: list again.
    }
    const all = walk.segments
    const misplaced = arrange(walk)
    yield* Effect.forEach(all, (segment) => (walk.segments.includes(segment) ? Effect.void : closeFile(segment)))
    if (misplaced !== undefined) {
      walk.witnessed = true
      return yield* misplaced
    }
    const oldest = walk.segments[0]
    if (oldest === undefined) return
    const { header } = oldest
    const state = new ChainState(header.firstSeq, header.epoch, header.chain, header.trimmedTo)
    walk.state = state
    const largest = Math.max(...walk.segments.map((segment) => segment.size))
    const buffer = Buffer.allocUnsafe(Math.min(scanChunkBytes, Math.max(largest, minChunkBytes)))
    for (let i = 0; i < walk.segments.length; i++) {
      const segment = walk.segments[i]!
      state.witness(segment.header.firstSeq - 1)
      state.trimmedTo = Math.max(state.trimmedTo, segment.header.trimmedTo)
      if (i > 0 && segment.header.epoch !== state.epoch) {
        walk.witnessed = true
        return yield* corrupt(segment.name, 0, `epoch ${segment.header.epoch} after epoch ${state.epoch}`)
      }
      yield* walkSegment(walk, options, segment, walk.segments[i + 1]?.header, state, buffer)
      if (!options.live) yield* closeFile(segment)
    }
    if (header.firstSeq > state.trimmedTo) {
      walk.witnessed = true
      return yield* corrupt(segmentName(state.trimmedTo), 0, `the segment is missing, though ${oldest.name} follows it`)
    }
  })
