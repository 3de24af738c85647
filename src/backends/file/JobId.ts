/**
 * Job ids as four 32-bit words.
 *
 * @since 0.1.0
 */

/** Value of a hexadecimal digit by its character code; ids are validated before they come here. */
const nibbles = new Uint8Array(128)
for (let i = 0; i < 10; i++) nibbles[48 + i] = i
for (let i = 0; i < 6; i++) nibbles[97 + i] = 10 + i

const digits = Buffer.from("0123456789abcdef", "latin1")

const byteAt = (id: string, at: number): number =>
  (nibbles[id.charCodeAt(at) & 127]! << 4) | nibbles[id.charCodeAt(at + 1) & 127]!

/**
 * Writes the four words of an id, a UUID in lower case, to `into[at]` and after.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const parseJobId = (id: string, into: Int32Array, at: number): void => {
  into[at] = (byteAt(id, 0) << 24) | (byteAt(id, 2) << 16) | (byteAt(id, 4) << 8) | byteAt(id, 6)
  into[at + 1] = (byteAt(id, 9) << 24) | (byteAt(id, 11) << 16) | (byteAt(id, 14) << 8) | byteAt(id, 16)
  into[at + 2] = (byteAt(id, 19) << 24) | (byteAt(id, 21) << 16) | (byteAt(id, 24) << 8) | byteAt(id, 26)
  into[at + 3] = (byteAt(id, 28) << 24) | (byteAt(id, 30) << 16) | (byteAt(id, 32) << 8) | byteAt(id, 34)
}

/** Typed narrowly because the types of Node leave out the fast path of `toString("latin1")`. */
interface Latin1 {
  latin1Slice(start: number, end: number): string
}

const scratch = Buffer.alloc(36, "-", "latin1") as Buffer & Latin1

const putWord = (word: number, at: number): number => {
  for (let shift = 28; shift >= 0; shift -= 4) {
    if (at === 8 || at === 13 || at === 18 || at === 23) at++
    scratch[at++] = digits[(word >>> shift) & 15]!
  }
  return at
}

/**
 * The id of four words.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const formatJobId = (a: number, b: number, c: number, d: number): string => {
  putWord(d, putWord(c, putWord(b, putWord(a, 0))))
  return scratch.latin1Slice(0, 36)
}
