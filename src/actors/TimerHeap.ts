/**
 * One heap for all the deadlines of a scheduler: a binary heap by instant, with lazy removal.
 *
 * Most timers are cancelled long before they are due (a run ends before its timeout), so cancelled ones are swept out
 * whenever the heap has doubled: it stays within twice the wanted timers, at a constant cost per timer.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Timer {
  readonly at: number
  /** Nothing happens when it fires. */
  cancelled: boolean
  readonly fire: () => void
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class TimerHeap {
  private heap: Array<Timer> = []
  private sweepAt = 64

  get size(): number {
    return this.heap.length
  }

  /** The earliest instant still wanted. */
  next(): number | undefined {
    while (this.heap.length > 0 && this.heap[0]!.cancelled) this.pop()
    return this.heap[0]?.at
  }

  /** Adds a timer; true when it is the earliest now. */
  add(timer: Timer): boolean {
    if (this.heap.length >= this.sweepAt) this.sweep()
    const heap = this.heap
    let index = heap.push(timer) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (heap[parent]!.at <= timer.at) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = timer
    return index === 0
  }

  /** Fires everything due at `now`, earliest first. */
  fireDue(now: number): void {
    for (;;) {
      const next = this.next()
      if (next === undefined || next > now) return
      this.pop().fire()
    }
  }

  private sweep(): void {
    // an array in ascending order is a heap
    this.heap = this.heap.filter((timer) => !timer.cancelled).sort((left, right) => left.at - right.at)
    this.sweepAt = Math.max(64, this.heap.length * 2)
  }

  private pop(): Timer {
    const heap = this.heap
    const top = heap[0]!
    const last = heap.pop()!
    const size = heap.length
    if (size > 0) {
      let index = 0
      for (;;) {
        let child = 2 * index + 1
        if (child >= size) break
        if (child + 1 < size && heap[child + 1]!.at < heap[child]!.at) child++
        if (heap[child]!.at >= last.at) break
        heap[index] = heap[child]!
        index = child
      }
      heap[index] = last
    }
    return top
  }
}
