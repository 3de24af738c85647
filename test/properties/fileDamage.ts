import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  formatVersion
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

/** Spoils what a log acknowledged before it was closed: a bit, a run of bytes, a block, an end, or a whole file. */
export const spoil = (disk: SimulatedDisk, directory: string, seed: number): void => {
  const random = seeded(seed)
  const below = (bound: number): number => Math.floor(random() * bound)
  const paths = segments(disk, directory)
  const index = below(paths.length)
  const path = paths[index]
  if (path === undefined) return
  const bytes = disk.bytes(path)
  const last = index === paths.length - 1
  const end = witnessed(bytes, last)
  const at = below(end)
  // of the last file nothing but its own end witnesses that it was longer, or that it was there at all
  switch (below(last ? 3 : 5)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8))
      break
    case 1:
      for (let i = at; i < Math.min(end, at + 1 + below(40)); i++) bytes[i] = below(256)
      break
    case 2:
      bytes.fill(0, at - (at % 512), Math.min(end, at - (at % 512) + 512))
      break
    case 3:
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
