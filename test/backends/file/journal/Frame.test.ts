import { expect, test } from "vitest"
import {
  emptyFrame,
  type FrameFields,
  frameHeaderBytes,
  isIntact,
  isPlausible,
  readHeader,
  sealFrame,
  viewOf
} from "../../../../src/backends/file/journal/Frame.ts"

const salt = 7

const written = (fields: FrameFields): ReturnType<typeof emptyFrame> => {
  const buffer = Buffer.alloc(frameHeaderBytes + 8)
  const view = viewOf(buffer)
  const frame = emptyFrame()
  sealFrame(buffer, view, 0, frameHeaderBytes + 3, fields, salt)
  readHeader(view, 0, frame)
  expect(isPlausible(frame)).toBe(true)
  expect(isIntact(buffer, 0, frame, salt)).toBe(true)
  return frame
}

test("a frame's numbers go as far as integers are exact", () => {
  for (const seq of [1, 0xffff_ffff, 0x1_0000_0000, 0x1_0000_0001, 2 ** 40 + 5, Number.MAX_SAFE_INTEGER]) {
    const fields: FrameFields = { previous: 1, epoch: 2, seq, syncedSeq: seq - 1, at: 3.5, type: 16 }
    expect(written(fields)).toMatchObject(fields)
  }
})
