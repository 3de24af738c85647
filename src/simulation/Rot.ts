/**
 * Bytes of the log's files that change by themselves while nobody has them open, and what the log may say to that.
 *
 * What a log cannot tell from a torn write is left alone: of its last file only the header and the frames rot whose
 * durability a later frame states. So this reads the file format by itself, without the log's code.
 *
 * @since 0.1.0
 */
import { crc32 } from "node:zlib"
import type { LogError } from "../log/LogError.ts"
import type { Counters } from "./Counters.ts"
import type { Damage } from "./disk/Damage.ts"
import type { FileCopy, SimulatedDisk } from "./disk/SimulatedDisk.ts"
import type { Generator } from "./kernel/Generator.ts"

const headerBytes = 64
const sectorBytes = 512
const frameHeaderBytes = 44

/** Damage that was done. */
interface Standing {
  /** What the file held; undefined if the log has to open all the same. */
  readonly copy: FileCopy | undefined
  readonly segment: string
  /** Where it may be noticed: from the frame that the first changed byte is in, to the last changed byte. */
  readonly from: number
  readonly to: number
  refused: boolean
  /** The file is as it was; whoever is reading it may have seen it before. */
  repaired: boolean
}

interface FoundFrame {
  readonly at: number
  readonly end: number
  readonly seq: number
  readonly syncedSeq: number
}

/** The intact frames with which a file begins. */
const framesOf = (bytes: Buffer): ReadonlyArray<FoundFrame> => {
  const found: Array<FoundFrame> = []
  if (bytes.length < headerBytes) return found
  const salt = bytes.readUInt32LE(40)
  for (let at = headerBytes; at + frameHeaderBytes <= bytes.length;) {
    const end = at + 8 * Math.ceil(bytes.readUInt32LE(at + 4) / 8)
    if (end < at + frameHeaderBytes || end > bytes.length) break
    if (crc32(bytes.subarray(at + 4, end), salt) !== bytes.readUInt32LE(at)) break
    const seq = Number(bytes.readBigUInt64LE(at + 16))
    if (found.length > 0 && seq !== found.at(-1)!.seq + 1) break
    found.push({ at, end, seq, syncedSeq: Number(bytes.readBigUInt64LE(at + 24)) })
    at = end
  }
  return found
}

/** Where the frames end that a later one of the same file calls durable. */
const witnessedEnd = (frames: ReadonlyArray<FoundFrame>): number => {
  const durable = Math.max(0, ...frames.map(({ syncedSeq }) => syncedSeq))
  return frames.findLast(({ seq }) => seq <= durable)?.end ?? headerBytes
}

/** The bytes that a case of damage may change: the first, and the last. */
const reach = (damage: Damage, length: number): readonly [first: number, last: number] => {
  switch (damage._tag) {
    case "BitFlip":
      return [damage.offset, damage.offset]
    case "CutFile":
      return [damage.length, length]
    default: {
      const first = damage.offset - (damage.offset % sectorBytes)
      return [first, Math.min(length, first + sectorBytes) - 1]
    }
  }
}

