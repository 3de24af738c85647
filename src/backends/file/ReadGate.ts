/**
 * Counts reads of the journal that are under way: a segment must not go while one of them may need it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class ReadGate {
  #count = 0
  #waiting: Array<() => void> = []

  /** From now until the answered function is called (once or more) nothing goes. */
  enter(): () => void {
    this.#count++
    let inside = true
    return () => {
      if (!inside) return
      inside = false
      if (--this.#count > 0) return
      const waiting = this.#waiting
      this.#waiting = []
      for (const go of waiting) go()
    }
  }

  /** Runs an effect that reads what it looks up itself. */
  during<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => Effect.ensuring(effect, Effect.sync(this.enter())))
  }

  /** Waits for a moment without reads. */
  readonly none: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.#count === 0) return resume(Effect.void)
    this.#waiting.push(() => resume(Effect.void))
  })
}
