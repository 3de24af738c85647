/** Small helpers around a journal whose frames hold one string each. */
import * as Effect from "effect/Effect"
import type { Disk } from "../../../../src/backends/file/journal/Disk.ts"
import { type Journal, type JournalOptions, openJournal } from "../../../../src/backends/file/journal/Journal.ts"
import type { JournalFailure } from "../../../../src/backends/file/journal/JournalAppender.ts"
import type { LogError } from "../../../../src/log/LogError.ts"

export const textType = 16
export const checkpointType = 17
export const directory = "/log"

export interface SeenFrame {
  readonly seq: number
  readonly type: number
  readonly text: string
  readonly epoch: number
  readonly at: number
  readonly segment: number
  readonly payloadOffset: number
  /** Offset at which the reader stood. */
  readonly position: number
}

export interface Opened {
  readonly journal: Journal
  /** All recovered frames, the journal's own among them. */
  readonly frames: ReadonlyArray<SeenFrame>
}

export const open = (
  disk: Disk,
  options: Partial<Omit<JournalOptions, "disk" | "onFrame">> = {}
): Effect.Effect<Opened, LogError> =>
  Effect.suspend(() => {
    const frames: Array<SeenFrame> = []
    return Effect.map(
      openJournal({
        disk,
        directory,
        segmentBytes: 4096,
        now: () => 1000,
        ...options,
        onFrame: (type, reader, meta) => {
          const position = reader.position
          const { seq, epoch, at, segment, payloadOffset } = meta
          const text = type >= textType ? reader.string() : ""
          frames.push({ seq, type, text, epoch, at, segment, payloadOffset, position })
        }
      }),
      (journal) => ({ journal, frames })
    )
  })

/** Texts of the engine's frames. */
export const texts = (frames: ReadonlyArray<SeenFrame>): Array<string> =>
  frames.filter((frame) => frame.type === textType).map((frame) => frame.text)

export const append = (journal: Journal, text: string): number => {
  journal.begin(textType, 1).string(text)
  return journal.end()
}

/** Waits for the outcome of everything appended so far. */
export const commit = (journal: Journal): Effect.Effect<JournalFailure | undefined> =>
  Effect.callback((resume) => journal.commit((failure) => resume(Effect.succeed(failure))))

/** Appends and waits; fails the test's expectation by a defect if it was not acknowledged. */
export const put = (journal: Journal, text: string): Effect.Effect<number> =>
  Effect.suspend(() => {
    const seq = append(journal, text)
    return Effect.map(commit(journal), (failure) => {
      if (failure !== undefined) throw new Error(`${failure.outcome}: ${failure.reason.message}`)
      return seq
    })
  })

export const range = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: to - from }, (_, i) => from + i)