/** Tries to find damage that changes a byte. */
const tries = 8

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Rot {
  readonly #disk: SimulatedDisk
  readonly #directory: string
  readonly #generator: Generator
  readonly #counters: Counters
  #standing: Standing | undefined

  constructor(disk: SimulatedDisk, directory: string, generator: Generator, counters: Counters) {
    this.#disk = disk
    this.#directory = directory
    this.#generator = generator
    this.#counters = counters
  }

  get #segments(): ReadonlyArray<string> {
    return this.#disk.names(this.#directory).filter((name) => name.endsWith(".seg"))
  }

  /** Whether there is a file that may rot, and none that has. */
  get isPossible(): boolean {
    return this.#standing === undefined && this.#segments.length > 0
  }

  /** Damages one file at one place, while no process has it open; answers whether there was anything to damage. */
  strike(): boolean {
    if (!this.isPossible) return false
    const segments = this.#segments
    const settled = new Set(this.#disk.settled(this.#directory))
    const sound = segments.filter((name) => settled.has(`${this.#directory}/${name}`))
    const last = sound.find((name) => name === segments.at(-1))
    const [first, ...rest] = sound.filter((name) => name !== last)
    for (let tried = 0; tried < tries; tried++) {
      const ofLast = last !== undefined && (first === undefined || this.#generator.chance(0.3))
      if (ofLast ? this.#spoilLast(last) : first !== undefined && this.#spoil(this.#generator.pick([first, ...rest]))) {
        return true
      }
    }
    this.#counters.add("rot/nothingToDamage")
    return false
  }

  #bytes(segment: string): Buffer {
    return this.#disk.bytes(`${this.#directory}/${segment}`)
  }

  /** All of a file that another one follows was durable before. */
  #spoil(segment: string): boolean {
    const bytes = this.#bytes(segment)
    const frames = framesOf(bytes)
    const damage = this.#anywhere(bytes.length, frames.at(-1)?.end ?? 0)
    return this.#inflict("closed", segment, bytes.length, frames, damage)
  }

  #spoilLast(segment: string): boolean {
    const bytes = this.#bytes(segment)
    const frames = framesOf(bytes)
    const end = frames.at(-1)?.end ?? headerBytes
    if (end < bytes.length && this.#generator.chance(0.4)) {
      const offset = this.#generator.between(end, bytes.length - 1)
      const cut = this.#generator.chance(0.2)
      const damage: Damage = cut ? { _tag: "CutFile", length: offset } : this.#flip(offset)
      return this.#inflict("behindTheEnd", segment, bytes.length, frames, damage)
    }
    return this.#inflict("last", segment, bytes.length, frames, this.#flipBelow(witnessedEnd(frames)))
  }

  #inflict(
    what: "closed" | "last" | "behindTheEnd",
    segment: string,
    length: number,
    frames: ReadonlyArray<FoundFrame>,
    damage: Damage
  ): boolean {
    const path = `${this.#directory}/${segment}`
    const copy = this.#disk.copy(path)
    if (!this.#disk.damage(path, damage)) return false
    const [first, to] = reach(damage, length)
    const from = frames.findLast(({ at }) => at <= first)?.at ?? 0
    const needed = what === "behindTheEnd" ? undefined : copy
    this.#standing = { copy: needed, segment, from, to, refused: false, repaired: false }
    this.#counters.add(`rot/${what}`)
    return true
  }

  #flip(offset: number): Damage {
    return { _tag: "BitFlip", offset, bit: this.#generator.between(0, 7) }
  }

  /** A bit of the first bytes. A header is little of a file, and much depends on it. */
  #flipBelow(end: number): Damage {
    const generator = this.#generator
    const below = generator.chance(0.125) ? Math.min(end, headerBytes) : end
    return this.#flip(generator.between(0, below - 1))
  }

  /** Mostly among the frames, which end at `end`. */
  #anywhere(length: number, end: number): Damage {
    const generator = this.#generator
    const below = end > 0 && generator.chance(0.8) ? end : length
    const kind = generator.pick(["flip", "flip", "flip", "flip", "zeros", "stale", "cut"])
    if (kind === "flip") return this.#flipBelow(below)
    const offset = generator.between(0, below - 1)
    if (kind === "cut") return { _tag: "CutFile", length: offset }
    return { _tag: kind === "zeros" ? "ZeroSector" : "StaleSector", offset }
  }

  /** Whoever keeps copies puts the file back, unless the log did without. */
  putBack(): void {
    const standing = this.#standing
    if (standing === undefined) return
    standing.repaired = true
    if (standing.copy !== undefined) this.#disk.putBack(standing.copy)
  }

  /** A process begins to open the log. */
  opening(): void {
    if (this.#standing?.repaired === true) this.#standing = undefined
  }

  /** The log opened. Over damage it does so if nothing needs what is damaged; then nothing ever will. */
  opened(): void {
    if (this.#standing?.repaired === false) this.#counters.add("rot/opened")
    this.#standing = undefined
  }

  /** The log did not open. */
  refused(error: LogError | undefined): void {
    const standing = this.#standing
    if (standing === undefined || standing.refused || !this.excuses(error)) return
    standing.refused = true
    this.#counters.add("rot/refused")
  }

  /** Whether the log refuses to open for the reason that its files are damaged, and they are. */
  excuses(error: LogError | undefined): boolean {
    return error?.reason._tag === "Corrupt" && this.#standing?.copy !== undefined
  }

  /**
   * What is wrong with a refusal to open: the log has to say that it is damaged, and where, before anything else but that
   * the disk fails, which it cannot do if it is not `fallible`.
   */
  misjudged(error: LogError | undefined, fallible: boolean): string | undefined {
    const standing = this.#standing
    if (standing?.copy === undefined) return undefined
    const reason = error?.reason
    const { from, segment, to } = standing
    const where = `${segment} is damaged between ${from} and ${to}`
    if (reason?._tag === "Unavailable" && fallible) return undefined
    if (reason?._tag !== "Corrupt") return `${where}, which is not what is said`
    if (reason.segment === segment && reason.offset >= from && reason.offset <= to) return undefined
    return `${where}, not ${reason.segment} at ${reason.offset}`
  }
}
