/**
 * What a process knows of news: who waits for what, and what has happened since.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"

/**
 * What may have changed: queues in which something may be claimable, and jobs that may be terminal.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Change {
  readonly queues: ReadonlyArray<string> | "all"
  readonly jobs: ReadonlyArray<string> | "all"
}

interface QueueNews {
  version: number
  /** Empty claims in a row. */
  empty: number
  readonly waiting: Set<() => void>
}

/** Wakes everyone of a set; who waits again meanwhile waits for the next news. */
const wake = (waiting: Set<() => void>): void => {
  if (waiting.size === 0) return
  const woken = [...waiting]
  waiting.clear()
  for (const resume of woken) resume()
}

/**
 * The news of queues. A cursor that was taken before a claim was sent differs from the present one as soon as anything
 * became known that the claim may not have seen.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class News {
  private version = 0
  /** Only queues that are claimed from here: a producer may name any number of them. */
  private readonly queues = new Map<string, QueueNews>()

  /** To be taken before the claim is sent. */
  cursor(queue: string): string {
    return `${this.version}.${this.of(queue).version}`
  }

  /** Notes how a claim ended, which decides how soon the queue is worth another look. */
  claimed(queue: string, grants: number): void {
    const news = this.of(queue)
    news.empty = grants > 0 ? 0 : news.empty + 1
  }

  /** Claims in a row that found nothing, without any news. */
  emptyClaims(queue: string): number {
    return this.queues.get(queue)?.empty ?? 0
  }

  tell(queues: Change["queues"]): void {
    if (queues === "all") {
      this.version++
      for (const news of this.queues.values()) {
        news.empty = 0
        wake(news.waiting)
      }
      return
    }
    for (const queue of queues) {
      const news = this.queues.get(queue)
      if (news === undefined) continue
      news.version++
      news.empty = 0
      wake(news.waiting)
    }
  }

  /** Answers as soon as the cursor is no longer the present one. */
  after(queue: string, cursor: string): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      if (this.cursor(queue) !== cursor) {
        resume(Effect.void)
        return
      }
      const { waiting } = this.of(queue)
      const told = (): void => resume(Effect.void)
      waiting.add(told)
      return Effect.sync(() => {
        waiting.delete(told)
      })
    })
  }

  private of(queue: string): QueueNews {
    const known = this.queues.get(queue)
    if (known !== undefined) return known
    const news: QueueNews = { version: 0, empty: 0, waiting: new Set() }
    this.queues.set(queue, news)
    return news
  }
}
