import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Disk } from "../../../../src/backends/file/journal/Disk.ts"
import { blockBytes, SegmentFiles } from "../../../../src/backends/file/journal/SegmentFiles.ts"
import { SimulatedDisk } from "../../../../src/simulation/disk/SimulatedDisk.ts"
import { directory, range } from "../support/JournalHarness.ts"

/** A disk with `count` files of `size` bytes, which counts the handles that are open. */
const filesOf = Effect.fnUntraced(function* (count: number, size: number) {
  const simulated = new SimulatedDisk()
  yield* simulated.disk.makeDirectory(directory)
  for (const i of range(0, count)) simulated.plant(`${directory}/${i}`, Buffer.alloc(size, i))
  const handles = { open: 0, opened: 0 }
  const disk: Disk = {
    ...simulated.disk,
    open: (path, mode) =>
      Effect.map(simulated.disk.open(path, mode), (file) => {
        handles.open++
        handles.opened++
        return {
          ...file,
          close: Effect.andThen(
            Effect.sync(() => handles.open--),
            file.close
          )
        }
      })
  }
  return { files: new SegmentFiles(disk), handles }
})

describe("SegmentFiles", () => {
  it.effect("keeps the blocks used last, and answers ranges within one block", () =>
    Effect.gen(function* () {
      const size = 6 * 1024 * 1024
      const { files } = yield* filesOf(1, size)
      assert.strictEqual((yield* files.load(0, `${directory}/0`, 10, size, 0)).length, blockBytes)
      assert.isDefined(files.peek(0, 10, blockBytes))
      assert.isUndefined(files.peek(0, 9, 2))
      assert.isUndefined(files.peek(0, 10 + blockBytes - 1, 2))
      assert.isUndefined(files.peek(1, 10, 1))
      for (const i of range(1, 20)) {
        yield* files.load(0, `${directory}/0`, i * blockBytes, size, 0)
        // Looking at the first block again and again keeps it; the second one goes.
        assert.isDefined(files.peek(0, 10, 1), `after ${i} blocks`)
      }
      assert.isUndefined(files.peek(0, blockBytes + 20, 1))
      assert.isDefined(files.peek(0, 19 * blockBytes, 1))
      // More than a block where one range needs it, and never beyond what is written.
      assert.strictEqual((yield* files.load(0, `${directory}/0`, 0, size, 2 * blockBytes)).length, 2 * blockBytes)
      assert.strictEqual((yield* files.load(0, `${directory}/0`, 100, 300, 0)).length, 200)
      yield* files.closeAll
    })
  )

  it.effect("keeps a bounded number of files open, and closes each once nobody reads it", () =>
    Effect.gen(function* () {
      const { files, handles } = yield* filesOf(50, 100)
      for (const i of range(0, 50)) yield* files.load(i, `${directory}/${i}`, 0, 100, 0)
      assert.strictEqual(handles.open, 32)
      yield* files.load(49, `${directory}/49`, 0, 100, 0)
      assert.strictEqual(handles.opened, 50)
      const both = yield* Effect.all(
        [files.load(0, `${directory}/0`, 0, 100, 0), files.load(0, `${directory}/0`, 50, 100, 0)],
        { concurrency: 2 }
      )
      assert.deepStrictEqual(
        both.map((bytes) => bytes.length),
        [100, 50]
      )
      yield* files.drop(49)
      assert.isUndefined(files.peek(49, 0, 1))
      yield* files.closeAll
      assert.strictEqual(handles.open, 0)
    })
  )
})
