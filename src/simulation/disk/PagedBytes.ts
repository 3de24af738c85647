/**
 * The bytes of a simulated file, in pages: zeros take no memory, and a copy shares its pages until one side writes.
 *
 * @since 0.1.0
 */
import { hash } from "node:crypto"

const pageBits = 12
const pageBytes = 1 << pageBits
const pageMask = pageBytes - 1

interface Page {
  /** Whoever has this token may write in place; anybody else copies the page first. */
  readonly owner: object
  readonly bytes: Buffer
  hash: string | undefined
}

const emptyHash = ""

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class PagedBytes {
  /** Bytes in the file. */
  length = 0
  /** Absent pages are zeros. Beyond `length` a page holds zeros only. */
  #pages: Array<Page | undefined> = []
  #owner: object = {}

  /** A copy that costs no more than its list of pages. */
  clone(): PagedBytes {
    const copy = new PagedBytes()
    copy.length = this.length
    copy.#pages = this.#pages.slice()
    // what is shared belongs to neither any more
    this.#owner = {}
    return copy
  }

  /** Copies up to `length` bytes from `position` on into the target; answers how many there were. */
  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const end = Math.min(this.length, position + length)
    let at = position
    while (at < end) {
      const within = at & pageMask
      const count = Math.min(pageBytes - within, end - at)
      const page = this.#pages[at >>> pageBits]
      const into = offset + at - position
      if (page === undefined) target.fill(0, into, into + count)
      else page.bytes.copy(target, into, within, within + count)
      at += count
    }
    return Math.max(0, end - position)
  }

  /** All bytes, as a copy. */
  toBuffer(): Buffer {
    const buffer = Buffer.allocUnsafe(this.length)
    this.read(buffer, 0, this.length, 0)
    return buffer
  }

  write(position: number, bytes: Buffer): void {
    let from = 0
    while (from < bytes.length) {
      const at = position + from
      const within = at & pageMask
      const count = Math.min(pageBytes - within, bytes.length - from)
      bytes.copy(this.#writable(at >>> pageBits), within, from, from + count)
      from += count
    }
    this.length = Math.max(this.length, position + bytes.length)
  }

  writeZeros(position: number, length: number): void {
    const end = Math.min(this.length, position + length)
    let at = position
    while (at < end) {
      const within = at & pageMask
      const count = Math.min(pageBytes - within, end - at)
      const number = at >>> pageBits
      if (count === pageBytes) this.#pages[number] = undefined
      else if (this.#pages[number] !== undefined) this.#writable(number).fill(0, within, within + count)
      at += count
    }
    this.length = Math.max(this.length, position + length)
  }

  /** Cuts the file, or lengthens it with zeros. */
  truncate(length: number): void {
    const before = this.length
    if (length < before) {
      this.writeZeros(length, Math.min(before - length, pageBytes - (length & pageMask)))
      this.#pages.length = Math.min(this.#pages.length, (length + pageMask) >>> pageBits)
    }
    this.length = length
  }

  /** Whether the bytes from `position` on are these; also false beyond the end. */
  holds(position: number, bytes: Buffer): boolean {
    if (position + bytes.length > this.length) return false
    let from = 0
    while (from < bytes.length) {
      const at = position + from
      const within = at & pageMask
      const count = Math.min(pageBytes - within, bytes.length - from)
      const page = this.#pages[at >>> pageBits]?.bytes ?? zeroPage
      if (page.compare(bytes, from, from + count, within, within + count) !== 0) return false
      from += count
    }
    return true
  }

  /** Equal for equal bytes. Looks at pages written since the last call only. */
  fingerprint(): string {
    let print = `${this.length}`
    const count = (this.length + pageMask) >>> pageBits
    for (let number = 0; number < count; number++) {
      const page = this.#pages[number]
      print += "."
      if (page !== undefined)
        print += page.hash ??= page.bytes.equals(zeroPage) ? emptyHash : hash("sha1", page.bytes, "base64")
    }
    return print
  }

  #writable(number: number): Buffer {
    const page = this.#pages[number]
    if (page !== undefined && page.owner === this.#owner) {
      page.hash = undefined
      return page.bytes
    }
    const bytes = Buffer.allocUnsafeSlow(pageBytes)
    if (page === undefined) bytes.fill(0)
    else page.bytes.copy(bytes)
    while (this.#pages.length < number) this.#pages.push(undefined)
    this.#pages[number] = { owner: this.#owner, bytes, hash: undefined }
    return bytes
  }
}

const zeroPage = Buffer.alloc(pageBytes)

/**
 * The bytes of a buffer, copied.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const pagesOf = (bytes: Buffer): PagedBytes => {
  const pages = new PagedBytes()
  pages.write(0, bytes)
  return pages
}
