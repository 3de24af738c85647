/**
 * When to try again: a table from the handler's error tags to `"never"` or a `Schedule`.
 *
 * The delay before an attempt is a pure fold over (attempt, error, first enqueue, job id): the schedule is run from
 * its start for the attempts so far, with randomness seeded by the job's id, so that no schedule state is stored.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type { Grant } from "../log/JobLog.ts"

/**
 * A schedule for retries. Its input is the error of the attempt.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type RetrySchedule<E = unknown> = Schedule.Schedule<unknown, E, never, never>

/**
 * What to do for each error tag; every tag must be named, so a new error without a policy does not compile, and neither
 * does a policy for an error that a job does not have.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type RetryTable<E> = [TagOf<E>] extends [never]
  ? { readonly [tag: string]: never }
  : { readonly [Tag in TagOf<E>]: "never" | RetrySchedule<Extract<E, { readonly _tag: Tag }>> }

type TagOf<E> = E extends { readonly _tag: infer T extends string } ? T : never

/**
 * Exponential back-off with full jitter: before try n + 1 a random delay up to `base * 2^(n - 1)`, at most `cap`
 * (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const fullJitter = (options: {
  readonly base: Duration.Input
  readonly cap: Duration.Input
}): Schedule.Schedule<Duration.Duration> => {
  const cap = Duration.toMillis(Duration.fromInputUnsafe(options.cap))
  return Schedule.exponential(options.base).pipe(
    Schedule.modifyDelay(({ duration }) =>
      Effect.map(Random.next, (random) => Duration.millis(Math.min(cap, Duration.toMillis(duration)) * random))
    )
  )
}

/**
 * The policy where none is stated, also for defects and timeouts: full jitter from one second to ten minutes.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const defaultRetry: RetrySchedule = fullJitter({ base: "1 second", cap: "10 minutes" })

/** mulberry32: small, and the same on every platform. */
const seeded = (seed: number) => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
  return {
    nextDoubleUnsafe: next,
    nextIntUnsafe: () => Math.floor((next() - 0.5) * 2 * Number.MAX_SAFE_INTEGER)
  }
}

const seedOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash >>> 0
}

/**
 * Milliseconds before the attempt after `grant`'s, or undefined when the schedule has ended.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const retryDelay = Effect.fnUntraced(function* (
  schedule: RetrySchedule,
  grant: Grant,
  error: unknown
): Effect.fn.Return<number | undefined> {
  const random = seeded(seedOf(grant.id) + grant.generation)
  const fold = Effect.gen(function* () {
    const step = yield* Schedule.toStep(schedule)
    let now = grant.enqueuedAt
    let millis = 0
    for (let attempt = 1; attempt <= grant.attempt; attempt++) {
      const [, duration] = yield* step(now, error)
      millis = Duration.toMillis(duration)
      now += millis
    }
    return millis
  })
  const exit = yield* Effect.exit(Effect.provideService(fold, Random.Random, random))
  // the schedule's end is its typed failure; its defects are the policy's author's bug and end the retries as well
  return Exit.isSuccess(exit) ? exit.value : undefined
})
