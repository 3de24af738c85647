/**
 * What happened in a simulation, counted by name.
 *
 * @since 0.1.0
 */

/**
 * Counts by name. Names of faults begin with `fault/`, those that met an operation in flight with `inFlight/`.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Counters {
  readonly #counts = new Map<string, number>()

  add(name: string, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by)
  }

  get(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  /** All counts, sorted by name. */
  toRecord(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}
