/**
 * What a job has only once it was granted, replaced or ended: its counters, holder and token, and when it ended. Slots
 * are columns as well, and a session's slots form a linked list, so that a grant and its end cost no allocation.
 *
 * @since 0.1.0
 */
import { noSlot } from "./JobTable.ts"

/**
 * No session: the grant has ended.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const noSession = 0

const smallest = 256

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class GrantTable {
  token = new Float64Array(smallest)
  finishedAt = new Float64Array(smallest)
  generation = new Uint32Array(smallest)
  attempts = new Uint16Array(smallest)
  deliveries = new Uint16Array(smallest)
  row = new Uint32Array(smallest)
  /** Number of the holding session, {@link noSession} when nobody holds it. */
  session = new Uint32Array(smallest)
  next = new Uint32Array(smallest)
  previous = new Uint32Array(smallest)
  /** The job's id as it was handed out, so that a settlement mostly compares pointers. */
  readonly id: Array<string | undefined> = []
  #free = noSlot
  #used = 0
  /** Slot + 1 by token modulo its length: tokens are dense, so that those in flight seldom collide. */
  #byToken = new Int32Array(smallest)
  readonly #overflow = new Map<number, number>()

  allocate(row: number): number {
    let slot = this.#free
    if (slot === noSlot) {
      slot = this.#used++
      if (slot === this.row.length) this.#grow()
      this.id.push(undefined)
    } else {
      this.#free = this.next[slot]!
    }
    this.row[slot] = row
    this.token[slot] = 0
    this.finishedAt[slot] = 0
    this.session[slot] = noSession
    this.generation[slot] = 1
    this.attempts[slot] = 0
    this.deliveries[slot] = 0
    return slot
  }

  free(slot: number): void {
    this.id[slot] = undefined
    this.next[slot] = this.#free
    this.#free = slot
  }

  /** Makes the slot findable by its token. */
  indexToken(slot: number): void {
    const token = this.token[slot]!
    const at = token % this.#byToken.length
    if (this.#byToken[at] === 0) this.#byToken[at] = slot + 1
    else this.#collide(slot, token)
  }

  #collide(slot: number, token: number): void {
    if (this.#overflow.size < this.#byToken.length / 8) {
      this.#overflow.set(token, slot)
      return
    }
    const known = [...this.#byToken].filter((entry) => entry !== 0).map((entry) => entry - 1)
    known.push(...this.#overflow.values(), slot)
    this.#byToken = new Int32Array(this.#byToken.length * 2)
    this.#overflow.clear()
    for (const entry of known) {
      const at = this.token[entry]! % this.#byToken.length
      if (this.#byToken[at] === 0) this.#byToken[at] = entry + 1
      else this.#overflow.set(this.token[entry]!, entry)
    }
  }

  /** The grant ends: its token is not current any more. */
  unindexToken(slot: number): void {
    const token = this.token[slot]!
    const at = token % this.#byToken.length
    if (this.#byToken[at] === slot + 1) this.#byToken[at] = 0
    else this.#overflow.delete(token)
  }

  /** The slot of a grant in force, or -1. */
  find(token: number): number {
    const slot = this.#byToken[token % this.#byToken.length]! - 1
    if (slot !== -1 && this.token[slot] === token) return slot
    return this.#overflow.size === 0 ? -1 : (this.#overflow.get(token) ?? -1)
  }

  #grow(): void {
    const length = this.row.length * 2
    const wider32 = (old: Uint32Array): Uint32Array<ArrayBuffer> => {
      const column = new Uint32Array(length)
      column.set(old)
      return column
    }
    const wider16 = (old: Uint16Array): Uint16Array<ArrayBuffer> => {
      const column = new Uint16Array(length)
      column.set(old)
      return column
    }
    const wider64 = (old: Float64Array): Float64Array<ArrayBuffer> => {
      const column = new Float64Array(length)
      column.set(old)
      return column
    }
    this.token = wider64(this.token)
    this.finishedAt = wider64(this.finishedAt)
    this.generation = wider32(this.generation)
    this.attempts = wider16(this.attempts)
    this.deliveries = wider16(this.deliveries)
    this.row = wider32(this.row)
    this.session = wider32(this.session)
    this.next = wider32(this.next)
    this.previous = wider32(this.previous)
  }
}
