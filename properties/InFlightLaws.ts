/**
 * Laws of single calls that are given up midway, or whose answer rests on another call that is still on its way to the
 * storage.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as fc from "fast-check"
import type { Capabilities } from "../src/log/Capabilities.ts"
import type { Grant, JobView, Session } from "../src/log/JobLog.ts"
import type { LogError } from "../src/log/LogError.ts"
import {
  broken,
  claim,
  claimRequest,
  call,
  enqueue,
  newItem,
  note,
  open,
  overSituations,
  reopen,
  settlementOf,
  show
} from "./Direct.ts"
import type { Bench } from "./Direct.ts"
import { held } from "./Held.ts"
import type { Law } from "./Law.ts"
import { json, outcome } from "./World.ts"

/** Lets others run so many times; none for 0. */
const yields = (turns: number): Effect.Effect<void> =>
  turns === 0 ? Effect.void : Effect.repeat(Effect.yieldNow, { times: turns - 1 })

/** Gives a call up after some turns, sends the same again, and answers what that came to. */
const interruptedThenAgain = <A>(bench: Bench, turns: number, request: Effect.Effect<A, LogError>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkDetach(request)
    yield* yields(turns)
    fiber.interruptUnsafe()
    const first = yield* Fiber.await(fiber)
    const again = yield* outcome(request, bench.patience)
    note(bench, `given up after ${turns} turns (${first._tag}), sent again → ${json(again)}`)
    if (again._tag === "Ok") return again.value
    const why = again._tag === "Died" ? again.message : again.error.message
    broken(bench, "interruptedCallsRepeat", `a call that was given up is not answered when sent again: ${why}`)
    return undefined
  })

/** Everything that can be claimed now, by a session of its own. */
const claimable = (bench: Bench): Effect.Effect<ReadonlyArray<Grant>, LogError> =>
  Effect.flatMap(open(bench, 60_000), (session) => claim(bench, session, { limit: 10 }))

const expectCount = (bench: Bench, what: string, found: number, expected: number): void => {
  if (found !== expected) broken(bench, "interruptedCallsRepeat", `${what}: ${found}, expected ${expected}`)
}

const interruptions: ReadonlyArray<(bench: Bench, session: Session, turns: number) => Effect.Effect<void, LogError>> = [
  (bench, _session, turns) =>
    Effect.gen(function* () {
      const items = [newItem(bench), newItem(bench)].slice(0, bench.capabilities.maxBatch)
      const answers = yield* interruptedThenAgain(bench, turns, bench.log.enqueue(items))
      expectCount(bench, "jobs inserted", answers?.filter(({ _tag }) => _tag === "Inserted").length ?? 0, items.length)
      expectCount(bench, "jobs claimable", (yield* claimable(bench)).length, items.length)
    }),
  (bench, session, turns) =>
    Effect.gen(function* () {
      yield* enqueue(bench, newItem(bench), newItem(bench))
      const request = claimRequest(bench, session, { limit: 2 })
      const answer = yield* interruptedThenAgain(bench, turns, bench.log.claim(request))
      expectCount(bench, "jobs granted", answer?.grants.length ?? 0, 2)
      const deliveries = answer?.grants.reduce((sum, { delivery }) => sum + delivery, 0) ?? 0
      expectCount(bench, "deliveries", deliveries, 2)
      expectCount(bench, "jobs left", (yield* claimable(bench)).length, 0)
    }),
  (bench, session, turns) =>
    Effect.gen(function* () {
      const grant = yield* held(bench, session)
      const settlement = { _tag: "Complete", result: "once", enqueue: [newItem(bench)] } as const
      const request = { session: session.id, call: call(bench, session.id), items: [settlementOf(grant, settlement)] }
      const answers = yield* interruptedThenAgain(bench, turns, bench.log.settle(request))
      expectCount(bench, "jobs completed", answers?.[0]?._tag === "Settled" ? 1 : 0, 1)
      expectCount(bench, "follow-ups", (yield* claimable(bench)).length, 1)
    }),
  (bench, session, turns) =>
    Effect.gen(function* () {
      const grant = yield* held(bench, session)
      const cause = { kind: "failure", tag: "Declined", message: "declined" } as const
      const settlement = { _tag: "Retry", delay: 0, cause } as const
      const request = { session: session.id, call: call(bench, session.id), items: [settlementOf(grant, settlement)] }
      yield* interruptedThenAgain(bench, turns, bench.log.settle(request))
      const [again] = yield* claimable(bench)
      expectCount(bench, "attempt after one retry", again?.attempt ?? 0, 2)
    }),
  (bench, session, turns) =>
    Effect.gen(function* () {
      const grant = yield* held(bench, session)
      const progress = [{ token: grant.token, value: "half" }]
      const request = { session: session.id, call: call(bench, session.id), started: [grant.token], progress }
      const answer = yield* interruptedThenAgain(bench, turns, bench.log.renew(request))
      expectCount(bench, "grants lost", answer?.lost.length ?? 1, 0)
    })
]

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const interruptedCallsRepeat: Law = overSituations({
  name: "interruptedCallsRepeat",
  statement:
    "A call that its caller gives up at any moment has happened once or not at all; sent again under the same number or ids it is answered as if it had been sent once.",
  claimedBy: () => true,
  inputs: fc.record({ kind: fc.nat(interruptions.length - 1), turns: fc.nat(12) }),
  runs: (histories) => histories,
  situation: (bench, { kind, turns }) =>
    Effect.gen(function* () {
      const session = yield* open(bench, 60_000)
      const interruption = interruptions[kind]
      if (interruption !== undefined) yield* interruption(bench, session, turns)
    })
})

