/**
 * Rows by job id: an open-addressing hash table of row numbers, which are all it stores.
 *
 * @since 0.1.0
 */
import { type JobTable, Status } from "./JobTable.ts"

const smallest = 1024

const hash = (a: number, b: number, c: number, d: number): number => {
  let h = Math.imul(a ^ (b >>> 15), 0x85eb_ca6b)
  h = Math.imul(h ^ c ^ (h >>> 13), 0xc2b2_ae35)
  h = Math.imul(h ^ d ^ (h >>> 16), 0x27d4_eb2f) ^ Math.imul(b, 0x165667b1)
  return (h ^ (h >>> 15)) >>> 0
}

/**
 * At most three fifths full; deleting moves later entries back, so that nothing ever has to be cleaned up.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class IdIndex {
  readonly #table: JobTable
  /** Row + 1, 0 for an empty place. */
  #places = new Int32Array(smallest)
  #mask = smallest - 1
  #size = 0

  constructor(table: JobTable) {
    this.#table = table
  }

  /** The row of the id whose four words begin at `words[at]`, or -1. */
  find(words: Int32Array, at: number): number {
    const a = words[at]!
    const b = words[at + 1]!
    const c = words[at + 2]!
    const d = words[at + 3]!
    const mask = this.#mask
    const places = this.#places
    const table = this.#table
    let place = hash(a, b, c, d) & mask
    while (true) {
      const row = places[place]! - 1
      if (row === -1) return -1
      const id = table.chunk(row).id
      const i = table.index(row) * 4
      if (id[i] === a && id[i + 1] === b && id[i + 2] === c && id[i + 3] === d) return row
      place = (place + 1) & mask
    }
  }

  /** Adds a row whose id column is filled; all other rows in use must be in the index already. */
  add(row: number): void {
    if (++this.#size * 5 > (this.#mask + 1) * 3) this.#grow()
    else this.#put(row)
  }

  #put(row: number): void {
    const mask = this.#mask
    const places = this.#places
    let place = this.#hashOf(row) & mask
    while (places[place] !== 0) place = (place + 1) & mask
    places[place] = row + 1
  }

  delete(row: number): void {
    const mask = this.#mask
    const places = this.#places
    let place = this.#hashOf(row) & mask
    while (places[place] !== row + 1) {
      if (places[place] === 0) throw new Error("leasehold: a job is missing from the index of ids")
      place = (place + 1) & mask
    }
    this.#size--
    let hole = place
    while (true) {
      place = (place + 1) & mask
      const next = places[place]!
      if (next === 0) break
      const home = this.#hashOf(next - 1) & mask
      // an entry may fill the hole unless its home lies cyclically between the hole and itself
      if (((place - home) & mask) >= ((place - hole) & mask)) {
        places[hole] = next
        hole = place
      }
    }
    places[hole] = 0
  }

  #hashOf(row: number): number {
    const id = this.#table.chunk(row).id
    const i = this.#table.index(row) * 4
    return hash(id[i]!, id[i + 1]!, id[i + 2]!, id[i + 3]!)
  }

  /** Row by row, so that the ids are read in the order in which they lie in memory. */
  #grow(): void {
    this.#places = new Int32Array(this.#places.length * 2)
    this.#mask = this.#places.length - 1
    const table = this.#table
    for (let row = 0; row < table.extent; row++) {
      if (table.chunk(row).status[table.index(row)] !== Status.Free) this.#put(row)
    }
  }
}
