import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { frameHeaderBytes, FrameType } from "../../../../src/backends/file/journal/Frame.ts"
import { openJournal } from "../../../../src/backends/file/journal/Journal.ts"
import { nodeDisk } from "../../../../src/backends/file/journal/NodeDisk.ts"
import { SimulatedDisk } from "../../../../src/simulation/disk/SimulatedDisk.ts"
import {
  append,
  checkpointType,
  commit,
  directory,
  open,
  put,
  range,
  texts,
  textType
} from "../support/JournalHarness.ts"

const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "leasehold-journal-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

describe("Journal", () => {
  it.effect("gives back what was appended, on real files", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory
      const words = range(0, 500).map((i) => `word ${i} ${"é".repeat(i % 90)}`)
      const first = yield* open(nodeDisk, { directory: path })
      assert.deepStrictEqual(first.journal.recovery, { frames: 0, lastAt: 0, closed: false, torn: undefined })
      for (const word of words) {
        append(first.journal, word)
        if (word.length % 7 === 0) assert.isUndefined(yield* commit(first.journal))
      }
      assert.isUndefined(yield* commit(first.journal))
      assert.strictEqual(first.journal.syncedSeq, first.journal.lastSeq)
      assert.strictEqual(first.journal.pendingBytes, 0)
      assert.isAbove(first.journal.segments().length, 5)
      yield* first.journal.close
      const second = yield* open(nodeDisk, { directory: path })
      assert.deepStrictEqual(texts(second.frames), words)
      assert.isTrue(second.journal.recovery.closed)
      assert.strictEqual(second.journal.epoch, 2)
      assert.strictEqual(second.journal.recovery.frames, second.frames.length)
      assert.deepStrictEqual(
        second.frames.map((frame) => frame.seq),
        range(1, second.frames.length + 1)
      )
      yield* second.journal.close
    })
  )

  it.effect("writes a batch over the limit of a synchronous write, and frames over a chunk of reading", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory
      const large = "x".repeat(5_000_000)
      const first = yield* open(nodeDisk, { directory: path, segmentBytes: 1 << 25 })
      append(first.journal, "small")
      append(first.journal, large)
      append(first.journal, "after")
      assert.isUndefined(yield* commit(first.journal))
      yield* first.journal.abandon
      const second = yield* open(nodeDisk, { directory: path, segmentBytes: 1 << 25 })
      assert.deepStrictEqual(texts(second.frames), ["small", large, "after"])
      assert.isFalse(second.journal.recovery.closed)
      yield* second.journal.close
    })
  )

  it.effect("tells where a payload lies, and reads it back from memory and from its file", () =>
    Effect.gen(function* () {
      const simulated = new SimulatedDisk()
      const first = yield* open(simulated.disk)
      const places: Array<{ segment: number; offset: number; text: string }> = []
      for (const i of range(0, 300)) {
        const text = `payload ${i}`
        const writer = first.journal.begin(textType, 1)
        places.push({ segment: first.journal.currentSegment, offset: writer.position + 1, text })
        writer.string(text)
        first.journal.end()
        if (i % 50 === 0) yield* commit(first.journal)
      }
      const check = (journal: typeof first.journal) =>
        Effect.forEach(places, ({ segment, offset, text }) =>
          Effect.map(journal.read(segment, offset, text.length), (bytes) => {
            assert.strictEqual(bytes.toString(), text)
          })
        )
      yield* check(first.journal)
      yield* commit(first.journal)
      yield* check(first.journal)
      const { segment, offset, text } = places[0]!
      assert.strictEqual(first.journal.peek(segment, offset, text.length)?.toString(), text)
      yield* first.journal.close
      const second = yield* open(simulated.disk)
      const found = second.frames.filter((frame) => frame.type === textType)
      assert.deepStrictEqual(
        found.map((frame) => ({ segment: frame.segment, offset: frame.position + 1, text: frame.text })),
        places
      )
      assert.isTrue(found.every((frame) => frame.payloadOffset === frame.position))
      assert.isUndefined(second.journal.peek(segment, offset, text.length))
      yield* second.journal.readBlock(segment, offset)
      assert.strictEqual(second.journal.peek(segment, offset, text.length)?.toString(), text)
      yield* check(second.journal)
      yield* second.journal.close
    })
  )

  it.effect("begins every segment but the first with what onRoll appends", () =>
    Effect.gen(function* () {
      const simulated = new SimulatedDisk()
      const first = yield* open(simulated.disk)
      let rolls = 0
      first.journal.onRoll = () => {
        first.journal.begin(checkpointType, 1).string(`checkpoint ${++rolls} ${"c".repeat(5000)}`)
        first.journal.end()
      }
      for (const i of range(0, 200)) yield* put(first.journal, `text ${i} ${"t".repeat(60)}`)
      assert.isAbove(rolls, 3)
      const segments = first.journal.segments()
      assert.deepStrictEqual(
        segments.map((segment) => segment.index),
        range(0, rolls + 1)
      )
      assert.strictEqual(
        first.journal.totalBytes,
        segments.reduce((sum, segment) => sum + segment.bytes, 0)
      )
      yield* first.journal.close
      const second = yield* open(simulated.disk)
      for (const { index, firstSeq } of segments.slice(1)) {
        const frame = second.frames.find((candidate) => candidate.seq === firstSeq)!
        assert.strictEqual(frame.type, checkpointType)
        assert.strictEqual(frame.segment, index)
      }
      assert.strictEqual(texts(second.frames).length, 200)
      yield* second.journal.close
    })
  )

  it.effect("resumes commits in order, each once its own frames are durable, together with others", () =>
    Effect.gen(function* () {
      const simulated = new SimulatedDisk()
      const { journal } = yield* open(simulated.disk, { segmentBytes: 1 << 20 })
      const syncs = () => simulated.trace.filter((entry) => entry.startsWith("datasync")).length
      const order: Array<string> = []
      let durableAt = 0
      journal.commit(() => order.push("nothing to wait for"))
      assert.deepStrictEqual(order, ["nothing to wait for"])
      const before = syncs()
      for (const i of range(0, 64)) {
        const seq = append(journal, `text ${i}`)
        journal.commit((failure) => {
          assert.isUndefined(failure)
          assert.isAtLeast(journal.syncedSeq, seq)
          order.push(String(i))
          if (i === 0) {
            // What a resumed caller appends at once belongs to the next batch.
            append(journal, "from within")
            journal.commit(() => {
              durableAt = journal.syncedSeq
            })
          }
        })
      }
      assert.strictEqual(order.length, 1)
      yield* commit(journal)
      assert.deepStrictEqual(order.slice(1), range(0, 64).map(String))
      assert.strictEqual(syncs() - before, 1)
      yield* commit(journal)
      assert.strictEqual(durableAt, journal.lastSeq)
      assert.strictEqual(syncs() - before, 2)
      yield* journal.close
    })
  )

  it.effect("drops a cancelled frame and refuses misuse", () =>
    Effect.gen(function* () {
      const simulated = new SimulatedDisk()
      const { journal } = yield* open(simulated.disk)
      const before = journal.lastSeq
      journal.begin(textType, 1).string("never")
      assert.throws(() => journal.begin(textType, 1), /already/)
      journal.cancel()
      assert.throws(() => journal.end(), /no frame/)
      assert.throws(() => journal.begin(FrameType.closed, 1), RangeError)
      assert.throws(() => journal.begin(256, 1), RangeError)
      assert.throws(() => journal.begin(textType, Number.NaN), RangeError)
      journal.begin(textType, 1).bytes(Buffer.alloc(16 * 1024 * 1024 - frameHeaderBytes + 1))
      assert.throws(() => journal.end(), RangeError)
      assert.strictEqual(journal.lastSeq, before)
      yield* put(journal, "kept")
      yield* journal.close
      assert.throws(() => journal.begin(textType, 1), /closed/)
      yield* journal.close
      const second = yield* open(simulated.disk)
      assert.deepStrictEqual(texts(second.frames), ["kept"])
      yield* second.journal.close
    })
  )

  it.effect("closes with everything that was appended, and tells its waiters", () =>
    Effect.gen(function* () {
      const simulated = new SimulatedDisk()
      const { journal } = yield* open(simulated.disk)
      const outcomes: Array<unknown> = []
      append(journal, "committed")
      journal.commit((failure) => outcomes.push(failure))
      append(journal, "not committed")
      yield* journal.close
      assert.deepStrictEqual(outcomes, [undefined])
      const second = yield* open(simulated.disk)
      assert.deepStrictEqual(texts(second.frames), ["committed", "not committed"])
      yield* second.journal.close
    })
  )

  it.effect("trims the oldest segments for good", () =>
    Effect.gen(function* () {
      const simulated = new SimulatedDisk()
      const first = yield* open(simulated.disk)
      for (const i of range(0, 400)) yield* put(first.journal, `text ${i}`)
      const segments = first.journal.segments()
      yield* first.journal.trim(3)
      assert.deepStrictEqual(first.journal.segments().slice(0, 1), segments.slice(3, 4))
      yield* first.journal.trim(2)
      const error = yield* Effect.flip(first.journal.read(1, 100, 1))
      assert.strictEqual(error.reason._tag, "Unavailable")
      assert.strictEqual(
        first.journal.totalBytes,
        first.journal.segments().reduce((sum, segment) => sum + segment.bytes, 0)
      )
      yield* put(first.journal, "after")
      yield* first.journal.close
      const second = yield* open(simulated.disk)
      assert.strictEqual(second.frames[0]!.seq, segments[3]!.firstSeq)
      assert.strictEqual(texts(second.frames).at(-1), "after")
      assert.strictEqual(second.journal.segments()[0]!.index, 3)
      // The next segment's header remembers the trim too.
      for (const i of range(0, 200)) yield* put(second.journal, `more ${i}`)
      yield* second.journal.trim(second.journal.currentSegment)
      assert.strictEqual(second.journal.segments().length, 1)
      yield* second.journal.close
      const third = yield* open(simulated.disk)
      assert.strictEqual(third.journal.segments().length, 1)
      yield* third.journal.close
    })
  )

  it.effect("opens read-only beside its owner, and changes nothing", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory
      const owner = yield* open(nodeDisk, { directory: path })
      for (const i of range(0, 100)) yield* put(owner.journal, `text ${i}`)
      const reader = yield* open(nodeDisk, { directory: path, readOnly: true })
      assert.deepStrictEqual(
        texts(reader.frames),
        range(0, 100).map((i) => `text ${i}`)
      )
      const frame = reader.frames.find((candidate) => candidate.text === "text 7")!
      // What the owner trims stays readable for who has it open.
      yield* owner.journal.trim(1)
      const bytes = yield* reader.journal.read(frame.segment, frame.payloadOffset + 1, 6)
      assert.strictEqual(bytes.toString(), "text 7")
      assert.throws(() => reader.journal.begin(textType, 1), /closed/)
      assert.strictEqual((yield* Effect.flip(reader.journal.trim(1))).reason._tag, "Closed")
      yield* reader.journal.close
      yield* put(owner.journal, "still the owner's")
      yield* owner.journal.close
    })
  )

  it.effect("cannot be opened read-only where there is no log", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory
      const empty = yield* Effect.flip(open(nodeDisk, { directory: path, readOnly: true }))
      assert.strictEqual(empty.reason._tag, "Unavailable")
      const missing = yield* Effect.flip(open(nodeDisk, { directory: join(path, "missing"), readOnly: true }))
      assert.strictEqual(missing.reason._tag, "Unavailable")
    })
  )

  it.effect("refuses a network file system by name", () =>
    Effect.gen(function* () {
      const simulated = new SimulatedDisk()
      simulated.fileSystem = "nfs"
      const error = yield* Effect.flip(open(simulated.disk))
      assert.strictEqual(error.outcome, "refused")
      assert.isTrue(error.reason._tag === "NotWritable" && error.reason.cause === "networkFileSystem")
      assert.match(error.message, /nfs/)
    })
  )

  it.effect("refuses the journal as corrupt when the engine cannot decode a frame", () =>
    Effect.gen(function* () {
      const simulated = new SimulatedDisk()
      const first = yield* open(simulated.disk)
      yield* put(first.journal, "a text")
      yield* first.journal.close
      const error = yield* Effect.flip(
        openJournal({
          disk: simulated.disk,
          directory,
          now: () => 0,
          onFrame: (type, reader) => {
            if (type === textType) reader.skip(100)
          }
        })
      )
      assert.isTrue(error.reason._tag === "Corrupt")
      const again = yield* open(simulated.disk)
      assert.deepStrictEqual(texts(again.frames), ["a text"])
      yield* again.journal.close
    })
  )
})
