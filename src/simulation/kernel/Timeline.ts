/**
 * The one time of a simulation and all that waits for it. Nodes have clocks of their own, derived from it.
 *
 * @since 0.1.0
 */

/**
 * Something that waits for an instant.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Timer {
  /** Virtual microseconds since the simulation began. */
  readonly at: number
  readonly order: number
  task: (() => void) | undefined
}

/**
 * Virtual time in whole microseconds, and a heap of timers.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Timeline {
  /** Microseconds since the simulation began. */
  now = 0
  #order = 0
  readonly #heap: Array<Timer> = []

  /** The task becomes ready after so many microseconds. */
  after(micros: number, task: () => void): Timer {
    const timer: Timer = { at: this.now + Math.max(0, Math.ceil(micros)), order: this.#order++, task }
    this.#push(timer)
    return timer
  }

  /** Forgets a timer. */
  cancel(timer: Timer): void {
    timer.task = undefined
  }

  /** Goes to the next instant at which something waits and hands over all that waits for it; false if nothing does. */
  advance(ready: (task: () => void) => void): boolean {
    this.#dropCancelled()
    const first = this.#heap[0]
    if (first === undefined) return false
    this.now = first.at
    while (this.#heap[0]?.at === first.at) {
      const { task } = this.#pop()
      if (task !== undefined) ready(task)
      this.#dropCancelled()
    }
    return true
  }

  #dropCancelled(): void {
    while (this.#heap.length > 0 && this.#heap[0]?.task === undefined) this.#pop()
  }

  #push(timer: Timer): void {
    const heap = this.#heap
    let index = heap.length
    heap.push(timer)
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = heap[parent]!
      if (isBefore(above, timer)) break
      heap[index] = above
      index = parent
    }
    heap[index] = timer
  }

  #pop(): Timer {
    const heap = this.#heap
    const top = heap[0]!
    const last = heap.pop()!
    if (heap.length > 0) {
      let index = 0
      while (true) {
        let child = 2 * index + 1
        if (child >= heap.length) break
        if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
        if (isBefore(last, heap[child]!)) break
        heap[index] = heap[child]!
        index = child
      }
      heap[index] = last
    }
    return top
  }
}

const isBefore = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)
