/** Truncation, bit rot, missing and misplaced files: a legal prefix or a refusal, never a silent loss. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { decodeSegmentHeader, encodeSegmentHeader } from "../../../../src/backends/file/journal/SegmentHeader.ts"
import { verifyDirectory } from "../../../../src/backends/file/journal/VerifyJournal.ts"
import { SimulatedDisk } from "../../../../src/simulation/disk/SimulatedDisk.ts"
import { append, commit, directory, open, put, range, type SeenFrame, texts } from "../support/JournalHarness.ts"

const never = (): boolean => false

/** A journal of several segments whose last batch holds three frames; abandoned or closed. */
const build = Effect.fnUntraced(function* (ending: "abandon" | "close", frames = 60) {
  const simulated = new SimulatedDisk()
  const { journal } = yield* open(simulated.disk)
  for (const i of range(0, frames)) yield* put(journal, `text ${i} ${"x".repeat(i % 60)}`)
  for (const i of range(0, 3)) append(journal, `last ${i}`)
  yield* commit(journal)
  yield* journal[ending]
  const disk = simulated.afterCrash(never)
  const { journal: reader, frames: seen } = yield* open(disk.disk, { readOnly: true })
  yield* reader.close
  return { disk, seen }
})

const clone = (disk: SimulatedDisk): SimulatedDisk => disk.afterCrash(never)

const segmentFiles = (disk: SimulatedDisk): ReadonlyArray<string> =>
  disk.names(directory).filter((name) => name.endsWith(".seg"))

const lastFile = (disk: SimulatedDisk): string => `${directory}/${segmentFiles(disk).at(-1)!}`

/** Where a frame begins, given where its payload does. */
const startOf = (frame: SeenFrame): number => frame.payloadOffset - 44

/** Opens twice and expects the same prefix of `seen` both times. */
const expectPrefix = Effect.fnUntraced(function* (disk: SimulatedDisk, seen: ReadonlyArray<SeenFrame>, least: number) {
  const first = yield* open(disk.disk)
  const found = first.frames.map((frame) => [frame.seq, frame.type, frame.text])
  assert.deepStrictEqual(
    found,
    seen.slice(0, found.length).map((frame) => [frame.seq, frame.type, frame.text])
  )
  assert.isAtLeast(found.length, least)
  yield* put(first.journal, "appended after recovery")
  yield* first.journal.abandon
  const second = yield* open(disk.disk)
  assert.deepStrictEqual(texts(second.frames), [...texts(first.frames), "appended after recovery"])
  assert.isUndefined(second.journal.recovery.torn)
  yield* second.journal.close
  return found.length
})

