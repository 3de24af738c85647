import { expect, test } from "vitest"
import { PagedBytes, pagesOf } from "../../../src/simulation/disk/PagedBytes.ts"
import { seeded } from "../../../src/simulation/disk/Survivors.ts"

/** The same in one buffer. */
class Plain {
  bytes = Buffer.alloc(0)

  write(position: number, bytes: Buffer): void {
    this.#grow(position + bytes.length)
    bytes.copy(this.bytes, position)
  }

  truncate(length: number): void {
    this.#grow(length)
    this.bytes = Buffer.from(this.bytes.subarray(0, length))
  }

  #grow(length: number): void {
    if (length > this.bytes.length) this.bytes = Buffer.concat([this.bytes, Buffer.alloc(length - this.bytes.length)])
  }
}

test("does what one buffer does, and copies stay what they were", () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = seeded(seed)
    const below = (limit: number): number => Math.floor(random() * limit)
    let paged = new PagedBytes()
    const plain = new Plain()
    const copies: Array<{ readonly copy: PagedBytes; readonly bytes: Buffer; readonly print: string }> = []
    for (let step = 0; step < 60; step++) {
      const position = below(12_000)
      switch (below(5)) {
        case 0:
        case 1: {
          const bytes = Buffer.alloc(1 + below(6_000), 1 + below(255))
          paged.write(position, bytes)
          plain.write(position, bytes)
          break
        }
        case 2: {
          const length = 1 + below(6_000)
          paged.writeZeros(position, length)
          plain.write(position, Buffer.alloc(length))
          break
        }
        case 3:
          paged.truncate(position)
          plain.truncate(position)
          break
        default:
          copies.push({ copy: paged.clone(), bytes: Buffer.from(plain.bytes), print: paged.fingerprint() })
          if (below(2) === 0) paged = paged.clone()
      }
      expect(paged.toBuffer().equals(plain.bytes)).toBe(true)
      expect(paged.fingerprint()).toBe(pagesOf(plain.bytes).fingerprint())
      const part = Buffer.alloc(500, 7)
      const have = paged.read(part, 0, 500, position)
      expect(part.subarray(0, have).equals(plain.bytes.subarray(position, position + 500))).toBe(true)
      expect(paged.holds(position, part.subarray(0, have))).toBe(position <= paged.length)
    }
    for (const { bytes, copy, print } of copies) {
      expect(copy.toBuffer().equals(bytes)).toBe(true)
      expect(copy.fingerprint()).toBe(print)
    }
  }
})

test("zeros behind a file's end do not show when it grows again", () => {
  const bytes = pagesOf(Buffer.alloc(5_000, 1))
  bytes.truncate(10)
  bytes.truncate(5_000)
  expect(bytes.toBuffer().equals(Buffer.concat([Buffer.alloc(10, 1), Buffer.alloc(4_990)]))).toBe(true)
})
