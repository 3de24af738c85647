/**
 * Those who wait for jobs to end. What this process ends itself it tells them at once; whatever else ends is found by
 * looking at all awaited jobs together, so that a thousand who wait cost one call.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { Change } from "./News.ts"

/** Jobs that one look asks for. */
const most = 1000

/** Milliseconds before the second look. */
const shortest = 50

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class JobWaits {
  private readonly waits = new Map<string, Set<() => void>>()
  private readonly look = Latch.makeUnsafe(false)
  private interval = shortest

  /** Whether anybody waits for a job. */
  get any(): boolean {
    return this.waits.size > 0
  }

  /** Answers when the job may be terminal, or is unknown. */
  ended(id: string): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const waiting = this.waits.get(id) ?? new Set<() => void>()
      this.waits.set(id, waiting)
      const told = (): void => resume(Effect.void)
      waiting.add(told)
      this.soon()
      return Effect.sync(() => {
        waiting.delete(told)
        if (waiting.size === 0 && this.waits.get(id) === waiting) this.waits.delete(id)
      })
    })
  }

  tell(jobs: Change["jobs"]): void {
    if (this.waits.size === 0) return
    if (jobs === "all") return this.soon()
    for (const id of jobs) {
      const waiting = this.waits.get(id)
      if (waiting === undefined) continue
      this.waits.delete(id)
      for (const told of waiting) told()
    }
  }

  private soon(): void {
    this.interval = shortest
    this.look.openUnsafe()
  }

  /**
   * Looks for ever: at once when somebody begins to wait, then ever less often up to `longest()` milliseconds. `over`
   * answers which of at most a thousand jobs have ended or are unknown; `announce` is told before each look that somebody
   * waits.
   */
  run<E>(
    over: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string>, E>,
    longest: () => number,
    announce: () => void = () => undefined
  ): Effect.Effect<never> {
    const ask = (ids: ReadonlyArray<string>): Effect.Effect<void> =>
      over(ids).pipe(
        Effect.map((ended) => this.tell(ended)),
        // the next look is not far
        Effect.ignore
      )
    return Effect.gen({ self: this }, function* () {
      while (true) {
        if (this.waits.size === 0) yield* this.look.await
        this.look.closeUnsafe()
        // who begins to wait in the same turn is part of the same look
        yield* Effect.yieldNow
        if (this.waits.size === 0) continue
        announce()
        const ids = [...this.waits.keys()]
        for (let from = 0; from < ids.length; from += most) yield* ask(ids.slice(from, from + most))
        const pause = Math.min(this.interval, longest())
        this.interval = Math.min(this.interval * 2, 60_000)
        yield* Effect.raceFirst(this.look.await, Effect.sleep(pause))
      }
    })
  }
}