/** Turns after which an answer is not waited for any more. */
const patience = 20

/** What the log shows of the job after the crash, and whether its queue is paused. */
interface Found {
  readonly job: JobView | undefined
  readonly paused: boolean
}

/** A call, and another whose answer rests on it; `relies` says what the answer makes certain. */
interface Pair {
  readonly name: string
  readonly needs?: (can: Capabilities) => boolean
  readonly prepare: (
    bench: Bench,
    session: Session,
    other: Session
  ) => Effect.Effect<
    {
      readonly job: string
      readonly first: Effect.Effect<unknown, LogError>
      /** Answers what must be found after a crash, `undefined` if nothing in particular. */
      readonly second: Effect.Effect<((found: Found) => boolean) | undefined, LogError>
    },
    LogError
  >
}

const isThere = ({ job }: Found): boolean => job !== undefined
const isCompleted = ({ job }: Found): boolean => job?.state === "Completed" && job.result === "done"
const wasGranted = ({ job }: Found): boolean => job?.deliveries === 1

const completing = (bench: Bench, session: Session, options?: Parameters<typeof newItem>[1]) =>
  Effect.map(held(bench, session, options), (grant) => {
    const items = [settlementOf(grant, { _tag: "Complete", result: "done" })]
    const request = { session: session.id, call: call(bench, session.id), items }
    return { job: grant.id, first: bench.log.settle(request), request }
  })

