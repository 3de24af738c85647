/** The file log's journal broken: frames, flushes, recovery, segments. */
import { change, crashLaw, type JudgeName, mutantsOf } from "../SourceMutant.ts"

const inJournal = (file: string, changes: Parameters<typeof mutantsOf>[2], judge: JudgeName = "file") =>
  mutantsOf(`src/backends/file/journal/${file}`, [judge], changes)

const frames = [
  ...inJournal("Frame.ts", [
    change(
      "recoveryIsLegalPrefix",
      "the checksum of a frame is not verified",
      "checksum(buffer, start + lengthAt, start + paddedLength(frame.length), salt) === frame.crc",
      "checksum(buffer, start + lengthAt, start + paddedLength(frame.length), salt) !== -1"
    ),
    change(
      "recoveryIsLegalPrefix",
      "the checksum leaves the payload out",
      "checksum(buffer, start + lengthAt, start + paddedLength(frame.length), salt) === frame.crc",
      "frame.crc !== 0"
    )
  ]),
  ...inJournal("SegmentScan.ts", [
    change(
      "recoveryIsLegalPrefix",
      "frames are not chained",
      `if (frame.previous !== this.chain) return "the frame does not follow the one before it"`,
      ""
    ),
    change(
      "recoveryIsLegalPrefix",
      "frames may be missing in between",
      "if (frame.seq !== this.lastSeq + 1) return",
      "if (frame.seq <= this.lastSeq) return"
    ),
    change(
      "recoveryIsLegalPrefix",
      "a frame may belong to any epoch",
      "if (frame.epoch !== this.epoch && !(frame.type === FrameType.epoch && frame.epoch > this.epoch)) {",
      "if (frame.epoch < 0) {"
    ),
    change(
      "haltOnDamage",
      "nothing behind a bad frame is looked at",
      "if (frame.syncedSeq >= badSeq) return { offset: start + at, seq: frame.seq, syncedSeq: frame.syncedSeq }",
      ""
    ),
    change(
      "haltOnDamage",
      "what follows the last frame is not looked at",
      "if (yield* isZeroFrom(request.file, walk.offset, request.size, chunk)) return",
      "return"
    )
  ])
]

const writing = [
  ...inJournal("JournalFlush.ts", [
    change("atLeastOnce", "a batch is not synced", "  yield* file.datasync\n", ""),
    change("recoveryIsLegalPrefix", "a segment is named before its header is synced", "      yield* file.sync\n", ""),
    change(
      "recoveryIsLegalPrefix",
      "a new segment's name is not synced",
      "      yield* disk.syncDirectory(directory)\n",
      ""
    ),
    change(
      "recoveryIsLegalPrefix",
      "zeros are written ahead from too early on",
      "file.write(zeros, 0, length, end)",
      "file.write(zeros, 0, length, end - 8)"
    ),
    change(
      "poisonOnSyncError",
      "a failed write is retried as if nothing had happened",
      "        appender.poison(error instanceof Error ? error.message : String(error))",
      "        if (error instanceof Error) appender.landed()"
    ),
    change(
      "outcomeTruth",
      "a batch is not known to have been handed over",
      "  appender.handedSeq = batch.lastSeq\n",
      ""
    ),
    change(
      "atLeastOnce",
      "a batch is written where the one before it is",
      "batch.length, batch.position)",
      "batch.length, batch.position - 8)"
    )
  ]),
  ...inJournal("JournalAppender.ts", [
    change(
      "atLeastOnce",
      "a commit is answered at once",
      "if (this.syncedSeq >= seq) return resume(undefined)",
      "if (this.syncedSeq >= 0) return resume(undefined)"
    ),
    change(
      "readYourDurability",
      "a commit is answered when its bytes were handed over",
      "if (this.syncedSeq >= seq) return resume(undefined)",
      "if (this.handedSeq >= seq) return resume(undefined)"
    ),
    change(
      "recoveryIsLegalPrefix",
      "a sync answers also those who came after it began",
      "while (count < waiters.length && waiters[count]!.seq <= this.syncedSeq) count++",
      "while (count < waiters.length) count++"
    ),
    change(
      "recoveryIsLegalPrefix",
      "a frame calls synced what is not",
      "        syncedSeq: this.syncedSeq,",
      "        syncedSeq: seq - 1,"
    ),
    change(
      "haltOnDamage",
      "no frame tells what is synced",
      "        syncedSeq: this.syncedSeq,",
      "        syncedSeq: 0,"
    ),
    change(
      "atLeastOnce",
      "the bytes that wait when a segment ends are dropped",
      "if (this.writer.index > 0) this.#sealed.push(this.#openBatch())",
      ""
    ),
    change(
      "recoveryIsLegalPrefix",
      "a new segment begins a new chain",
      "      chain: this.#chain,\n      salt: this.#salt()",
      "      chain: 0,\n      salt: this.#salt()"
    ),
    change(
      "recoveryIsLegalPrefix",
      "a new segment forgets what was trimmed",
      "      trimmedTo: this.trimmedTo,\n      epoch: this.epoch,",
      "      trimmedTo: 1,\n      epoch: this.epoch,"
    ),
    change("poisonOnSyncError", "after a failed sync the log goes on", "    this.poisoned = detail\n", ""),
    change(
      "outcomeTruth",
      "what may have reached the disk is called refused",
      `outcome: waiter.after < handed ? "unknown" : "refused"`,
      `outcome: "refused"`
    ),
    change(
      "poisonOnSyncError",
      "only the first who waits learns of a failed sync",
      "resumeAll(waiters, (waiter) => ({ outcome: waiter.after",
      "resumeAll(waiters, (waiter) => waiter !== waiters[0] ? undefined : ({ outcome: waiter.after"
    ),
    change(
      "interruptedCallsRepeat",
      "what was just written is read from the wrong place",
      "offset - this.writer.base, length, this.writer.index)",
      "Math.max(0, offset - this.writer.base - 1), length, this.writer.index)"
    )
  ])
]

