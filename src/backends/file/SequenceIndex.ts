/**
 * Rows by enqueue sequence, in pages: stored events name jobs by it, and pages of jobs are read in its order.
 *
 * @since 0.1.0
 */

const pageBits = 8
const pageRows = 1 << pageBits

interface Page {
  /** Row + 1, 0 for none. */
  readonly rows: Int32Array
  count: number
}

const noPage: Page = { rows: new Int32Array(0), count: 0 }

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class SequenceIndex {
  readonly #pages = new Map<number, Page>()
  /** The page used last: sequences mostly come in runs. */
  #number = -1
  #page = noPage

  #find(number: number): Page | undefined {
    if (number === this.#number) return this.#page
    const page = this.#pages.get(number)
    if (page !== undefined) {
      this.#number = number
      this.#page = page
    }
    return page
  }

  /** The row, or -1. */
  get(sequence: number): number {
    const number = Math.floor(sequence / pageRows)
    const page = this.#find(number)
    return page === undefined ? -1 : page.rows[sequence - number * pageRows]! - 1
  }

  set(sequence: number, row: number): void {
    const number = Math.floor(sequence / pageRows)
    let page = this.#find(number)
    if (page === undefined) {
      page = { rows: new Int32Array(pageRows), count: 0 }
      this.#pages.set(number, page)
      this.#number = number
      this.#page = page
    }
    const at = sequence - number * pageRows
    if (page.rows[at] === 0) page.count++
    page.rows[at] = row + 1
  }

  delete(sequence: number): void {
    const number = Math.floor(sequence / pageRows)
    const page = this.#find(number)
    if (page === undefined || page.rows[sequence - number * pageRows] === 0) return
    page.rows[sequence - number * pageRows] = 0
    if (--page.count > 0) return
    this.#pages.delete(number)
    this.#number = -1
    this.#page = noPage
  }

  /** Visits rows in ascending order of sequence, from after `after`, until `visit` answers false. */
  forEachAfter(after: number, visit: (row: number) => boolean): void {
    const first = Math.floor((after + 1) / pageRows)
    const numbers = [...this.#pages.keys()].filter((number) => number >= first).sort((a, b) => a - b)
    for (const number of numbers) {
      const rows = this.#pages.get(number)!.rows
      for (let at = number === first ? after + 1 - first * pageRows : 0; at < pageRows; at++) {
        const row = rows[at]!
        if (row !== 0 && !visit(row - 1)) return
      }
    }
  }
}
