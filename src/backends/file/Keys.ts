/**
 * Idempotency keys: which job holds which, and what remains of a key whose job's record is gone.
 *
 * @since 0.1.0
 */
import type { JobState } from "../../model/Job.ts"

/**
 * A key that outlives the record of the job that held it.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Tombstone {
  /** Scope and key in one string: see {@link scopedKey}. */
  readonly scoped: string
  readonly id: string
  /** The key is free from this instant on. */
  readonly until: number
  readonly state: JobState
  /** Index of the segment in which the tombstone is stored. */
  segment: number
}

/**
 * What a job knows of its key.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface OwnKey {
  readonly scoped: string
  readonly window: number
}

/**
 * A key with its scope. Names have no line feeds, so that no two differ only by where they are cut.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const scopedKey = (queue: string, name: string, key: string): string => `${queue}\n${name}\n${key}`

/**
 * The key without its scope.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const bareKey = (scoped: string): string => scoped.slice(scoped.indexOf("\n", scoped.indexOf("\n") + 1) + 1)

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Keys {
  /** A row, or what remains of it. */
  readonly #holders = new Map<string, number | Tombstone>()
  readonly #ownKeys = new Map<number, OwnKey>()
  #tombstones = 0
  /** The next sweep happens when there are this many tombstones. */
  #sweepAt = 1024

  holder(scoped: string): number | Tombstone | undefined {
    return this.#holders.get(scoped)
  }

  /** The key that the row was enqueued with, held or not. */
  own(row: number): OwnKey | undefined {
    return this.#ownKeys.get(row)
  }

  hold(row: number, key: OwnKey): void {
    this.#replaceHolder(key.scoped, row)
    this.#ownKeys.set(row, key)
  }

  /** The row was enqueued with the key, which another holds by now. */
  know(row: number, key: OwnKey): void {
    this.#ownKeys.set(row, key)
  }

  /** Frees the key if the row holds it. */
  free(row: number): void {
    const own = this.#ownKeys.get(row)
    if (own !== undefined && this.#holders.get(own.scoped) === row) this.#holders.delete(own.scoped)
  }

  /** The row's record goes: it is no longer anyone's key. */
  forget(row: number): void {
    this.free(row)
    this.#ownKeys.delete(row)
  }

  bury(tombstone: Tombstone): void {
    this.#replaceHolder(tombstone.scoped, tombstone)
    this.#tombstones++
  }

  #replaceHolder(scoped: string, holder: number | Tombstone): void {
    if (typeof this.#holders.get(scoped) === "object") this.#tombstones--
    this.#holders.set(scoped, holder)
  }

  unbury(tombstone: Tombstone): void {
    if (this.#holders.get(tombstone.scoped) !== tombstone) return
    this.#holders.delete(tombstone.scoped)
    this.#tombstones--
  }

  /** Tombstones whose window has passed, once there are many: a look at all costs no more than their making did. */
  outdated(now: number): ReadonlyArray<Tombstone> {
    if (this.#tombstones < this.#sweepAt) return noTombstones
    const outdated: Array<Tombstone> = []
    this.forEachTombstone((tombstone) => {
      if (tombstone.until <= now) outdated.push(tombstone)
    })
    this.#sweepAt = Math.max(1024, (this.#tombstones - outdated.length) * 2)
    return outdated
  }

  forEachTombstone(visit: (tombstone: Tombstone) => void): void {
    if (this.#tombstones === 0) return
    for (const holder of this.#holders.values()) if (typeof holder === "object") visit(holder)
  }
}

const noTombstones: ReadonlyArray<Tombstone> = []
