/**
 * A first-in, first-out line of table rows, in chunks that grow with the line and go with it.
 *
 * @since 0.1.0
 */

interface Chunk {
  readonly rows: Uint32Array
  next: Chunk | undefined
}

const smallest = 32
const largest = 4096

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class RowFifo {
  size = 0
  #first: Chunk | undefined
  #last: Chunk | undefined
  #head = 0
  #tail = 0

  push(row: number): void {
    let last = this.#last
    if (last === undefined || this.#tail === last.rows.length) {
      const length = last === undefined ? smallest : Math.min(largest, last.rows.length * 4)
      const chunk: Chunk = { rows: new Uint32Array(length), next: undefined }
      if (last === undefined) {
        this.#first = chunk
        this.#head = 0
      } else {
        last.next = chunk
      }
      this.#last = chunk
      this.#tail = 0
      last = chunk
    }
    last.rows[this.#tail++] = row
    this.size++
  }

  /** The oldest row. Only while `size > 0`. */
  peek(): number {
    return this.#first!.rows[this.#head]!
  }

  /** Takes the oldest row away. Only while `size > 0`. */
  shift(): number {
    const first = this.#first!
    const row = first.rows[this.#head++]!
    this.size--
    if (this.size === 0) {
      // begin again in the same chunk: a short line never allocates
      this.#head = 0
      this.#tail = 0
      this.#first = this.#last
    } else if (this.#head === first.rows.length) {
      this.#first = first.next
      this.#head = 0
    }
    return row
  }

  /** Looks at the rows, oldest first, until `visit` answers false. */
  forEach(visit: (row: number) => boolean): void {
    let chunk = this.#first
    let index = this.#head
    for (let left = this.size; left > 0; left--) {
      if (index === chunk!.rows.length) {
        chunk = chunk!.next
        index = 0
      }
      if (!visit(chunk!.rows[index++]!)) return
    }
  }

  /** Keeps only what `keep` accepts, in the same order. */
  retain(keep: (row: number) => boolean): void {
    for (let left = this.size; left > 0; left--) {
      const row = this.shift()
      if (keep(row)) this.push(row)
    }
  }
}