const pairs: ReadonlyArray<Pair> = [
  {
    name: "an enqueue, and the same again",
    prepare: (bench) =>
      Effect.sync(() => {
        const item = newItem(bench)
        return { job: item.id, first: bench.log.enqueue([item]), second: Effect.as(bench.log.enqueue([item]), isThere) }
      })
  },
  {
    name: "an enqueue, and another under its key",
    needs: (can) => can.dedupe,
    prepare: (bench) =>
      Effect.sync(() => {
        const key = { value: "k", window: 60_000 }
        const item = newItem(bench, { key })
        const second = Effect.map(bench.log.enqueue([newItem(bench, { key })]), ([answer]) =>
          answer?.id === item.id ? isThere : undefined
        )
        return { job: item.id, first: bench.log.enqueue([item]), second }
      })
  },
  {
    name: "an enqueue, and a read of the job",
    prepare: (bench) =>
      Effect.sync(() => {
        const item = newItem(bench)
        const second = Effect.map(bench.log.read({ _tag: "Job", id: item.id }), (answer) =>
          answer._tag === "Job" && answer.job !== undefined ? isThere : undefined
        )
        return { job: item.id, first: bench.log.enqueue([item]), second }
      })
  },
  {
    name: "a completion, and a cancellation",
    prepare: (bench, session) =>
      Effect.map(completing(bench, session), ({ job, first }) => {
        const second = Effect.map(bench.log.control([{ _tag: "Cancel", id: job }]), ([answer]) => {
          if (answer?._tag === "Done") return (found: Found) => found.job?.state === "Cancelled"
          return answer?.reason === "completed" ? isCompleted : undefined
        })
        return { job, first, second }
      })
  },
  {
    name: "a completion, and the same call again",
    prepare: (bench, session) =>
      Effect.map(completing(bench, session), ({ job, first, request }) => {
        const second = Effect.map(bench.log.settle(request), ([answer]) =>
          answer?._tag === "Settled" ? isCompleted : undefined
        )
        return { job, first, second }
      })
  },
  {
    name: "a completion, and a duplicate that is told of it",
    needs: (can) => can.dedupe,
    prepare: (bench, session) => {
      const key = { value: "k", window: 60_000 }
      return Effect.map(completing(bench, session, { key }), ({ job, first }) => {
        const second = Effect.map(bench.log.enqueue([newItem(bench, { key })]), ([answer]) =>
          answer?._tag === "Duplicate" && answer.state === "Completed" ? isCompleted : isThere
        )
        return { job, first, second }
      })
    }
  },
  {
    name: "a completion, and a count of the completed",
    prepare: (bench, session) =>
      Effect.map(completing(bench, session), ({ job, first }) => {
        const second = Effect.map(bench.log.read({ _tag: "Counts" }), (answer) =>
          answer._tag === "Counts" && answer.queues.some(({ completed }) => completed > 0) ? isCompleted : undefined
        )
        return { job, first, second }
      })
  },
  {
    name: "a claim, and the same call again",
    prepare: (bench, session) =>
      Effect.gen(function* () {
        const item = newItem(bench)
        yield* enqueue(bench, item)
        const request = claimRequest(bench, session)
        const second = Effect.map(bench.log.claim(request), ({ grants }) =>
          grants.length > 0 ? wasGranted : undefined
        )
        return { job: item.id, first: bench.log.claim(request), second }
      })
  },
  {
    name: "a claim, and another that finds nothing left",
    prepare: (bench, session, other) =>
      Effect.gen(function* () {
        const item = newItem(bench)
        yield* enqueue(bench, item)
        const first = bench.log.claim(claimRequest(bench, session))
        // granted to either, or to the first because the second found nothing
        const second = Effect.as(bench.log.claim(claimRequest(bench, other)), wasGranted)
        return { job: item.id, first, second }
      })
  },
  {
    name: "a pause, and a claim that finds nothing because of it",
    prepare: (bench, session) =>
      Effect.gen(function* () {
        const item = newItem(bench)
        yield* enqueue(bench, item)
        const second = Effect.map(
          bench.log.claim(claimRequest(bench, session)),
          ({ grants }) =>
            (found: Found) =>
              grants.length > 0 ? wasGranted(found) : found.paused
        )
        return { job: item.id, first: bench.log.control([{ _tag: "Pause", queue: "alpha" }]), second }
      })
  }
]

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const readYourDurability: Law = overSituations({
  name: "readYourDurability",
  statement:
    "An answer that rests on another call - a duplicate, a repeat, a refusal, an empty claim, a read - is given only once that call would survive a crash.",
  claimedBy: (can) => can.durability !== "none" && can.inspect,
  needs: ["crash"],
  inputs: fc.record({
    pair: fc.nat(pairs.length - 1),
    gap: fc.nat(3),
    turns: fc.constantFrom(0, 0, 0, 1, 4),
    seed: fc.oneof(fc.constantFrom(0, 4), fc.nat(0xffff))
  }),
  runs: (histories) => histories * 2,
  situation: (bench, { pair: index, gap, turns, seed }) =>
    Effect.gen(function* () {
      const pair = pairs[index]
      if (pair === undefined || pair.needs?.(bench.capabilities) === false) return
      note(bench, pair.name)
      const session = yield* open(bench, 60_000)
      const other = yield* open(bench, 60_000)
      const { job, first, second } = yield* pair.prepare(bench, session, other)
      let certain: ((found: Found) => boolean) | undefined
      const one = yield* Effect.forkDetach(Effect.exit(first))
      yield* yields(gap)
      const relying = Effect.map(second, (relies) => {
        certain = relies
      })
      const two = yield* Effect.forkDetach(Effect.exit(relying))
      // as soon as there is an answer, when what it rests on is least likely to be durable
      for (let turn = 0; turn < patience && certain === undefined; turn++) yield* Effect.yieldNow
      yield* yields(turns)
      // whatever was answered until now counts; what is answered to the dead does not
      const relies = certain
      note(bench, relies === undefined ? "the second has no answer" : "the second was answered")
      yield* reopen(bench, `crash ${seed}`, bench.test.crash?.({ seed }))
      one.interruptUnsafe()
      two.interruptUnsafe()
      if (relies === undefined) return
      const counts = yield* bench.log.read({ _tag: "Counts" })
      const paused = counts._tag === "Counts" && counts.queues.some((queue) => queue.queue === "alpha" && queue.paused)
      const found = { job: yield* show(bench, job), paused }
      if (!relies(found)) {
        broken(
          bench,
          "readYourDurability",
          `${pair.name}: what the answer rests on is gone after a crash: ${json(found)}`
        )
      }
    })
})
