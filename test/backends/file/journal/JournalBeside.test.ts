/** Reading a journal while its owner appends and trims. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Disk, DiskFile } from "../../../../src/backends/file/journal/Disk.ts"
import { verifyDirectory } from "../../../../src/backends/file/journal/VerifyJournal.ts"
import { SimulatedDisk } from "../../../../src/simulation/disk/SimulatedDisk.ts"
import { directory, open, put, range, texts } from "../support/JournalHarness.ts"

/** A disk on which something else happens right before chosen operations of this reader. */
const interrupted = (
  disk: Disk,
  hooks: {
    readonly beforeOpen?: (path: string) => Effect.Effect<void>
    readonly beforeRead?: (position: number) => Effect.Effect<void>
  }
): Disk => ({
  ...disk,
  open: (path, mode) =>
    Effect.suspend(() => hooks.beforeOpen?.(path) ?? Effect.void).pipe(
      Effect.andThen(disk.open(path, mode)),
      Effect.map((file): DiskFile => ({
        ...file,
        read: (buffer, offset, length, position) =>
          Effect.andThen(hooks.beforeRead?.(position) ?? Effect.void, file.read(buffer, offset, length, position))
      }))
    )
})

const once = <E>(effect: Effect.Effect<unknown, E>): Effect.Effect<void> => {
  let done = false
  return Effect.suspend(() => {
    if (done) return Effect.void
    done = true
    return Effect.asVoid(Effect.orDie(effect))
  })
}

describe("reading beside the owner", () => {
  it.effect("sees a legal prefix when the owner appends between any two reads", () =>
    Effect.gen(function* () {
      for (const delay of range(0, 6)) {
        const simulated = new SimulatedDisk()
        const { journal } = yield* open(simulated.disk)
        for (const i of range(0, 5)) yield* put(journal, `before ${i}`)
        const more = once(Effect.forEach(range(0, 4), (i) => put(journal, `meanwhile ${i}`)))
        let reads = 0
        const disk = interrupted(simulated.disk, { beforeRead: () => (reads++ === delay ? more : Effect.void) })
        const reader = yield* open(disk, { readOnly: true })
        const expected = [...range(0, 5).map((i) => `before ${i}`), ...range(0, 4).map((i) => `meanwhile ${i}`)]
        assert.deepStrictEqual(texts(reader.frames), expected.slice(0, texts(reader.frames).length))
        assert.isAtLeast(texts(reader.frames).length, 5)
        yield* reader.journal.close
        yield* journal.close
      }
    })
  )

  it.effect("does not mistake what the owner completes meanwhile for damage", () =>
    Effect.gen(function* () {
      const simulated = new SimulatedDisk()
      const { journal } = yield* open(simulated.disk)
      for (const i of range(0, 5)) yield* put(journal, `before ${i}`)
      const end = journal.segments()[0]!.bytes
      const more = once(Effect.forEach(range(0, 4), (i) => put(journal, `meanwhile ${i}`)))
      // The first look found zeros at the end; the look that makes sure of it finds frames.
      const disk = interrupted(simulated.disk, { beforeRead: (position) => (position === end ? more : Effect.void) })
      const reader = yield* open(disk, { readOnly: true })
      assert.strictEqual(texts(reader.frames).length, 9)
      yield* reader.journal.close
      yield* journal.close
    })
  )

  it.effect("begins again when the owner trims between listing and opening", () =>
    Effect.gen(function* () {
      const simulated = new SimulatedDisk()
      const { journal } = yield* open(simulated.disk)
      for (const i of range(0, 200)) yield* put(journal, `text ${i}`)
      const trim = once(journal.trim(2))
      const disk = interrupted(simulated.disk, { beforeOpen: () => trim })
      const report = yield* verifyDirectory(disk, directory)
      assert.isUndefined(report.damage)
      assert.strictEqual(report.segments[0]!.firstSeq, journal.segments()[0]!.firstSeq)
      assert.strictEqual(report.lastSeq, journal.lastSeq)
      yield* journal.close
    })
  )
})
