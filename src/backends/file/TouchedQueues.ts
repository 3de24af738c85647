/**
 * Queues in which something may have become claimable during one operation.
 *
 * @since 0.1.0
 */
import type { QueueState } from "./QueueState.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class TouchedQueues {
  #queues: Array<QueueState> = []

  add(queue: QueueState): void {
    if (queue.touched) return
    queue.touched = true
    this.#queues.push(queue)
  }

  /** Answers and forgets the queues; each one's cursor moves on. */
  take(): ReadonlyArray<QueueState> {
    if (this.#queues.length === 0) return noQueues
    const queues = this.#queues
    this.#queues = []
    for (const queue of queues) {
      queue.touched = false
      queue.version++
    }
    return queues
  }
}

const noQueues: ReadonlyArray<QueueState> = []
