/**
 * The time of a file log: it never goes back, neither within a process nor from one owner to the next.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"

/**
 * The greater of the recorded time and the wall clock at the start, plus the greater of what the monotonic and the wall
 * clock say has passed since. Whole Unix milliseconds.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class LogClock {
  readonly #clock: Clock.Clock
  readonly #start: number
  readonly #wallStart: number
  readonly #monotonicStart: bigint
  #last: number

  /** `recorded`: the time of the last record, 0 if there is none. */
  constructor(clock: Clock.Clock, recorded: number) {
    this.#clock = clock
    this.#wallStart = clock.currentTimeMillisUnsafe()
    this.#monotonicStart = clock.monotonicTimeNanosUnsafe()
    this.#start = Math.max(recorded, this.#wallStart)
    this.#last = this.#start
  }

  now(): number {
    const wall = this.#clock.currentTimeMillisUnsafe() - this.#wallStart
    const monotonic = Number(this.#clock.monotonicTimeNanosUnsafe() - this.#monotonicStart) / 1e6
    const now = Math.floor(this.#start + Math.max(wall, monotonic))
    if (now > this.#last) this.#last = now
    return this.#last
  }
}
