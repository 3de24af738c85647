/**
 * A binary heap of table rows by a number, in two typed arrays: no object per entry.
 *
 * @since 0.1.0
 */

const smallest = 16

/**
 * Smallest key first; equal keys by row, which is roughly the order in which rows were taken.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class RowHeap {
  size = 0
  #keys = new Float64Array(smallest)
  #rows = new Uint32Array(smallest)

  /** The smallest key; `Infinity` when empty. */
  get topKey(): number {
    return this.size === 0 ? Number.POSITIVE_INFINITY : this.#keys[0]!
  }

  /** The row of the smallest key. Only while `size > 0`. */
  get topRow(): number {
    return this.#rows[0]!
  }

  push(key: number, row: number): void {
    if (this.size === this.#rows.length) this.#resize(this.size * 2)
    this.#up(this.size++, key, row)
  }

  /** Takes the first entry away and answers its row. Only while `size > 0`. */
  pop(): number {
    const row = this.#rows[0]!
    const last = --this.size
    if (last > 0) this.#down(0, this.#keys[last]!, this.#rows[last]!)
    if (last > 1024 && last * 4 < this.#rows.length) this.#resize(this.#rows.length / 2)
    return row
  }

  /** The row at a place of the backing array, for looking at all entries in no particular order. */
  rowAt(index: number): number {
    return this.#rows[index]!
  }

  keyAt(index: number): number {
    return this.#keys[index]!
  }

  /** Keeps only what `keep` accepts. */
  retain(keep: (key: number, row: number) => boolean): void {
    const size = this.size
    this.size = 0
    for (let i = 0; i < size; i++) {
      const key = this.#keys[i]!
      const row = this.#rows[i]!
      // what is kept moves to or before its old place, so nothing unread is overwritten
      if (keep(key, row)) this.#up(this.size++, key, row)
    }
  }

  #resize(length: number): void {
    const keys = new Float64Array(length)
    const rows = new Uint32Array(length)
    keys.set(this.#keys.subarray(0, this.size))
    rows.set(this.#rows.subarray(0, this.size))
    this.#keys = keys
    this.#rows = rows
  }

  #up(start: number, key: number, row: number): void {
    const keys = this.#keys
    const rows = this.#rows
    let index = start
    while (index > 0) {
      const parent = (index - 1) >>> 1
      const parentKey = keys[parent]!
      if (parentKey < key || (parentKey === key && rows[parent]! <= row)) break
      keys[index] = parentKey
      rows[index] = rows[parent]!
      index = parent
    }
    keys[index] = key
    rows[index] = row
  }

  #down(start: number, key: number, row: number): void {
    const keys = this.#keys
    const rows = this.#rows
    const size = this.size
    let index = start
    while (true) {
      let child = 2 * index + 1
      if (child >= size) break
      const right = child + 1
      if (
        right < size &&
        (keys[right]! < keys[child]! || (keys[right]! === keys[child]! && rows[right]! < rows[child]!))
      ) {
        child = right
      }
      const childKey = keys[child]!
      if (key < childKey || (key === childKey && row <= rows[child]!)) break
      keys[index] = childKey
      rows[index] = rows[child]!
      index = child
    }
    keys[index] = key
    rows[index] = row
  }
}
