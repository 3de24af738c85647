/** Frames made by hand: each rule that ties a frame to the one before it, alone. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ByteWriter } from "../../../../src/backends/file/journal/ByteWriter.ts"
import {
  type FrameFields,
  frameHeaderBytes,
  FrameType,
  maxFrameBytes,
  paddedLength,
  sealFrame,
  viewOf
} from "../../../../src/backends/file/journal/Frame.ts"
import { encodeSegmentHeader, segmentName } from "../../../../src/backends/file/journal/SegmentHeader.ts"
import { SimulatedDisk } from "../../../../src/simulation/disk/SimulatedDisk.ts"
import { directory, open, range, texts, textType } from "../support/JournalHarness.ts"

const salt = 77

interface Built {
  readonly bytes: Buffer
  readonly crc: number
}

const frame = (fields: Partial<FrameFields>, text: string, frameSalt = salt): Built => {
  const writer = new ByteWriter(Buffer.alloc(256))
  writer.index = frameHeaderBytes
  writer.string(text)
  const length = writer.index
  const all = { previous: 0, epoch: 1, seq: 1, syncedSeq: 0, at: 5, type: textType, ...fields }
  const crc = sealFrame(writer.buffer, viewOf(writer.buffer), 0, length, all, frameSalt)
  return { bytes: writer.buffer.subarray(0, paddedLength(length)), crc }
}

const header = encodeSegmentHeader({ index: 0, firstSeq: 1, trimmedTo: 1, epoch: 1, chain: 0, salt })

const diskWith = (...parts: ReadonlyArray<Uint8Array>) =>
  Effect.gen(function* () {
    const simulated = new SimulatedDisk()
    yield* simulated.disk.makeDirectory(directory)
    simulated.plant(`${directory}/${segmentName(1)}`, Buffer.concat(parts))
    return simulated
  })

const first = frame({}, "first")
const good: Partial<FrameFields> = { previous: first.crc, seq: 2 }

describe("scanSegment", () => {
  it.effect("takes a frame that follows, and cuts one that breaks a single rule", () =>
    Effect.gen(function* () {
      const followers: ReadonlyArray<[string, Built, boolean]> = [
        ["as it should be", frame(good, "second"), true],
        ["another chain", frame({ ...good, previous: first.crc ^ 1 }, "second"), false],
        ["an older epoch", frame({ ...good, epoch: 0 }, "second"), false],
        ["a later epoch without its first frame", frame({ ...good, epoch: 2 }, "second"), false],
        ["a sequence number too high", frame({ ...good, seq: 3 }, "second"), false],
        ["a sequence number again", frame({ ...good, seq: 1 }, "second"), false],
        ["another salt", frame(good, "second", salt + 1), false],
        ["no time", frame({ ...good, at: Number.NaN }, "second"), false],
        ["a witness of itself", frame({ ...good, syncedSeq: 2 }, "second"), false],
        ["no type", frame({ ...good, type: 0 }, "second"), false],
        ["a type beyond a byte", frame({ ...good, type: 256 + textType }, "second"), false]
      ]
      for (const [name, follower, taken] of followers) {
        const disk = yield* diskWith(header, first.bytes, follower.bytes, Buffer.alloc(512))
        const { journal, frames } = yield* open(disk.disk)
        assert.deepStrictEqual(texts(frames), taken ? ["first", "second"] : ["first"], name)
        assert.strictEqual(journal.recovery.torn?.offset, taken ? undefined : 64 + first.bytes.length, name)
        yield* journal.close
      }
    })
  )

  it.effect("takes a new epoch only from its first frame", () =>
    Effect.gen(function* () {
      const epoch = frame({ ...good, epoch: 7, type: FrameType.epoch }, "")
      const third = frame({ previous: epoch.crc, seq: 3, epoch: 7 }, "third")
      const disk = yield* diskWith(header, first.bytes, epoch.bytes, third.bytes)
      const { journal, frames } = yield* open(disk.disk)
      assert.deepStrictEqual(texts(frames), ["first", "third"])
      assert.strictEqual(journal.epoch, 8)
      yield* journal.close
    })
  )

  it.effect("refuses an intact frame of a type it does not know, instead of cutting it", () =>
    Effect.gen(function* () {
      const disk = yield* diskWith(header, first.bytes, frame({ ...good, type: 5 }, "second").bytes)
      const error = yield* Effect.flip(open(disk.disk))
      assert.isTrue(error.reason._tag === "Corrupt" && /unknown type 5/.test(error.reason.detail))
    })
  )

  it.effect("refuses a gap that a later frame witnesses, wherever that frame lies", () =>
    Effect.gen(function* () {
      for (const gap of range(0, 40).map((i) => i * 8)) {
        const witness = frame({ previous: 123, seq: 9, syncedSeq: 2 }, "witness")
        const disk = yield* diskWith(header, first.bytes, Buffer.alloc(gap, 0xee), witness.bytes)
        const error = yield* Effect.flip(open(disk.disk))
        assert.isTrue(error.reason._tag === "Corrupt" && error.reason.offset === 64 + first.bytes.length)
        const silent = frame({ previous: 123, seq: 9, syncedSeq: 1 }, "no witness")
        const torn = yield* diskWith(header, first.bytes, Buffer.alloc(gap, 0xee), silent.bytes)
        const { journal } = yield* open(torn.disk)
        assert.isDefined(journal.recovery.torn)
        yield* journal.close
      }
    })
  )

  it.effect("survives a length that lies", () =>
    Effect.gen(function* () {
      for (const length of [1, 43, 44, 200, maxFrameBytes, maxFrameBytes + 1, 0x7fffffff, 0xffffffff]) {
        const liar = Buffer.from(frame(good, "second").bytes)
        liar.writeUInt32LE(length, 4)
        const disk = yield* diskWith(header, first.bytes, liar, Buffer.alloc(1000))
        const { journal, frames } = yield* open(disk.disk)
        assert.deepStrictEqual(texts(frames), ["first"])
        yield* journal.close
      }
    })
  )

  it.effect("finds a witness that lies across the chunks it reads", () =>
    Effect.gen(function* () {
      const large = 3 * 1024 * 1024
      const writer = new ByteWriter(Buffer.alloc(large + 100))
      writer.index = frameHeaderBytes
      writer.bytes(Buffer.alloc(large, 3))
      const all = { previous: 9, epoch: 1, seq: 3, syncedSeq: 2, at: 5, type: textType }
      const length = writer.index
      sealFrame(writer.buffer, viewOf(writer.buffer), 0, length, all, salt)
      const disk = yield* diskWith(
        header,
        first.bytes,
        Buffer.alloc(800, 1),
        writer.buffer.subarray(0, paddedLength(length))
      )
      assert.strictEqual((yield* Effect.flip(open(disk.disk))).reason._tag, "Corrupt")
    })
  )
})
