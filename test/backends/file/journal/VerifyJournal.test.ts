import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { verifyDirectory } from "../../../../src/backends/file/journal/VerifyJournal.ts"
import { SimulatedDisk } from "../../../../src/simulation/disk/SimulatedDisk.ts"
import { append, commit, directory, open, put, range } from "../support/JournalHarness.ts"

describe("verifyDirectory", () => {
  it.effect("reports a sound journal beside its owner and after it, and changes nothing", () =>
    Effect.gen(function* () {
      const simulated = new SimulatedDisk()
      const { journal } = yield* open(simulated.disk)
      for (const i of range(0, 120)) yield* put(journal, `text ${i}`)
      const steps = simulated.steps
      const beside = yield* verifyDirectory(simulated.disk, directory)
      assert.isUndefined(beside.damage)
      assert.isUndefined(beside.tornTail)
      assert.isFalse(beside.closed)
      assert.strictEqual(beside.lastSeq, journal.lastSeq)
      assert.strictEqual(simulated.steps, steps)
      assert.deepStrictEqual(
        beside.segments.map(({ firstSeq, bytes }) => ({ firstSeq, bytes })),
        journal.segments().map(({ firstSeq, bytes }) => ({ firstSeq, bytes }))
      )
      assert.strictEqual(
        beside.segments.reduce((sum, segment) => sum + segment.frames, 0),
        beside.frames
      )
      yield* journal.close
      const after = yield* verifyDirectory(simulated.disk, directory)
      assert.isTrue(after.closed)
      assert.strictEqual(after.frames, beside.frames + 1)
    })
  )

  it.effect("tells a torn tail from damage", () =>
    Effect.gen(function* () {
      const simulated = new SimulatedDisk()
      const { journal } = yield* open(simulated.disk)
      for (const i of range(0, 10)) yield* put(journal, `text ${i}`)
      append(journal, "last")
      yield* commit(journal)
      const end = journal.segments()[0]!.bytes
      yield* journal.abandon
      const path = `${directory}/${simulated.names(directory)[0]!}`
      const sound = Buffer.from(simulated.bytes(path))
      const torn = Buffer.from(sound)
      torn[end - 20]! ^= 1
      simulated.plant(path, torn)
      const tornReport = yield* verifyDirectory(simulated.disk, directory)
      assert.isUndefined(tornReport.damage)
      assert.strictEqual(tornReport.tornTail?.segment, simulated.names(directory)[0])
      assert.strictEqual(tornReport.lastSeq, 11)
      const damaged = Buffer.from(sound)
      damaged[end - 100]! ^= 1
      simulated.plant(path, damaged)
      const damageReport = yield* verifyDirectory(simulated.disk, directory)
      assert.isTrue(damageReport.damage?.witnessed)
      assert.match(damageReport.damage!.cause, /checksum of the frame, though frame \d+ at \d+ proves/)
      assert.isTrue(simulated.bytes(path).equals(damaged))
    })
  )

  it.effect("reports an empty directory as empty and a missing one as unavailable", () =>
    Effect.gen(function* () {
      const simulated = new SimulatedDisk()
      assert.strictEqual((yield* Effect.flip(verifyDirectory(simulated.disk, directory))).reason._tag, "Unavailable")
      yield* simulated.disk.makeDirectory(directory)
      assert.deepStrictEqual(yield* verifyDirectory(simulated.disk, directory), {
        segments: [],
        frames: 0,
        lastSeq: 0,
        epoch: 0,
        closed: false,
        damage: undefined,
        tornTail: undefined,
        leftovers: []
      })
    })
  )
})
