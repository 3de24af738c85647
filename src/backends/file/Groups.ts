/**
 * A group: its line of members by enqueue sequence, and how many of them are in flight.
 *
 * Only the head of the line stands in a lane of the queue, and only while a permit is free, so that claims never step
 * over members that may not run.
 *
 * @since 0.1.0
 */
import { RowHeap } from "./RowHeap.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Group {
  readonly key: string
  /** Members that wait for their turn, by sequence; some entries are outdated. */
  readonly line = new RowHeap()
  /** Permits taken. */
  held = 0
  /** Members that are neither terminal without holder nor gone. */
  members = 0

  constructor(key: string) {
    this.key = key
  }
}
