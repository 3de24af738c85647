/** File logs that only a loss of power finds out: each has to be caught by the crash states of short workloads. */
import type { SourceMutant } from "./SourceMutant.ts"

export interface CrashMutant extends Pick<SourceMutant, "name" | "file" | "find" | "replace"> {
  /** Crash states after which it is found, or why none of them tells it from the log as it is. */
  readonly states: number | string
}

const journal = "src/backends/file/journal"

export const crashMutants: ReadonlyArray<CrashMutant> = [
  {
    name: "replies go out before the sync",
    file: `${journal}/JournalAppender.ts`,
    find: "if (this.syncedSeq >= seq) return resume(undefined)",
    replace: "if (this.syncedSeq >= 0) return resume(undefined)",
    states: 1
  },
  {
    name: "a batch is written and not synced",
    file: `${journal}/JournalFlush.ts`,
    find: "  yield* file.datasync\n",
    replace: "",
    states: 1
  },
  {
    name: "the segment's creation is synced instead of its frames",
    file: `${journal}/JournalFlush.ts`,
    find: "  yield* file.datasync\n",
    replace: "  yield* disk.syncDirectory(directory)\n",
    states: 1
  },
  {
    name: "the name of a new segment is not synced",
    file: `${journal}/JournalFlush.ts`,
    find: "      yield* disk.syncDirectory(directory)\n",
    replace: "",
    states: 1
  },
  {
    name: "a segment gets its name before its header is synced",
    file: `${journal}/JournalFlush.ts`,
    find: "      yield* file.sync\n",
    replace: "",
    states: 216
  },
  {
    name: "a segment is made under its own name",
    file: `${journal}/JournalFlush.ts`,
    find: "const temporary = `${path}${temporarySuffix}`",
    replace: "const temporary = path",
    states:
      "a last segment that is shorter than its header is taken for an unfinished creation either way, and a header lies in one sector"
  },
  {
    name: "the torn tail is not cut off",
    file: `${journal}/RecoveryRepair.ts`,
    find: "          yield* file.truncate(last.end)\n",
    replace: "",
    states:
      "what is left behind the next frame cannot continue it: its frames name the checksum of the one that was torn; cut and chain stand in for each other"
  },
  {
    name: "the cut is not synced",
    file: `${journal}/RecoveryRepair.ts`,
    find: "if (walk.torn !== undefined || from !== undefined) yield* file.sync",
    replace: "",
    states: 215
  },
  {
    name: "the directory is taken as it looks",
    file: `${journal}/RecoveryRepair.ts`,
    find: `    // What is seen may be unsynced still, a rename among it.
    yield* disk.syncDirectory(directory)
`,
    replace: "",
    states: 1733
  },
  {
    name: "a bad frame is skipped and the next one taken",
    file: `${journal}/SegmentScan.ts`,
    find: `      if (!isIntact(buffer, at, frame, request.salt)) return this.bad("checksum of the frame")
      const refusal = state.refuses(frame)
      if (refusal !== undefined) return this.bad(refusal)
`,
    replace: `      if (!isIntact(buffer, at, frame, request.salt)) {
        at += padded
        this.offset += padded
        continue
      }
`,
    states: 540
  },
  {
    name: "the checksum is not looked at",
    file: `${journal}/SegmentScan.ts`,
    find: `      if (!isIntact(buffer, at, frame, request.salt)) return this.bad("checksum of the frame")
`,
    replace: "",
    states: 216
  },
  {
    name: "a frame vouches for the one before it",
    file: `${journal}/JournalAppender.ts`,
    find: "        syncedSeq: this.syncedSeq,",
    replace: "        syncedSeq: seq - 1,",
    states: 545
  },
  {
    name: "any intact frame is a witness",
    file: `${journal}/SegmentScan.ts`,
    find: "if (frame.syncedSeq >= badSeq) return { offset: start + at, seq: frame.seq, syncedSeq: frame.syncedSeq }",
    replace: "return { offset: start + at, seq: frame.seq, syncedSeq: frame.syncedSeq }",
    states: 545
  },
  {
    name: "what lies behind the last frame does not matter",
    file: `${journal}/SegmentScan.ts`,
    find: "if (yield* isZeroFrom(request.file, walk.offset, request.size, chunk)) return",
    replace: "return",
    states: "what is left there cannot continue the log, as long as frames are chained"
  },
  {
    name: "every job of a batch is a record of its own",
    file: "src/backends/file/EngineEnqueue.ts",
    find: `  const local = recorder.profile(job.profile)
  const writer = recorder.open()
  writer.u8(Tag.Enqueued)`,
    replace: `  recorder.close()
  const local = recorder.profile(job.profile)
  const writer = recorder.open()
  writer.u8(Tag.Enqueued)`,
    states: 784
  },
  {
    name: "segments are removed before what was carried forward is durable",
    file: `${journal}/Journal.ts`,
    find: `      return durable(appender, "trim").pipe(`,
    replace: `      return Effect.void.pipe(`,
    states: 2026
  },
  {
    name: "removals are not synced one by one",
    file: `${journal}/Journal.ts`,
    find: `    yield* disk.syncDirectory(directory)
    appender.segments.shift()`,
    replace: `    appender.segments.shift()`,
    states: 2060
  },
  {
    name: "keys of purged jobs are not carried forward",
    file: "src/backends/file/Compaction.ts",
    find: "    carryTombstones(engine, segment)\n",
    replace: "",
    states: 1199
  },
  {
    name: "results are not carried forward",
    file: "src/backends/file/Compaction.ts",
    find: "journal.currentSegment, row, request, result)",
    replace: "journal.currentSegment, row, request, undefined)",
    states: 1310
  },
  {
    name: "a new segment does not know what was trimmed",
    file: `${journal}/JournalAppender.ts`,
    find: "      trimmedTo: this.trimmedTo,\n      epoch: this.epoch,",
    replace: "      trimmedTo: 1,\n      epoch: this.epoch,",
    states:
      "the trim's own frame says the same, and removals that are synced one by one leave no gap; the header is a second line of defence"
  },
  {
    name: "frames are not chained",
    file: `${journal}/SegmentScan.ts`,
    find: `if (frame.previous !== this.chain) return "the frame does not follow the one before it"`,
    replace: "",
    states:
      "the torn tail is cut off before anything is appended, so that nothing is left which could be taken for a next frame"
  }
]
