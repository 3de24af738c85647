/** Recovers crash states with the real recovery, each different one once, and says what came of it. */
import { crc32 } from "node:zlib"
import type { SimulatedDisk } from "../../../src/simulation/disk/SimulatedDisk.ts"
import { Reading, stateOn } from "./Reading.ts"
import { onlyDurable, Rig } from "./Rig.ts"

/** What an image recovers to, or why it does not. */
export type Outcome =
  | { readonly _tag: "Recovered"; readonly state: string; readonly lastSeq: number }
  | { readonly _tag: "Failed"; readonly detail: string }

/** Most images that are remembered: later ones mostly resemble recent ones. */
const remembered = 200_000

export class Judge {
  /** Of its own: power is lost in the middle of what another one does. */
  readonly #rig = new Rig()
  /** By image. */
  readonly #byImage = new Map<string, Outcome>()
  /** By recovered frames and repaired image. */
  readonly #byRecovery = new Map<string, Outcome>()
  /** Images recovered, each different one once. */
  images = 0
  /** Different ends of those recoveries. */
  recoveries = 0

  /** Consumes the disk; `killed`: some of it is not synced. */
  judge(disk: SimulatedDisk, killed = false): Outcome {
    const image = killed ? `${disk.fingerprint()}\n${onlyDurable(disk).fingerprint()}` : disk.fingerprint()
    const known = this.#byImage.get(image)
    if (known !== undefined) return known
    const outcome = this.#guard(() => this.#recover(disk))
    this.images++
    if (this.#byImage.size >= remembered) this.#byImage.clear()
    this.#byImage.set(image, outcome)
    return outcome
  }

  #guard(act: () => Outcome): Outcome {
    try {
      return act()
    } catch (error) {
      return { _tag: "Failed", detail: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }
    }
  }

  #recover(disk: SimulatedDisk): Outcome {
    const { frames, lastSeq } = this.#frames(disk)
    const key = `${frames}\n${disk.fingerprint()}`
    const known = this.#byRecovery.get(key)
    if (known !== undefined) return known
    const outcome = this.#guard(() => this.#examine(disk, frames, lastSeq))
    this.recoveries++
    this.#byRecovery.set(key, outcome)
    return outcome
  }

  /** Recovers and repairs the disk; answers what tells its frames from any others. */
  #frames(disk: SimulatedDisk): { readonly frames: string; readonly lastSeq: number } {
    let count = 0
    let sum = 0
    let other = 0
    let lastSeq = 0
    this.#rig.recover(disk, (type, reader, meta) => {
      count++
      lastSeq = meta.seq
      const payload = reader.buffer.subarray(reader.index, reader.end)
      sum = crc32(payload, (sum ^ type) >>> 0)
      other = (Math.imul(other, 31) + meta.seq * 7 + payload.length) | 0
    })
    return { frames: `${count} ${sum} ${other}`, lastSeq }
  }

  /** The disk was recovered: what is on it now is what everybody will see from now on. */
  #examine(disk: SimulatedDisk, frames: string, lastSeq: number): Outcome {
    const rig = this.#rig
    const repaired = onlyDurable(disk)
    const image = disk.fingerprint()
    if (repaired.fingerprint() !== image) return { _tag: "Failed", detail: "the recovery left something unsynced" }
    const again = onlyDurable(repaired)
    const reading = new Reading(rig)
    // opens it for good, too: what follows is appended
    const journal = reading.open(repaired)
    const state = reading.state()
    // a trim that the first recovery finished takes its frames away, but nothing of the state
    const isSame = this.#frames(again).frames === frames || stateOn(rig, again) === state
    if (!isSame || again.fingerprint() !== image) {
      return { _tag: "Failed", detail: "a second recovery comes to something else" }
    }
    const appended = reading.append(journal)
    reading.goOn(onlyDurable(repaired))
    if (reading.lastSeq !== appended || reading.end() !== state) {
      return { _tag: "Failed", detail: "what was appended after the recovery is not read back" }
    }
    return { _tag: "Recovered", state, lastSeq }
  }
}
