/**
 * Reading a journal's payloads back, from memory while they wait for their flush, else from their segment's file.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { Corrupt, type LogError, refused, Unavailable } from "../../../log/LogError.ts"
import type { Journal } from "./Journal.ts"
import type { JournalAppender } from "./JournalAppender.ts"
import type { SegmentFiles } from "./SegmentFiles.ts"

const unavailable = (detail: string): LogError => refused("read", new Unavailable({ detail }))

/**
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const makeReads = (
  directory: string,
  appender: JournalAppender,
  files: SegmentFiles
): Pick<Journal, "peek" | "read" | "readBlock"> => {
  const load = (segment: number, offset: number, length: number): Effect.Effect<Buffer, LogError> => {
    const found = appender.segmentAt(segment)
    if (found === undefined) return Effect.fail(unavailable(`segment ${segment} was trimmed`))
    if (offset + length > found.written) throw new RangeError("read past the end of the journal")
    return files.load(segment, `${directory}/${found.name}`, offset, found.written, length).pipe(
      Effect.mapError((error) => unavailable(error.message)),
      Effect.flatMap((bytes) =>
        bytes.length < length
          ? Effect.fail(refused("read", new Corrupt({ segment: found.name, offset, detail: "the file ends early" })))
          : Effect.succeed(bytes.subarray(0, length))
      )
    )
  }
  const peek = (segment: number, offset: number, length: number): Buffer | undefined =>
    files.peek(segment, offset, length) ?? appender.pending(segment, offset, length)
  return {
    peek,
    read: (segment: number, offset: number, length: number) =>
      Effect.suspend(() => {
        const bytes = peek(segment, offset, length)
        return bytes === undefined ? load(segment, offset, length) : Effect.succeed(bytes)
      }),
    readBlock: (segment: number, offset: number): Effect.Effect<void, LogError> =>
      Effect.suspend(() => {
        const found = appender.segmentAt(segment)
        return found !== undefined && offset >= found.written ? Effect.void : Effect.asVoid(load(segment, offset, 0))
      })
  }
}
