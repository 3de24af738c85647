/**
 * Claims that wait inside of a log, sent twice or outliving their session: two situations of the law of wake-ups.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { LogError } from "../src/log/LogError.ts"
import { broken, claim, claimRequest, enqueue, newItem, note, open, pass } from "./Direct.ts"
import type { Bench } from "./Direct.ts"
import { json, outcome } from "./World.ts"

/** Until a claim that was just sent waits. */
const settled: Effect.Effect<void> = Effect.repeat(Effect.yieldNow, { times: 4 })

/**
 * A parked claim that is sent again, while the first waits on, is one claim: both are answered alike.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const claimedTwice = (bench: Bench): Effect.Effect<void, LogError> =>
  Effect.gen(function* () {
    const worker = yield* open(bench, 60_000)
    const request = claimRequest(bench, worker, { park: true })
    const sent = [
      yield* Effect.forkDetach(bench.log.claim(request)),
      yield* Effect.forkDetach(bench.log.claim(request))
    ]
    yield* settled
    yield* enqueue(bench, newItem(bench), newItem(bench), newItem(bench))
    const answers = yield* outcome(
      Effect.forEach(sent, (fiber) => Fiber.join(fiber)),
      bench.patience
    )
    for (const fiber of sent) fiber.interruptUnsafe()
    note(bench, `claim ${json(request)} sent twice → ${answers._tag === "Ok" ? json(answers.value) : answers._tag}`)
    if (answers._tag !== "Ok")
      return broken(bench, "noLostWakeUp", "a claim that was sent twice was not answered twice")
    const [first = [], second = []] = answers.value.map(({ grants }) => grants.map(({ id, token }) => `${id} ${token}`))
    if (first.length === 0 || json(first) !== json(second)) {
      broken(bench, "noLostWakeUp", `one claim sent twice was granted ${json(first)} and ${json(second)}`)
    }
  })

/**
 * A claim that outlives its session is granted nothing.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const outlivedClaim = (bench: Bench): Effect.Effect<void, LogError> =>
  Effect.gen(function* () {
    const dead = yield* open(bench, 1000)
    const waiting = yield* Effect.forkDetach(bench.log.claim(claimRequest(bench, dead, { park: true })))
    yield* settled
    // with the clock set forward it is over before any timer has told so
    yield* bench.test.stepClock === undefined ? pass(bench, 2000) : bench.test.stepClock(2000)
    yield* enqueue(bench, newItem(bench))
    yield* settled
    const worker = yield* open(bench, 60_000)
    const grants = yield* claim(bench, worker)
    waiting.interruptUnsafe()
    if (grants.length === 0 || grants.some(({ delivery }) => delivery > 1)) {
      broken(bench, "noLostWakeUp", "a claim of a dead session was granted what came afterwards")
    }
  })
