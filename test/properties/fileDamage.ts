import { paddedLength } from "../../src/backends/file/journal/Frame.ts"
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  formatVersion,
  segmentHeaderBytes
} from "../../src/backends/file/journal/SegmentHeader.ts"
import type { SimulatedDisk } from "../../src/simulation/disk/SimulatedDisk.ts"
import { seeded } from "../../src/simulation/disk/Survivors.ts"

const segments = (disk: SimulatedDisk, directory: string): ReadonlyArray<string> =>
  disk
    .names(directory)
    .filter((name) => name.endsWith(".seg"))
    .map((name) => `${directory}/${name}`)

/** Bytes of the frame with which a closed log ends: it is witness to all before it, and nothing is to it. */
const closingFrame = 48

/** Where the witnessed bytes of a closed log's file end. */
const witnessed = (bytes: Buffer, last: boolean): number => {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return last ? Math.max(1, end - closingFrame) : end
}

/** Where the frames of a file begin, up to its witnessed end. */
const framesIn = (bytes: Buffer, end: number): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (let at = segmentHeaderBytes; at + 8 <= end && bytes.readUInt32LE(at + 4) > 0;) {
    found.push(at)
    at += paddedLength(bytes.readUInt32LE(at + 4))
  }
  return found
}

/**
 * Spoils what a log acknowledged: a bit, a run of bytes, a block, a frame, an end, or a whole file. A log that was not
 * `closed` says nothing about its last file, which is left as it is.
 */
export const spoil = (disk: SimulatedDisk, directory: string, seed: number, closed: boolean): void => {
  const random = seeded(seed)
  const below = (bound: number): number => Math.floor(random() * bound)
  const paths = segments(disk, directory)
  const index = below(closed ? paths.length : paths.length - 1)
  const path = paths[index]
  if (path === undefined) return
  const bytes = disk.bytes(path)
  const last = index === paths.length - 1
  const end = witnessed(bytes, last)
  // a header is little of a file, and much depends on it
  const at = below(below(8) === 0 ? Math.min(end, segmentHeaderBytes) : end)
  // of the last file nothing but its own end witnesses that it was longer, or that it was there at all
  switch (below(last ? 4 : 6)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8))
      break
    case 1:
      for (let i = at; i < Math.min(end, at + 1 + below(40)); i++) bytes[i] = below(256)
      break
    case 2:
      bytes.fill(0, at - (at % 512), Math.min(end, at - (at % 512) + 512))
      break
    case 3: {
      const frames = framesIn(bytes, end)
      // the late ones more often: what follows them bears witness
      const frame = frames.at(-1 - below(Math.min(3, frames.length)))
      if (frame === undefined) return
      bytes.fill(0, frame, Math.min(end, frame + paddedLength(bytes.readUInt32LE(frame + 4))))
      break
    }
    case 4:
      disk.plant(path, bytes.subarray(0, at))
      return
    default:
      disk.unplant(path)
      return
  }
  disk.plant(path, bytes)
}

/** Marks the newest file as one that a later release wrote. */
export const newerVersion = (disk: SimulatedDisk, directory: string): void => {
  const path = segments(disk, directory).at(-1)
  if (path === undefined) throw new Error("the log has no file")
  const bytes = disk.bytes(path)
  const found = decodeSegmentHeader(bytes.subarray(0, 64))
  if (found._tag !== "Header") throw new Error(`the header of ${path} is ${found._tag}`)
  encodeSegmentHeader(found.header, formatVersion + 1).copy(bytes)
  disk.plant(path, bytes)
}
