import { assert, describe, it } from "@effect/vitest"
import { ByteReader, MalformedBytes } from "../../../../src/backends/file/journal/ByteReader.ts"
import { ByteWriter } from "../../../../src/backends/file/journal/ByteWriter.ts"

const reread = (writer: ByteWriter): ByteReader => new ByteReader(writer.buffer, 0, writer.index)

describe("ByteWriter and ByteReader", () => {
  it("give back every kind of value at its limits", () => {
    const integers = [0, 1, 127, 128, 16383, 16384, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 49, Number.MAX_SAFE_INTEGER]
    const strings = ["", "a", "é", "a".repeat(63), "a".repeat(64), "aé", `${"x".repeat(62)}€`, "🦊".repeat(500), "\0"]
    const writer = new ByteWriter(Buffer.alloc(1))
    for (const value of integers) {
      writer.varint(value)
      writer.u64(value)
    }
    writer.u8(255)
    writer.u16(65535)
    writer.u32(4294967295)
    writer.bigU64(2n ** 64n - 1n)
    for (const value of [0, -0, 1.5, -1e308, Number.NaN, Number.POSITIVE_INFINITY]) writer.f64(value)
    for (const value of strings) writer.string(value)
    writer.blob(Uint8Array.of(1, 2, 3))
    writer.bytes(Uint8Array.of(4, 5))
    const reader = reread(writer)
    for (const value of integers) {
      assert.strictEqual(reader.varint(), value)
      assert.strictEqual(reader.u64(), value)
    }
    assert.strictEqual(reader.u8(), 255)
    assert.strictEqual(reader.u16(), 65535)
    assert.strictEqual(reader.u32(), 4294967295)
    assert.strictEqual(reader.bigU64(), 2n ** 64n - 1n)
    for (const value of [0, -0, 1.5, -1e308, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.isTrue(Object.is(reader.f64(), value))
    }
    for (const value of strings) assert.strictEqual(reader.string(), value)
    assert.deepStrictEqual([...reader.blob()], [1, 2, 3])
    reader.skip(1)
    assert.strictEqual(reader.u8(), 5)
    assert.strictEqual(reader.remaining, 0)
  })

  it("replaces a lone surrogate", () => {
    const writer = new ByteWriter(Buffer.alloc(8))
    writer.string("a\ud800")
    assert.strictEqual(reread(writer).string(), "a\ufffd")
  })

  it("patches a count written before it was known", () => {
    const writer = new ByteWriter(Buffer.alloc(4), 1000)
    writer.u8(1)
    const at = writer.position
    assert.strictEqual(at, 1001)
    writer.u32(0)
    writer.string("x".repeat(100))
    writer.patchU32(at, 77)
    const reader = reread(writer)
    reader.skip(1)
    assert.strictEqual(reader.u32(), 77)
    assert.throws(() => writer.patchU32(999, 1), RangeError)
    assert.throws(() => writer.patchU32(writer.position - 3, 1), RangeError)
  })

  it("refuses to read beyond the range or what is no safe integer", () => {
    const writer = new ByteWriter(Buffer.alloc(64))
    writer.bigU64(2n ** 53n)
    assert.throws(() => reread(writer).u64(), MalformedBytes)
    assert.throws(() => new ByteReader(Buffer.alloc(9, 255)).varint(), MalformedBytes)
    assert.throws(() => new ByteReader(Buffer.of(5, 1)).string(), MalformedBytes)
    assert.throws(() => new ByteReader(Buffer.of(1, 2)).u32(), MalformedBytes)
    assert.throws(() => new ByteReader(Buffer.alloc(100), 0, 7).f64(), MalformedBytes)
    assert.throws(() => new ByteReader(Buffer.of(1)).bytes(-1), MalformedBytes)
    assert.throws(() => writer.varint(-1), RangeError)
    assert.throws(() => writer.varint(2 ** 53), RangeError)
    assert.throws(() => writer.varint(Number.NaN), RangeError)
  })
})
