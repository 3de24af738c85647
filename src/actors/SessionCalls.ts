/**
 * The numbered calls of one session that are waiting for an answer.
 *
 * A reply may be late or lost for good, and a session may die while calls of it wait. So every call can be given up
 * from outside: one that is overdue is repeated under its number, which the log answers as the first time, and all of
 * them end with their session.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { type LogError, SessionDead, Unavailable, unknown } from "../log/LogError.ts"
import { whileUnknown } from "./Backoff.ts"
import type { Elapsed } from "./MonotonicClock.ts"

interface Waiting {
  /** Local elapsed time from which it is overdue. */
  readonly overdueAt: number
  readonly giveUp: (error: LogError) => void
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class SessionCalls {
  private readonly session: string
  private readonly elapsed: Elapsed
  private readonly waiting = new Set<Waiting>()
  private ended = false

  constructor(session: string, elapsed: Elapsed) {
    this.session = session
    this.elapsed = elapsed
  }

  /**
   * Makes a call, and repeats it while its outcome is unknown and `goOn` says so, also when it has no answer after
   * `patience` milliseconds. Its last outcome is unknown (`SessionDead`) when the session ended while it waited.
   */
  run<A>(
    operation: string,
    call: Effect.Effect<A, LogError>,
    patience: number,
    goOn: () => boolean
  ): Effect.Effect<A, LogError> {
    const goingOn = (): boolean => !this.ended && goOn()
    let tries = 0
    const once = Effect.suspend(() => {
      tries++
      return this.once(operation, call, patience)
    })
    // an overdue call has waited long enough; a wait on top would only be a hole in which a parked claim hears nothing
    const patient: Effect.Effect<A, LogError> = Effect.catch(once, (error) =>
      error === unanswered && goingOn() ? patient : Effect.fail(error)
    )
    // a repeat is refused whose session is dead or whose answer is no longer kept, and the first try may have had its
    // effect all the same: that stays unknown
    return Effect.mapError(whileUnknown(patient, goingOn), (error) =>
      tries > 1 && (error.reason._tag === "SessionDead" || error.reason._tag === "InvalidRequest")
        ? unknown(operation, error.reason)
        : error
    )
  }

  /** Gives up the calls that are overdue, so that they are repeated. */
  giveUpOverdue(): void {
    const now = this.elapsed()
    for (const each of this.waiting) {
      if (now >= each.overdueAt) each.giveUp(unanswered)
    }
  }

  /** Ends all calls, also those to come. */
  end(): void {
    this.ended = true
    for (const each of this.waiting) each.giveUp(this.dead("call"))
  }

  private dead(operation: string): LogError {
    return unknown(operation, new SessionDead({ session: this.session }))
  }

  private once<A>(operation: string, call: Effect.Effect<A, LogError>, patience: number): Effect.Effect<A, LogError> {
    return Effect.withFiber((parent) => {
      if (this.ended) return Effect.fail(this.dead(operation))
      const fiber = Effect.runForkWith(parent.context)(call)
      // most logs answer some calls at once
      const exit = fiber.pollUnsafe()
      return exit ?? this.answer(fiber, patience)
    })
  }

  private answer<A>(fiber: Fiber.Fiber<A, LogError>, patience: number): Effect.Effect<A, LogError> {
    return Effect.callback<A, LogError>((resume) => {
      const done = (exit: Exit.Exit<A, LogError>): void => {
        if (this.waiting.delete(entry)) resume(exit)
      }
      const entry: Waiting = {
        overdueAt: this.elapsed() + patience,
        giveUp: (error) => {
          this.waiting.delete(entry)
          fiber.interruptUnsafe()
          resume(Effect.fail(error))
        }
      }
      this.waiting.add(entry)
      fiber.addObserver(done)
      return Effect.sync(() => {
        this.waiting.delete(entry)
        fiber.interruptUnsafe()
      })
    })
  }
}

const unanswered = unknown("call", new Unavailable({ detail: "no answer in time" }))
