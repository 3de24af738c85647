/**
 * Power is lost at every step of a workload, and of every recovery after it, and any part of what was not synced is
 * lost: what is recovered is a prefix of what was appended with everything acknowledged in it.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Journal } from "../../../../src/backends/file/journal/Journal.ts"
import type { LogError } from "../../../../src/log/LogError.ts"
import { SimulatedDisk } from "../../../../src/simulation/disk/SimulatedDisk.ts"
import { type Keep, keepSome } from "../../../../src/simulation/disk/Survivors.ts"
import {
  append,
  checkpointType,
  commit,
  open,
  put,
  range,
  type SeenFrame,
  textType
} from "../support/JournalHarness.ts"

/** What a workload knows to be true about its journal, beside the journal itself. */
class Ledger {
  /** Texts of engine frames by sequence number, as appended or recovered. */
  readonly appended = new Map<number, string>()
  acknowledged = 0
  /** Epoch of the last append known here. */
  epoch = 0
  /** First sequence number that must exist: frames before it may be gone or not. */
  keptFrom = 1

  append(journal: Journal, text: string): void {
    this.epoch = journal.epoch
    this.appended.set(append(journal, text), text)
  }

  put(journal: Journal, text: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.append(journal, text)
      return this.commit(journal)
    })
  }

  commit(journal: Journal): Effect.Effect<void> {
    return Effect.suspend(() => {
      const seq = journal.lastSeq
      return Effect.map(commit(journal), (failure) => {
        assert.isUndefined(failure)
        this.acknowledged = Math.max(this.acknowledged, seq)
      })
    })
  }

  trim(journal: Journal, index: number): Effect.Effect<void, LogError> {
    return Effect.suspend(() => {
      this.keptFrom = journal.segments().find((segment) => segment.index === index)!.firstSeq
      return journal.trim(index)
    })
  }

  /** Takes over what an opening recovered. */
  reopened(frames: ReadonlyArray<SeenFrame>): void {
    this.appended.clear()
    for (const frame of frames) if (frame.type === textType) this.appended.set(frame.seq, frame.text)
    this.acknowledged = frames.at(-1)?.seq ?? 0
    this.epoch = frames.at(-1)?.epoch ?? 0
  }

  check(frames: ReadonlyArray<SeenFrame>, where: () => string): void {
    const first = frames[0]?.seq ?? 1
    const last = frames.at(-1)?.seq ?? 0
    assert.isAtLeast(last, this.acknowledged, `${where()}: acknowledged frames are lost`)
    if (frames.length > 0) assert.isAtMost(first, this.keptFrom, `${where()}: frames that were not trimmed are lost`)
    for (const [i, frame] of frames.entries()) {
      assert.strictEqual(frame.seq, first + i, where())
      if (frame.type === textType) assert.strictEqual(frame.text, this.appended.get(frame.seq), where())
    }
    for (const [seq, text] of this.appended) {
      if (seq < first || seq > last) continue
      const frame = frames[seq - first]!
      // A later owner may have cut it, unless it was acknowledged, and used its number again.
      if (frame.epoch > this.epoch) assert.isAbove(seq, this.acknowledged, where())
      else assert.strictEqual(frame.text, text, where())
    }
  }
}

type Workload = (disk: SimulatedDisk, ledger: Ledger) => Effect.Effect<void, LogError>

/** Runs a workload until step `n`, which never happens; answers whether it came to that. */
const runUntil = (workload: Workload, disk: SimulatedDisk, ledger: Ledger, n: number): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    disk.haltAt(disk.steps + n, () => resume(Effect.succeed(true)))
    const fiber = Effect.runFork(workload(disk, ledger))
    fiber.addObserver((exit) =>
      resume(exit._tag === "Success" ? Effect.succeed(false) : Effect.die(new Error(String(exit.cause))))
    )
  })

/** All subsets of up to `exhaustive` pieces; else none, all, each alone, all but each, each prefix, and seeded ones. */
const subsets = (pieces: number, exhaustive: number, seeds: number): ReadonlyArray<Keep> => {
  if (pieces <= exhaustive) return range(0, 2 ** pieces).map((mask) => (i) => (mask & (1 << i)) !== 0)
  const chosen: Array<Keep> = [() => false, () => true]
  for (const piece of range(0, pieces)) {
    chosen.push((i) => i === piece)
    chosen.push((i) => i !== piece)
    chosen.push((i) => i < piece)
  }
  for (const seed of range(0, seeds)) chosen.push(keepSome(seed))
  return chosen
}

/** Loses power at every step of a workload. Answers how many crash states were recovered. */
const enumerate = Effect.fnUntraced(function* (
  prepare: Workload,
  workload: Workload,
  pieceBytes: number,
  exhaustive: number,
  seeds: number
) {
  let states = 0
  for (let step = 1; ; step++) {
    const disk = new SimulatedDisk()
    disk.pieceBytes = pieceBytes
    const ledger = new Ledger()
    yield* prepare(disk, ledger)
    if (!(yield* runUntil(workload, disk, ledger, step))) {
      // Nothing was skipped: some steps leave more than one piece to lose.
      assert.isAbove(states, step)
      return states
    }
    for (const [i, keep] of subsets(disk.pieces, exhaustive, seeds).entries()) {
      const after = disk.afterCrash(keep)
      const where = () => `step ${step} (${disk.trace.at(-1)}), subset ${i} of ${disk.pieces} pieces`
      const { journal, frames } = yield* Effect.mapError(open(after.disk), (error) => `${where()}: ${error.message}`)
      ledger.check(frames, where)
      // Recovery settles it: what was seen once stays, and appending goes on.
      yield* put(journal, "after the crash")
      yield* journal.abandon
      const again = yield* Effect.mapError(open(after.disk), (error) => `${where()}: again: ${error.message}`)
      // A trim that the crash interrupted may have been finished.
      const from = again.frames[0]!.seq
      const kept = frames.filter((frame) => frame.seq >= from).map((frame) => frame.text)
      assert.isAtMost(from, ledger.keptFrom, where())
      assert.deepStrictEqual(
        again.frames.slice(0, kept.length).map((frame) => frame.text),
        kept,
        where()
      )
      assert.isTrue(
        again.frames.some((frame) => frame.text === "after the crash"),
        where()
      )
      yield* again.journal.abandon
      states++
    }
  }
})

