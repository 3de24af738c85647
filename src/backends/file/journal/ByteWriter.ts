/**
 * Encodes values into a growing buffer, little-endian. The journal lends one writer to its engine, which encodes
 * records straight into the bytes that go to disk.
 *
 * @since 0.1.0
 */

import { viewOf } from "./Frame.ts"

const maxSafeVarint = Number.MAX_SAFE_INTEGER

/**
 * An append-only encoder over a buffer that grows by doubling.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class ByteWriter {
  /** The bytes; only `[0, index)` are written. Replaced when it grows: do not keep it. */
  buffer: Buffer
  /** The bytes again, for fixed-width numbers. */
  view: DataView
  /** Where in `buffer` the next byte goes. */
  index: number
  /** The position of `buffer[0]`: see {@link ByteWriter.position}. */
  base: number

  constructor(buffer: Buffer, base: number = 0) {
    this.buffer = buffer
    this.view = viewOf(buffer)
    this.index = 0
    this.base = base
  }

  /** Offset of the next byte: within its segment for a journal's writer, else within the buffer. */
  get position(): number {
    return this.base + this.index
  }

  /** Goes on in another buffer, whose first byte has the position `base`. */
  attach(buffer: Buffer, base: number): void {
    this.buffer = buffer
    this.view = viewOf(buffer)
    this.index = 0
    this.base = base
  }

  /** Makes room for `bytes` more bytes. */
  reserve(bytes: number): void {
    if (this.index + bytes > this.buffer.length) this.#grow(bytes)
  }

  #grow(bytes: number): void {
    const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.index + bytes))
    this.buffer.copy(grown, 0, 0, this.index)
    this.buffer = grown
    this.view = viewOf(grown)
  }

  u8(value: number): void {
    if (this.index + 1 > this.buffer.length) this.#grow(1)
    this.buffer[this.index++] = value
  }

  u16(value: number): void {
    if (this.index + 2 > this.buffer.length) this.#grow(2)
    const buffer = this.buffer
    buffer[this.index++] = value
    buffer[this.index++] = value >>> 8
  }

  u32(value: number): void {
    if (this.index + 4 > this.buffer.length) this.#grow(4)
    const index = this.index
    this.view.setUint32(index, value, true)
    this.index = index + 4
  }

  /** A non-negative safe integer in 8 bytes. */
  u64(value: number): void {
    this.u32(value % 0x1_0000_0000)
    this.u32(Math.floor(value / 0x1_0000_0000))
  }

  /** An unsigned 64-bit integer in 8 bytes. */
  bigU64(value: bigint): void {
    this.reserve(8)
    this.view.setBigUint64(this.index, value, true)
    this.index += 8
  }

  f64(value: number): void {
    this.reserve(8)
    this.view.setFloat64(this.index, value, true)
    this.index += 8
  }

  /** A non-negative safe integer in 1 to 8 bytes, 7 bits each, low bits first. */
  varint(value: number): void {
    if (this.index + 8 > this.buffer.length) this.#grow(8)
    if (!(value >= 0 && value <= maxSafeVarint)) throw new RangeError(`not a varint: ${value}`)
    const buffer = this.buffer
    let rest = value
    while (rest >= 0x8000_0000) {
      buffer[this.index++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    while (rest >= 0x80) {
      buffer[this.index++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buffer[this.index++] = rest
  }

  /** The bytes as they are, without a length. */
  bytes(value: Uint8Array): void {
    this.reserve(value.length)
    this.buffer.set(value, this.index)
    this.index += value.length
  }

  /** The bytes with their length (varint) before them. */
  blob(value: Uint8Array): void {
    this.varint(value.length)
    this.bytes(value)
  }

  /** A string in UTF-8 with its byte length (varint) before it. A lone surrogate becomes U+FFFD. */
  string(value: string): void {
    const length = value.length
    if (length < 64) {
      this.reserve(length + 1)
      const buffer = this.buffer
      const start = this.index
      let index = start + 1
      let unit = 0
      for (let i = 0; i < length; i++) {
        unit = value.charCodeAt(i)
        if (unit >= 0x80) break
        buffer[index++] = unit
      }
      if (unit < 0x80) {
        buffer[start] = length
        this.index = index
        return
      }
    }
    const bytes = Buffer.byteLength(value)
    this.varint(bytes)
    this.reserve(bytes)
    this.index += this.buffer.write(value, this.index, bytes, "utf8")
  }

  /** Overwrites four bytes written earlier, for a count that is known only now. `position` as of {@link position}. */
  patchU32(position: number, value: number): void {
    const at = position - this.base
    if (!(at >= 0 && at + 4 <= this.index)) throw new RangeError(`nothing written at ${position}`)
    this.view.setUint32(at, value, true)
  }
}
