/**
 * How much of each segment is still needed. The oldest segment that is not needed at all can be given up.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class SegmentUse {
  /** Bytes of all stored requests that are needed, with something for the record around them. */
  liveBytes = 0
  #base = 0
  #dead = false
  readonly #pins = new Map<number, number>()
  readonly #entries: Array<number> = []

  /** A job or a tombstone now lives in the segment. */
  add(segment: number, bytes: number): void {
    if (this.#entries.length === 0) this.#base = segment
    // a segment before the first known: recovery found an older one first, so this happens only with an empty list
    while (segment < this.#base) {
      this.#entries.unshift(0)
      this.#base--
    }
    while (segment - this.#base >= this.#entries.length) this.#entries.push(0)
    this.#entries[segment - this.#base]!++
    this.liveBytes += bytes
  }

  /** It does not live there any more. */
  remove(segment: number, bytes: number): void {
    const left = --this.#entries[segment - this.#base]!
    this.liveBytes -= bytes
    if (left === 0 && segment === this.#base) this.#dead = true
  }

  /** Whether the oldest segment has died since the last call. */
  takeDead(): boolean {
    if (!this.#dead) return false
    this.#dead = false
    return true
  }

  /** What lives in the segment. */
  count(segment: number): number {
    return this.#entries[segment - this.#base] ?? 0
  }

  /** A kept answer needs the segment's bytes, or not any more. */
  pin(segment: number, by: 1 | -1): void {
    const pins = (this.#pins.get(segment) ?? 0) + by
    if (pins === 0) this.#pins.delete(segment)
    else this.#pins.set(segment, pins)
  }

  pinned(segment: number): boolean {
    return this.#pins.has(segment)
  }

  /** Segments before this one are gone. */
  trimmed(upTo: number): void {
    while (this.#base < upTo && this.#entries.length > 0) {
      this.#entries.shift()
      this.#base++
    }
  }
}