const nothing: Workload = () => Effect.void

/** Appends batches of one to three frames; a segment holds about 30 of them. */
const appendSome = Effect.fnUntraced(function* (journal: Journal, ledger: Ledger, from: number, to: number) {
  for (const i of range(from, to)) {
    for (const j of range(0, i % 3)) ledger.append(journal, `${i}/${j}`)
    yield* ledger.put(journal, `text ${i} ${"x".repeat((i * 37) % 120)}`)
  }
})

describe("a journal that loses power", () => {
  it.effect(
    "while it is created, appended to and closed",
    () =>
      Effect.gen(function* () {
        const workload: Workload = Effect.fnUntraced(function* (disk, ledger) {
          const { journal } = yield* open(disk.disk)
          yield* appendSome(journal, ledger, 0, 12)
          yield* journal.close
        })
        for (const pieceBytes of [64, 512, 4096]) yield* enumerate(nothing, workload, pieceBytes, 7, 60)
      }),
    120_000
  )

  it.effect(
    "while frames of two segments wait, and while it rolls",
    () =>
      Effect.gen(function* () {
        const prepare: Workload = Effect.fnUntraced(function* (disk, ledger) {
          const { journal } = yield* open(disk.disk)
          yield* appendSome(journal, ledger, 0, 12)
          yield* journal.abandon
        })
        const workload: Workload = Effect.fnUntraced(function* (disk, ledger) {
          const { journal, frames } = yield* open(disk.disk)
          ledger.reopened(frames)
          journal.onRoll = () => {
            journal.begin(checkpointType, 1).string("checkpoint")
            journal.end()
          }
          for (const i of range(0, 90)) ledger.append(journal, `burst ${i} ${"y".repeat(i)}`)
          assert.isAbove(journal.segments().length, 2)
          yield* ledger.commit(journal)
          yield* ledger.put(journal, "the end")
          yield* journal.close
        })
        for (const pieceBytes of [256, 512]) yield* enumerate(prepare, workload, pieceBytes, 6, 40)
      }),
    120_000
  )

  it.effect(
    "while it trims",
    () =>
      Effect.gen(function* () {
        const prepare: Workload = Effect.fnUntraced(function* (disk, ledger) {
          const { journal } = yield* open(disk.disk)
          yield* appendSome(journal, ledger, 0, 100)
          yield* journal.close
        })
        const workload: Workload = Effect.fnUntraced(function* (disk, ledger) {
          const { journal, frames } = yield* open(disk.disk)
          ledger.reopened(frames)
          assert.isAbove(journal.currentSegment, 3)
          yield* ledger.trim(journal, 2)
          yield* ledger.put(journal, "between")
          yield* ledger.trim(journal, journal.currentSegment)
          yield* ledger.put(journal, "after")
          yield* journal.close
        })
        yield* enumerate(prepare, workload, 64, 7, 30)
      }),
    120_000
  )

  it.effect(
    "again and again while it recovers",
    () =>
      Effect.gen(function* () {
        // A torn batch of three sectors is left behind, and a roll under way.
        const prepare: Workload = Effect.fnUntraced(function* (disk, ledger) {
          const { journal } = yield* open(disk.disk)
          yield* appendSome(journal, ledger, 0, 8)
          for (const i of range(0, 12)) ledger.append(journal, `torn ${i} ${"z".repeat(90)}`)
          journal.commit(() => {})
          yield* Effect.callback<void>((resume) => {
            // The write happens, its sync does not.
            disk.haltAt(disk.steps + 2, () => resume(Effect.void))
          })
          const seed = disk.pieces
          disk.crash(keepSome(seed))
        })
        const workload: Workload = Effect.fnUntraced(function* (disk, ledger) {
          const { journal, frames } = yield* open(disk.disk)
          ledger.check(frames, () => "after the first crash")
          ledger.reopened(frames)
          yield* ledger.put(journal, "second life")
          yield* journal.close
        })
        yield* enumerate(prepare, workload, 64, 7, 40)
        // And a second crash within the recovery from the first, at every pair of steps.
        let states = 0
        for (let first = 1; ; first++) {
          const disk = new SimulatedDisk()
          const ledger = new Ledger()
          yield* prepare(disk, ledger)
          if (!(yield* runUntil(workload, disk, ledger, first))) break
          for (const keepFirst of subsets(disk.pieces, 3, 3)) {
            for (let second = 1; ; second++) {
              const after = disk.afterCrash(keepFirst)
              const scratch = new Ledger()
              const reopen: Workload = (crashed) => Effect.flatMap(open(crashed.disk), ({ journal }) => journal.close)
              if (!(yield* runUntil(reopen, after, scratch, second))) break
              for (const keep of subsets(after.pieces, 4, 4)) {
                const last = after.afterCrash(keep)
                const { journal, frames } = yield* open(last.disk)
                ledger.check(frames, () => `steps ${first} and ${second}`)
                yield* journal.abandon
                states++
              }
            }
          }
        }
        assert.isAbove(states, 300)
      }),
    120_000
  )
})
