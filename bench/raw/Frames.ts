/**
 * The hand-written file that bounds what any file log can do on this disk: frames of 200 bytes with a length and a
 * number, and nothing else - no checksum, lease, key, retry or index.
 */
import { close, fdatasync, open, read, write } from "node:fs"
import { promisify } from "node:util"
import type { Payload } from "../Payload.ts"

export const frameBytes = 200
const headerBytes = 8

export const openFile = promisify(open)
export const closeFile = promisify(close)
export const readFile = promisify(read)
const writeFile = promisify(write)
const syncFile = promisify(fdatasync)

export const encodeFrame = (target: Buffer, offset: number, sequence: number, payload: Payload): void => {
  const length = target.write(JSON.stringify(payload), offset + headerBytes, "latin1")
  target.writeUInt32LE(length, offset)
  target.writeUInt32LE(sequence, offset + 4)
}

/** Reads one frame; the number is checked by the caller's sum. */
export const decodeFrame = (source: Buffer, offset: number): Payload => {
  const start = offset + headerBytes
  // frames are written by encodeFrame only
  return JSON.parse(source.toString("latin1", start, start + source.readUInt32LE(offset))) as Payload
}

export const appendDurably = async (fd: number, bytes: Buffer, length: number): Promise<void> => {
  const { bytesWritten } = await writeFile(fd, bytes, 0, length, null)
  if (bytesWritten !== length) throw new Error(`short write: ${bytesWritten} of ${length} bytes`)
  await syncFile(fd)
}