const recovering = [
  ...inJournal("Recovery.ts", [
    change(
      "haltOnDamage",
      "damage that a later frame witnesses is cut off like a torn tail",
      "    if (witness === undefined) {",
      "    if (witness !== null) {"
    ),
    change(
      "haltOnDamage",
      "damage in an older segment ends the log there",
      `      if (end._tag === "Bad") return yield* corrupt(segment.name, end.end, end.detail)
      if (badSeq !== next.firstSeq) {`,
      `      if (end._tag === "Bad") return
      if (badSeq !== next.firstSeq) {`
    ),
    change(
      "haltOnDamage",
      "a missing segment is not missed",
      "if (kept[i]!.header.index !== kept[i - 1]!.header.index + 1) {",
      "if (kept[i]!.header.index < 0) {"
    ),
    change(
      "haltOnDamage",
      "a log whose first segment is missing begins with the next",
      "    if (header.firstSeq > state.trimmedTo) {",
      "    if (header.firstSeq < 0) {"
    ),
    change(
      "compactionKeepsAll",
      "segments that were given up are read all the same",
      "const kept = walk.segments.filter((segment) => segment.header.firstSeq >= trimmedTo)",
      "const kept = walk.segments"
    ),
    change(
      "recoveryIsLegalPrefix",
      "a segment's blank remains are damage",
      `      if (size < segmentHeaderBytes) return undefined
`,
      `      if (size < segmentHeaderBytes) return yield* corrupt(name, 0, "blank")
`
    )
  ]),
  ...inJournal("RecoveryRepair.ts", [
    change("recoveryIsLegalPrefix", "the torn tail is not cut", "          yield* file.truncate(last.end)\n", ""),
    change(
      "poisonOnSyncError",
      "the tail that nothing witnesses is not written again",
      "if (from !== undefined) yield* rewrite(file, from, last.end)",
      ""
    )
  ]),
  ...inJournal("SegmentHeader.ts", [
    change(
      "versionSafe",
      "a newer format is read like our own",
      `if (version !== formatVersion) return { _tag: "Newer", version }`,
      ""
    ),
    change(
      "haltOnDamage",
      "a segment header's checksum is not verified",
      "if (checksum(bytes, 0, crcAt, 0) !== bytes.readUInt32LE(crcAt)) {",
      "if (bytes.length < segmentHeaderBytes) {"
    )
  ]),
  ...inJournal("Journal.ts", [
    change(
      "compactionKeepsAll",
      "a trim is not recorded",
      "appender.appendOwn(FrameType.trim, options.now(), (writer) => writer.u64(kept.header.firstSeq))",
      ""
    ),
    change(
      "staleTokenRefused",
      "a new owner goes on in the epoch of the old one",
      "epoch: walk.state === undefined ? header.epoch : walk.state.epoch + 1,",
      "epoch: walk.state === undefined ? header.epoch : walk.state.epoch,"
    ),
    change(
      "recoveryIsLegalPrefix",
      "a new owner begins a new chain",
      "chain: walk.state?.chain ?? header.chain,",
      "chain: header.chain,"
    ),
    change(
      "recoveryIsLegalPrefix",
      "a new owner uses the last frame's number again",
      "lastSeq: walk.state?.lastSeq ?? 0,",
      "lastSeq: Math.max(0, (walk.state?.lastSeq ?? 0) - 1),"
    )
  ]),
  ...inJournal("SegmentFiles.ts", [
    change(
      "payloadIntact",
      "a block read ahead is looked up a byte too early",
      "block.buffer.subarray(offset - block.start, offset - block.start + length)",
      "block.buffer.subarray(Math.max(0, offset - block.start - 1), Math.max(0, offset - block.start - 1) + length)"
    )
  ])
]

/** What only a loss of power at one particular instant shows. */
const losingPower = [
  ...inJournal(
    "SegmentScan.ts",
    [
      change(
        crashLaw,
        "any intact frame behind a bad one is taken for a witness",
        "if (frame.syncedSeq >= badSeq) return { offset: start + at, seq: frame.seq, syncedSeq: frame.syncedSeq }",
        "return { offset: start + at, seq: frame.seq, syncedSeq: frame.syncedSeq }"
      )
    ],
    "crash"
  ),
  ...inJournal(
    "RecoveryRepair.ts",
    [
      change(
        crashLaw,
        "remains of segments under construction stay",
        "yield* Effect.forEach(walk.remnants, (name) => disk.remove(`${directory}/${name}`), { discard: true })",
        ""
      )
    ],
    "crash"
  ),
  ...inJournal(
    "Journal.ts",
    [
      change(
        crashLaw,
        "segments are removed before what was carried out of them is durable",
        `      return durable(appender, "trim").pipe(
        Effect.andThen(`,
        `      return Effect.void.pipe(
        Effect.andThen(`
      )
    ],
    "crash"
  )
]

export const journalMutants = [...frames, ...writing, ...recovering, ...losingPower]
