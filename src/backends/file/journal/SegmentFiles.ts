/**
 * Reads a journal's payloads back: a bounded set of open segment files, and a small cache of blocks read ahead.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Disk, DiskError, DiskFile } from "./Disk.ts"

/**
 * Bytes read ahead at once.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const blockBytes = 256 * 1024

const maxBlocks = 16
const maxIdleFiles = 32

/** Bytes of a segment that were in its file when they were read. Never written again, so views into it stay valid. */
interface Block {
  readonly segment: number
  readonly start: number
  readonly end: number
  readonly buffer: Buffer
}

interface OpenFile {
  readonly file: DiskFile
  users: number
  dropped: boolean
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class SegmentFiles {
  readonly #disk: Disk
  /** By segment index, least recently used first. */
  readonly #files = new Map<number, OpenFile>()
  /** Most recently used first. */
  readonly #blocks: Array<Block> = []

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** The bytes as a view if a cached block has all of them. */
  peek(segment: number, offset: number, length: number): Buffer | undefined {
    const blocks = this.#blocks
    for (let i = 0; i < blocks.length; i++) {
      const block = blocks[i]!
      if (block.segment === segment && offset >= block.start && offset + length <= block.end) {
        if (i > 0) {
          blocks.splice(i, 1)
          blocks.unshift(block)
        }
        return block.buffer.subarray(offset - block.start, offset - block.start + length)
      }
    }
    return undefined
  }

  /** Takes over an open file of a segment. */
  adopt(segment: number, file: DiskFile): Effect.Effect<void> {
    return Effect.suspend(() => {
      const existing = this.#files.get(segment)
      if (existing !== undefined) return file.close
      this.#files.set(segment, { file, users: 0, dropped: false })
      return this.#closeSurplus()
    })
  }

  /**
   * Reads a block from `offset` on: {@link blockBytes}, or `minimum` if that is more, but not beyond `end`, up to
   * which the file is known to be written. Answers the bytes read, which a {@link peek} now finds.
   */
  load(segment: number, path: string, offset: number, end: number, minimum: number): Effect.Effect<Buffer, DiskError> {
    const length = Math.min(end - offset, Math.max(blockBytes, minimum))
    const buffer = Buffer.allocUnsafeSlow(length)
    return Effect.acquireUseRelease(
      this.#use(segment, path),
      (open) => open.file.read(buffer, 0, length, offset),
      (open) => this.#unuse(open)
    ).pipe(
      Effect.map((have) => {
        const bytes = buffer.subarray(0, have)
        this.#blocks.unshift({ segment, start: offset, end: offset + have, buffer: bytes })
        if (this.#blocks.length > maxBlocks) this.#blocks.pop()
        return bytes
      })
    )
  }

  /** Forgets a segment. */
  drop(segment: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      for (let i = this.#blocks.length - 1; i >= 0; i--) {
        if (this.#blocks[i]!.segment === segment) this.#blocks.splice(i, 1)
      }
      const open = this.#files.get(segment)
      if (open === undefined) return Effect.void
      this.#files.delete(segment)
      open.dropped = true
      return open.users === 0 ? open.file.close : Effect.void
    })
  }

  get closeAll(): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.forEach([...this.#files.keys()], (segment) => this.drop(segment), { discard: true })
    )
  }

  #use(segment: number, path: string): Effect.Effect<OpenFile, DiskError> {
    return Effect.suspend(() => {
      const open = this.#files.get(segment)
      if (open !== undefined) {
        this.#files.delete(segment)
        this.#files.set(segment, open)
        open.users++
        return Effect.succeed(open)
      }
      return Effect.flatMap(this.#disk.open(path, "read"), (file) => {
        const raced = this.#files.get(segment)
        const entry: OpenFile = { file, users: 1, dropped: raced !== undefined }
        if (raced !== undefined) return Effect.succeed(entry)
        this.#files.set(segment, entry)
        return Effect.as(this.#closeSurplus(), entry)
      })
    })
  }

  #unuse(open: OpenFile): Effect.Effect<void> {
    open.users--
    return open.dropped && open.users === 0 ? open.file.close : Effect.void
  }

  #closeSurplus(): Effect.Effect<void> {
    if (this.#files.size <= maxIdleFiles) return Effect.void
    for (const [segment, open] of this.#files) {
      if (open.users > 0) continue
      this.#files.delete(segment)
      open.dropped = true
      return open.file.close
    }
    return Effect.void
  }
}