describe("damage to a journal", () => {
  it.effect(
    "every truncation of the last frames leaves a legal prefix",
    () =>
      Effect.gen(function* () {
        const { disk, seen } = yield* build("abandon")
        const path = lastFile(disk)
        const last = seen.at(-1)!
        const from = startOf(seen.at(-6)!)
        assert.strictEqual(seen.at(-6)!.segment, last.segment)
        let recovered = 0
        for (const length of range(from - 4, disk.bytes(path).length + 1)) {
          if (length > startOf(last) + 100) break
          const damaged = clone(disk)
          damaged.plant(path, disk.bytes(path).subarray(0, length))
          const count = yield* expectPrefix(damaged, seen, seen.length - 7)
          assert.isAtLeast(count, recovered)
          recovered = count
        }
        assert.strictEqual(recovered, seen.length)
      }),
    60_000
  )

  it.effect(
    "every bit flip is refused at its frame when a later frame proves it was durable, else cuts a legal prefix",
    () =>
      Effect.gen(function* () {
        const { disk, seen } = yield* build("abandon", 40)
        const path = lastFile(disk)
        const name = segmentFiles(disk).at(-1)!
        const inLast = seen.filter((frame) => frame.segment === seen.at(-1)!.segment)
        // The three frames of the last batch were built when all before them was durable.
        const unwitnessed = new Set(inLast.slice(-3).map((frame) => frame.seq))
        let refused = 0
        let cut = 0
        for (const [i, frame] of inLast.entries()) {
          if (i < inLast.length - 5 && i % 8 !== 0) continue
          const end = i + 1 < inLast.length ? startOf(inLast[i + 1]!) : startOf(frame) + 56
          for (const bit of range(startOf(frame) * 8, end * 8)) {
            const damaged = clone(disk)
            const bytes = Buffer.from(disk.bytes(path))
            bytes[bit >> 3]! ^= 1 << (bit & 7)
            damaged.plant(path, bytes)
            if (unwitnessed.has(frame.seq)) {
              const reopened = yield* open(damaged.disk)
              assert.deepStrictEqual(texts(reopened.frames), texts(seen.slice(0, frame.seq - seen[0]!.seq)))
              yield* reopened.journal.abandon
              cut++
            } else {
              const error = yield* Effect.flip(open(damaged.disk))
              assert.isTrue(
                error.reason._tag === "Corrupt" &&
                  error.reason.segment === name &&
                  error.reason.offset === startOf(frame),
                `bit ${bit} of frame ${frame.seq}: ${error.message}`
              )
              assert.isTrue(damaged.bytes(path).equals(bytes), "a refusal changes nothing")
              refused++
            }
          }
        }
        assert.isAbove(refused, 1000)
        assert.isAbove(cut, 1000)
      }),
    120_000
  )

  it.effect("a clean close proves the last batch", () =>
    Effect.gen(function* () {
      const { disk, seen } = yield* build("close")
      const path = lastFile(disk)
      for (const frame of seen.slice(-4, -1)) {
        const damaged = clone(disk)
        const bytes = Buffer.from(disk.bytes(path))
        bytes[frame.payloadOffset]! ^= 4
        damaged.plant(path, bytes)
        const error = yield* Effect.flip(open(damaged.disk))
        assert.isTrue(error.reason._tag === "Corrupt" && error.reason.offset === startOf(frame))
      }
    })
  )

  it.effect("damage in an older segment is refused there", () =>
    Effect.gen(function* () {
      const { disk, seen } = yield* build("abandon")
      const [first, second] = segmentFiles(disk)
      const last = seen.findLast((frame) => frame.segment === 0)!
      for (const at of [64, 70, startOf(last) + 3, startOf(last) + 46]) {
        const damaged = clone(disk)
        const bytes = Buffer.from(disk.bytes(`${directory}/${first!}`))
        bytes[at]! ^= 1
        damaged.plant(`${directory}/${first!}`, bytes)
        const error = yield* Effect.flip(open(damaged.disk))
        const frame = seen.findLast((candidate) => candidate.segment === 0 && startOf(candidate) <= at)!
        assert.isTrue(error.reason._tag === "Corrupt" && error.reason.segment === first)
        assert.isTrue(error.reason._tag === "Corrupt" && error.reason.offset === startOf(frame))
        const report = yield* verifyDirectory(damaged.disk, directory)
        assert.strictEqual(report.damage?.offset, startOf(frame))
        assert.isTrue(report.damage?.witnessed)
      }
      // Cut at its very end, so that only the next segment knows of what is missing.
      const cut = clone(disk)
      cut.plant(`${directory}/${first!}`, disk.bytes(`${directory}/${first!}`).subarray(0, startOf(last)))
      const error = yield* Effect.flip(open(cut.disk))
      assert.isTrue(error.reason._tag === "Corrupt" && error.reason.offset === startOf(last))
      // What follows the last frame of a complete segment is of no concern.
      const padded = clone(disk)
      padded.plant(
        `${directory}/${first!}`,
        Buffer.concat([disk.bytes(`${directory}/${first!}`), Buffer.alloc(100, 7)])
      )
      assert.isDefined(second)
      assert.strictEqual(yield* expectPrefix(padded, seen, seen.length), seen.length)
    })
  )

  it.effect("a flip in any segment header is refused, and a newer format is named", () =>
    Effect.gen(function* () {
      const { disk } = yield* build("abandon")
      for (const name of segmentFiles(disk)) {
        for (const bit of range(0, 512)) {
          const damaged = clone(disk)
          const bytes = Buffer.from(disk.bytes(`${directory}/${name}`))
          bytes[bit >> 3]! ^= 1 << (bit & 7)
          damaged.plant(`${directory}/${name}`, bytes)
          const error = yield* Effect.flip(open(damaged.disk))
          assert.isTrue(error.reason._tag === "Corrupt" && error.reason.segment === name && error.reason.offset === 0)
        }
      }
      const newer = clone(disk)
      const path = lastFile(disk)
      const found = decodeSegmentHeader(disk.bytes(path).subarray(0, 64))
      assert.isTrue(found._tag === "Header")
      if (found._tag !== "Header") return
      const bytes = Buffer.from(disk.bytes(path))
      encodeSegmentHeader(found.header, 2).copy(bytes)
      newer.plant(path, bytes)
      const error = yield* Effect.flip(open(newer.disk))
      assert.isTrue(error.reason._tag === "UnsupportedFormat" && error.reason.found === 2)
      const report = yield* verifyDirectory(newer.disk, directory)
      assert.match(report.damage!.cause, /version 2/)
    })
  )

  it.effect("missing, foreign and swapped segments are refused", () =>
    Effect.gen(function* () {
      const { disk } = yield* build("abandon", 150)
      const names = segmentFiles(disk)
      assert.isAtLeast(names.length, 4)
      for (const [i, name] of names.entries()) {
        if (i === names.length - 1) continue
        const damaged = clone(disk)
        damaged.unplant(`${directory}/${name}`)
        const error = yield* Effect.flip(open(damaged.disk))
        assert.strictEqual(error.reason._tag, "Corrupt", `without ${name}`)
        assert.deepStrictEqual(segmentFiles(damaged), names.toSpliced(i, 1), "a refusal removes nothing")
      }
      const swapped = clone(disk)
      swapped.plant(`${directory}/${names[1]!}`, disk.bytes(`${directory}/${names[2]!}`))
      assert.strictEqual((yield* Effect.flip(open(swapped.disk))).reason._tag, "Corrupt")
      // The same segment of another journal: sound in itself, but of another chain.
      const other = (yield* build("close", 150)).disk
      assert.deepStrictEqual(segmentFiles(other), names)
      const foreign = clone(disk)
      foreign.plant(`${directory}/${names[1]!}`, other.bytes(`${directory}/${names[1]!}`))
      const same = other.bytes(`${directory}/${names[1]!}`).equals(disk.bytes(`${directory}/${names[1]!}`))
      if (!same) assert.strictEqual((yield* Effect.flip(open(foreign.disk))).reason._tag, "Corrupt")
    })
  )

  it.effect("the remains of a segment's creation are removed, frames under a blank header are not", () =>
    Effect.gen(function* () {
      const { disk, seen } = yield* build("abandon")
      const next = `${directory}/${(seen.at(-1)!.seq + 1).toString(16).padStart(16, "0")}.seg`
      for (const content of [Buffer.alloc(0), Buffer.alloc(10, 3), Buffer.alloc(64), Buffer.alloc(5000)]) {
        const damaged = clone(disk)
        damaged.plant(next, content)
        damaged.plant(`${next}.tmp`, content)
        const report = yield* verifyDirectory(damaged.disk, directory)
        assert.strictEqual(report.leftovers.length, 2)
        assert.strictEqual(yield* expectPrefix(damaged, seen, seen.length), seen.length)
        assert.isFalse(damaged.names(directory).some((name) => name.endsWith(".tmp")))
      }
      const blank = clone(disk)
      const bytes = Buffer.from(disk.bytes(lastFile(disk)))
      bytes.fill(0, 0, 64)
      blank.plant(lastFile(disk), bytes)
      const error = yield* Effect.flip(open(blank.disk))
      assert.isTrue(error.reason._tag === "Corrupt" && error.reason.offset === 0)
      // A blank first segment means an unfinished first opening only where nothing else exists.
      const fresh = new SimulatedDisk()
      yield* fresh.disk.makeDirectory(directory)
      fresh.plant(`${directory}/0000000000000001.seg`, Buffer.alloc(3))
      const opened = yield* open(fresh.disk)
      assert.strictEqual(opened.frames.length, 0)
      yield* opened.journal.close
      const headless = new SimulatedDisk()
      yield* headless.disk.makeDirectory(directory)
      headless.plant(`${directory}/0000000000000009.seg`, Buffer.alloc(3))
      assert.strictEqual((yield* Effect.flip(open(headless.disk))).reason._tag, "Corrupt")
    })
  )

  it.effect("a stale tail of the same length never comes back", () =>
    Effect.gen(function* () {
      const simulated = new SimulatedDisk()
      const { journal } = yield* open(simulated.disk, { segmentBytes: 1 << 16 })
      yield* put(journal, "kept")
      for (const i of range(0, 3)) append(journal, `stale ${i}`)
      yield* commit(journal)
      yield* journal.abandon
      const path = lastFile(simulated)
      const stale = Buffer.from(simulated.bytes(path))
      const reader = yield* open(simulated.disk, { readOnly: true })
      const lost = reader.frames.find((frame) => frame.text === "stale 0")!
      // The first frame of the last batch never reached the disk, the two after it did.
      const torn = Buffer.from(stale)
      torn.fill(0, startOf(lost), startOf(lost) + 56)
      const crashed = clone(simulated)
      crashed.plant(path, torn)
      const second = yield* open(crashed.disk, { segmentBytes: 1 << 16 })
      assert.deepStrictEqual(texts(second.frames), ["kept"])
      assert.isDefined(second.journal.recovery.torn)
      yield* second.journal.abandon
      const third = yield* open(crashed.disk, { segmentBytes: 1 << 16 })
      assert.deepStrictEqual(texts(third.frames), ["kept"])
      // Even if the cut had been undone behind the new epoch's frame.
      yield* third.journal.abandon
      const bytes = Buffer.from(crashed.bytes(path))
      const revived = Buffer.from(stale)
      bytes.copy(revived, 0, 0, startOf(lost) + 48)
      const undone = clone(crashed)
      undone.plant(path, revived)
      const fourth = yield* open(undone.disk, { segmentBytes: 1 << 16 })
      assert.deepStrictEqual(texts(fourth.frames), ["kept"])
      yield* fourth.journal.close
    })
  )

  it.effect("a payload that looks like a later frame proves nothing", () =>
    Effect.gen(function* () {
      const { disk, seen } = yield* build("abandon")
      // An intact frame that claims a high syncedSeq, taken from another journal with another salt.
      const other = new SimulatedDisk()
      const { journal } = yield* open(other.disk, { segmentBytes: 1 << 16 })
      for (const i of range(0, 200)) yield* put(journal, `text ${i}`)
      yield* journal.abandon
      const path = lastFile(disk)
      const last = seen.at(-1)!
      const otherBytes = other.bytes(lastFile(other))
      const otherSeen = yield* open(other.disk, { readOnly: true })
      const frame = otherSeen.frames.at(-1)!
      const bytes = Buffer.from(disk.bytes(path))
      bytes[startOf(last) + 20]! ^= 1
      otherBytes.copy(bytes, startOf(last) + 56, startOf(frame), startOf(frame) + 56)
      const damaged = clone(disk)
      damaged.plant(path, bytes)
      const foreignSalt = decodeSegmentHeader(otherBytes.subarray(0, 64))
      const ownSalt = decodeSegmentHeader(bytes.subarray(0, 64))
      assert.notDeepEqual(foreignSalt, ownSalt)
      assert.strictEqual(yield* expectPrefix(damaged, seen, seen.length - 1), seen.length - 1)
    })
  )
})
