/**
 * Checks a journal's directory without changing anything in it, beside a live owner too.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { type LogError, refused, Unavailable } from "../../../log/LogError.ts"
import type { Disk } from "./Disk.ts"
import { closeWalk, emptyWalk, type TornTail, walkJournal } from "./Recovery.ts"
import type { OnFrame } from "./SegmentScan.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface VerifiedSegment {
  readonly name: string
  readonly firstSeq: number
  /** Intact frames read from it; none beyond damage. */
  readonly frames: number
  /** Bytes of its header and of these frames. */
  readonly bytes: number
}

/**
 * Why a journal cannot be opened.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JournalDamage {
  /** File name of the segment, or of the file that is missing. */
  readonly segment: string
  /** Byte offset within the segment. */
  readonly offset: number
  readonly cause: string
  /** Whether something later proves that the damaged part had been durable. */
  readonly witnessed: boolean
}

/**
 * What a directory holds.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface VerifyReport {
  readonly segments: ReadonlyArray<VerifiedSegment>
  readonly frames: number
  /** Sequence number of the last intact frame; 0 if there is none. */
  readonly lastSeq: number
  /** Epoch of the last intact frame; 0 if there is none. */
  readonly epoch: number
  /** Whether the journal was closed cleanly. */
  readonly closed: boolean
  readonly damage?: JournalDamage | undefined
  /** What the next opening will cut off: a write that a crash interrupted, or one that a live owner is at. */
  readonly tornTail?: TornTail | undefined
  /** Files that the next opening will remove. */
  readonly leftovers: ReadonlyArray<string>
}

const damageOf = (error: LogError, witnessed: boolean): JournalDamage | undefined => {
  switch (error.reason._tag) {
    case "Corrupt":
      return { segment: error.reason.segment, offset: error.reason.offset, cause: error.reason.detail, witnessed }
    case "UnsupportedFormat":
      return { segment: error.reason.path, offset: 0, cause: error.reason.message, witnessed }
    default:
      return undefined
  }
}

/**
 * Reads the whole journal in a directory and reports what it finds; hands intact frames to `onFrame` if given.
 *
 * Damage is part of the report. Fails with `Unavailable` if the directory cannot be read.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const verifyDirectory: (
  disk: Disk,
  directory: string,
  onFrame?: OnFrame
) => Effect.Effect<VerifyReport, LogError> = Effect.fnUntraced(function* (disk, directory, onFrame) {
  const walk = emptyWalk()
  const damage = yield* walkJournal(walk, { disk, directory, onFrame, live: true }).pipe(
    Effect.as(undefined),
    Effect.catch((error) => {
      const found = error._tag === "LogError" ? damageOf(error, walk.witnessed) : undefined
      if (found !== undefined) return Effect.succeed(found)
      return Effect.fail(
        error._tag === "LogError" ? error : refused("verify", new Unavailable({ detail: error.message }))
      )
    }),
    Effect.ensuring(Effect.suspend(() => closeWalk(walk)))
  )
  return {
    segments: walk.segments.map(({ name, header, frames, end }) => ({
      name,
      firstSeq: header.firstSeq,
      frames,
      bytes: end
    })),
    frames: walk.state?.frames ?? 0,
    lastSeq: walk.state?.lastSeq ?? 0,
    epoch: walk.state?.epoch ?? 0,
    closed: walk.state?.closed ?? false,
    damage,
    tornTail: walk.torn,
    leftovers: [...walk.remnants, ...walk.trimmed]
  }
})
