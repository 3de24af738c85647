/**
 * Decodes what {@link ByteWriter} encoded.
 *
 * @since 0.1.0
 */

/**
 * The bytes do not hold what the reader expects. Thrown while decoding, so that hot loops carry no results; whoever
 * starts the decoding catches it (recovery turns it into a `Corrupt` refusal).
 *
 * @since 0.1.0
 * @category errors
 * @stability unstable
 */
export class MalformedBytes extends Error {
  override readonly name = "MalformedBytes"
}

/**
 * A cursor over a range of a buffer.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class ByteReader {
  /** The bytes read from. Borrowed: valid only as long as whoever lent the reader says. */
  buffer: Buffer
  /** Where in `buffer` the next byte is. */
  index: number
  /** Where in `buffer` the range ends. */
  end: number
  /** The position of `buffer[0]`: see {@link ByteReader.position}. */
  base: number

  constructor(buffer: Buffer, start: number = 0, end: number = buffer.length, base: number = 0) {
    this.buffer = buffer
    this.index = start
    this.end = end
    this.base = base
  }

  /** Offset of the next byte: within its segment when a journal lent the reader, else within the buffer. */
  get position(): number {
    return this.base + this.index
  }

  get remaining(): number {
    return this.end - this.index
  }

  /** Goes on in another range. */
  attach(buffer: Buffer, start: number, end: number, base: number): void {
    this.buffer = buffer
    this.index = start
    this.end = end
    this.base = base
  }

  /** Moves on by `bytes` and answers the index at which they began. */
  #take(bytes: number): number {
    const start = this.index
    if (!(bytes >= 0 && start + bytes <= this.end)) {
      throw new MalformedBytes(`${bytes} bytes expected at ${this.base + start}, ${this.end - start} left`)
    }
    this.index = start + bytes
    return start
  }

  u8(): number {
    const at = this.#take(1)
    return this.buffer[at]!
  }

  u16(): number {
    const at = this.#take(2)
    return this.buffer[at]! | (this.buffer[at + 1]! << 8)
  }

  u32(): number {
    const at = this.#take(4)
    const buffer = this.buffer
    return (buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24)) >>> 0
  }

  /** An integer of 8 bytes, which must be safe. */
  u64(): number {
    const low = this.u32()
    const value = this.u32() * 0x1_0000_0000 + low
    if (!Number.isSafeInteger(value)) throw new MalformedBytes(`unsafe integer before ${this.position}`)
    return value
  }

  bigU64(): bigint {
    return this.buffer.readBigUInt64LE(this.#take(8))
  }

  f64(): number {
    return this.buffer.readDoubleLE(this.#take(8))
  }

  varint(): number {
    const buffer = this.buffer
    let scale = 1
    let value = 0
    for (let i = 0; i < 8; i++) {
      const byte = buffer[this.#take(1)]!
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) break
        return value
      }
      scale *= 0x80
    }
    throw new MalformedBytes(`bad varint before ${this.position}`)
  }

  /** The next bytes as a view: copy what must outlive the reader's buffer. */
  bytes(length: number): Buffer {
    const start = this.#take(length)
    return this.buffer.subarray(start, start + length)
  }

  /** Bytes with their length before them, as a view. */
  blob(): Buffer {
    return this.bytes(this.varint())
  }

  string(): string {
    const length = this.varint()
    const start = this.#take(length)
    return this.buffer.toString("utf8", start, start + length)
  }

  skip(bytes: number): void {
    this.#take(bytes)
  }
}
