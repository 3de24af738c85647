/** What a loss of power at one moment can leave behind: the crash states, each as a disk. */
import type { SimulatedDisk } from "../../../src/simulation/disk/SimulatedDisk.ts"
import type { Piece } from "../../../src/simulation/disk/Storage.ts"
import { seeded } from "../../../src/simulation/disk/Survivors.ts"

/** Up to so many pieces all subsets are tried. */
const exhaustivePieces = 10
const samples = 64

export interface Survival {
  readonly disk: SimulatedDisk
  /** What was kept, in words. */
  readonly kept: () => string
  readonly torn: boolean
  /** The process was killed and the machine lives on: nothing is lost, and what was unsynced is so still. */
  readonly killed: boolean
}

/** How the bytes of the last write are torn. */
export type Tearing = "everyByte" | "someBytes" | "never"

/** Where the fields of a frame's header end: there tears differ most. */
const fieldEnds: ReadonlySet<number> = new Set([1, 4, 8, 12, 16, 24, 32, 40, 43, 44, 45])
const everySo = 64

/** Subsets of `count` pieces, and whether those are all. */
const subsetsOf = (
  count: number
): { readonly all: boolean; readonly subsets: ReadonlyArray<ReadonlyArray<boolean>> } => {
  const pieces = Array.from({ length: count }, (_, i) => i)
  if (count <= exhaustivePieces) {
    const masks = Array.from({ length: 2 ** count }, (_, mask) => pieces.map((i) => (mask & (1 << i)) !== 0))
    return { all: true, subsets: masks }
  }
  const subsets = [pieces.map(() => true)]
  for (const piece of pieces) {
    subsets.push(pieces.map((i) => i < piece))
    subsets.push(pieces.map((i) => i !== piece))
  }
  const random = seeded(count)
  for (let sample = 0; sample < samples; sample++) subsets.push(pieces.map(() => random() < 0.5))
  return { all: false, subsets }
}

const isTornAt = (length: number, bytes: number, tearing: Tearing): boolean =>
  tearing === "everyByte" || fieldEnds.has(bytes) || bytes >= length - 2 || bytes % everySo === 0

/** The pieces of the last write, if it wrote more than zeros, as positions in the list. */
const lastWrite = (pieces: ReadonlyArray<Piece>): ReadonlyArray<number> => {
  const last = pieces.findLastIndex(({ kind }) => kind === "write")
  if (last === -1) return []
  const { change, inode } = pieces[last]!
  return [...pieces.keys()].filter((i) => pieces[i]!.inode === inode && pieces[i]!.change === change)
}

export interface Survivals {
  readonly all: boolean
  readonly survivals: Iterable<Survival>
}

/** All crash states of this moment; `tearing` is about the last write, whose other pieces stay or go in order. */
export const survivalsOf = (disk: SimulatedDisk, tearing: Tearing): Survivals => {
  const pieces = disk.unsynced()
  const mattering = [...pieces.keys()].filter((i) => pieces[i]!.matters)
  // of zeros behind the end only the last that survives matters: it says how long the file is
  const isLengthening = (i: number): boolean => pieces[i]!.kind === "zeros" && pieces[i]!.beyondEnd
  const lengthening = mattering.filter(isLengthening)
  const choices = mattering.filter((i) => !isLengthening(i))
  const { all, subsets } = subsetsOf(choices.length)
  const survivals = function* (): Generator<Survival> {
    for (const subset of subsets) {
      for (let zeros = 0; zeros <= lengthening.length; zeros++) {
        const lost = new Set([...choices.filter((_, i) => subset[i] === false), ...lengthening.slice(zeros)])
        yield {
          disk: disk.afterCrash((i) => !lost.has(i)),
          kept: () => `lost ${lost.size} of ${pieces.length} pieces: ${[...lost].join(", ")}`,
          torn: false,
          killed: false
        }
      }
    }
    if (mattering.length > 0)
      yield { disk: disk.afterKill(), kept: () => "the process was killed", torn: false, killed: true }
    if (tearing === "never") return
    const write = lastWrite(pieces)
    const length = write.reduce((sum, i) => sum + pieces[i]!.bytes, 0)
    for (let bytes = 1; bytes < length; bytes++) {
      if (!isTornAt(length, bytes, tearing)) continue
      const survives = new Map<number, boolean | number>()
      let from = 0
      for (const i of write) {
        const size = pieces[i]!.bytes
        survives.set(i, from + size <= bytes ? true : from >= bytes ? false : bytes - from)
        from += size
      }
      yield {
        disk: disk.afterCrash((i) => survives.get(i) ?? true),
        kept: () => `the last write torn after ${bytes} of ${length} bytes`,
        torn: true,
        killed: false
      }
    }
  }
  return { all, survivals: { [Symbol.iterator]: survivals } }
}
