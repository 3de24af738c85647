/**
 * Which queues are known to be paused: what operators sent, seen where the log is.
 *
 * @since 0.1.0
 */
import type { ControlCommand } from "../log/JobLog.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class PauseWatch {
  /** Positions in the history since when queues are known to be paused. */
  readonly #paused = new Map<string, number>()
  /** Commands to go on that have not ended, and the position at which the last one that has did. */
  readonly #resuming = new Map<string, number>()
  readonly #resumed = new Map<string, number>()

  #add(queue: string, more: 1 | -1): void {
    this.#resuming.set(queue, (this.#resuming.get(queue) ?? 0) + more)
  }

  /** A command has come to the log. */
  sent(command: ControlCommand): void {
    if (command._tag !== "Resume") return
    this.#paused.delete(command.queue)
    this.#add(command.queue, 1)
  }

  /** It was answered, failed or was given up. */
  ended(command: ControlCommand, at: number): void {
    if (command._tag !== "Resume") return
    this.#resumed.set(command.queue, at)
    this.#add(command.queue, -1)
  }

  /** It was done. Of a pause and a command to go on that cross, whichever was sent first, nobody can say which came last. */
  done(command: ControlCommand, sentAt: number, at: number): void {
    if (command._tag !== "Pause" || (this.#resuming.get(command.queue) ?? 0) > 0) return
    if ((this.#resumed.get(command.queue) ?? -1) < sentAt) this.#paused.set(command.queue, at)
  }

  /** Whether the queue has been paused since before that position. */
  isPaused(queue: string, at: number): boolean {
    return at > (this.#paused.get(queue) ?? Infinity)
  }
}
