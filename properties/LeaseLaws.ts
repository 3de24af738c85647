/**
 * Laws of leases and tokens in single situations: what a token is good for, and how much runs out at once.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import type { Grant, Session, SettleItem, Settlement } from "../src/log/JobLog.ts"
import type { LogError } from "../src/log/LogError.ts"
import {
  broken,
  call,
  claim,
  control,
  enqueue,
  newItem,
  note,
  open,
  overSituations,
  pass,
  reclaimAll,
  settle,
  showAll
} from "./Direct.ts"
import type { Bench } from "./Direct.ts"
import type { Law } from "./Law.ts"
import { json, ofExit } from "./World.ts"

const failure = { kind: "failure", tag: "Declined", message: "declined" } as const

const settlements: ReadonlyArray<Settlement> = [
  { _tag: "Complete" },
  { _tag: "Complete", result: "forged" },
  { _tag: "Retry", delay: 10, cause: failure },
  { _tag: "Release" },
  { _tag: "DeadLetter", cause: failure }
]

/** One job of a queue, claimed. */
const held = (bench: Bench, session: Session, queue = "alpha"): Effect.Effect<Grant, LogError> =>
  Effect.gen(function* () {
    yield* enqueue(bench, newItem(bench, { queue }))
    const [grant] = yield* claim(bench, session, { queue })
    return grant ?? (yield* Effect.die(new Error("a fresh job was not granted")))
  })

/** A settlement that must be refused, with nothing changed. */
const refusedSettle = (bench: Bench, what: string, session: Session, item: SettleItem): Effect.Effect<void, LogError> =>
  Effect.gen(function* () {
    const before = bench.capabilities.inspect ? yield* showAll(bench) : undefined
    const request = { session: session.id, call: call(bench, session.id), items: [item] }
    const answer = ofExit(yield* Effect.exit(bench.log.settle(request)))
    const [result] = answer._tag === "Ok" ? answer.value : []
    note(bench, `settle with ${what}: ${json(request)} → ${json(answer._tag === "Ok" ? result : answer._tag)}`)
    if (answer._tag === "Ok" ? result?._tag !== "Refused" : answer._tag === "Died") {
      broken(bench, "tokenBinding", `a settlement with ${what} was not refused`)
    }
    if (answer._tag === "Failed" && answer.error.outcome !== "refused") {
      broken(bench, "tokenBinding", `a settlement with ${what} is answered as ${answer.error.outcome}`)
    }
    if (bench.capabilities.inspect && (yield* showAll(bench)) !== before) {
      broken(bench, "tokenBinding", `a settlement with ${what} was refused, but it changed something`)
    }
  })

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const tokenBinding: Law = overSituations({
  name: "tokenBinding",
  statement:
    "A token is good for its own job, generation and session: another job's, another queue's, an earlier generation's or a forged one is refused and changes nothing.",
  claimedBy: (can) => can.fence === "strict",
  inputs: fc.constantFrom(...settlements),
  runs: (histories) => Math.ceil(histories / 3),
  situation: (bench, settlement) =>
    Effect.gen(function* () {
      const session = yield* open(bench, 60_000)
      const other = yield* open(bench, 60_000)
      const earlier = yield* held(bench, session)
      yield* settle(bench, session, earlier, { _tag: "DeadLetter", cause: failure })
      yield* control(bench, { _tag: "Redrive", id: earlier.id })
      const [again] = yield* claim(bench, session)
      if (again?.id !== earlier.id) return broken(bench, "tokenBinding", "a redriven job was not granted")
      const first = yield* held(bench, session)
      const second = yield* held(bench, session)
      const elsewhere = yield* held(bench, session, "beta")
      const greatest = [first, second, elsewhere, again].reduce((max, { token }) => (token > max ? token : max), 0n)
      const as = (id: string, { token, receipt }: Pick<Grant, "token" | "receipt">): SettleItem => ({
        id,
        token,
        receipt,
        settlement
      })
      const forged = (token: bigint): SettleItem => as(first.id, { token, receipt: first.receipt })
      const attempts: ReadonlyArray<readonly [string, Session, SettleItem]> = [
        ["another job's token", session, as(first.id, second)],
        ["another job's token under its own receipt", session, forged(second.token)],
        ["the token of another queue's job", session, as(first.id, elsewhere)],
        ["another queue's job and its own token", session, as(elsewhere.id, first)],
        ["a token of an earlier generation", session, as(earlier.id, earlier)],
        ["a token that was never given", session, forged(greatest + 1000n)],
        ["a token just above", session, forged(greatest + 1n)],
        ["the right token by another session", other, as(first.id, first)],
        ["a wrong token by another session", other, as(first.id, second)]
      ]
      for (const [what, sender, item] of attempts) yield* refusedSettle(bench, what, sender, item)
      // a log may keep jobs together that came, or were granted, by one call
      yield* enqueue(bench, newItem(bench), newItem(bench), newItem(bench))
      const neighbours = yield* claim(bench, session, { limit: 3 })
      for (const { id, receipt } of neighbours) {
        for (const { token: other } of neighbours.filter((neighbour) => neighbour.id !== id)) {
          // whatever was drawn for the others, as each kind may take a way of its own
          for (const settlement of settlements) {
            yield* refusedSettle(bench, "a neighbour's token", session, { id, receipt, token: other, settlement })
          }
        }
      }
      for (const grant of [again, first, second, elsewhere, ...neighbours]) {
        const answer = yield* settle(bench, session, grant, { _tag: "Complete" })
        if (answer?._tag !== "Settled") broken(bench, "tokenBinding", `its own token of ${grant.id} was refused`)
      }
    })
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const reclaimBound: Law = overSituations({
  name: "reclaimBound",
  statement:
    "However many leases run out at the same instant, one round of reclaim makes all of their jobs claimable again, in no more calls than its limit needs.",
  claimedBy: (can) => can.reclaim === "log" && can.lease === "timed",
  inputs: fc.record({
    sessions: fc.integer({ min: 1, max: 5 }),
    jobs: fc.constantFrom(1, 2, 7, 40),
    limit: fc.constantFrom(1, 3, 100)
  }),
  runs: (histories) => Math.ceil(histories / 4),
  situation: (bench, { sessions, jobs, limit }) =>
    Effect.gen(function* () {
      const all = sessions * jobs
      yield* enqueue(bench, ...Array.from({ length: all }, () => newItem(bench)))
      let granted = 0
      for (let i = 0; i < sessions; i++) {
        const session = yield* open(bench, 1000)
        granted += (yield* claim(bench, session, { limit: jobs })).length
      }
      if (granted !== all) return broken(bench, "reclaimBound", `${granted} of ${all} ready jobs were granted`)
      yield* pass(bench, 1000)
      const most = Math.ceil(all / limit) + sessions + 1
      const calls = yield* reclaimAll(bench, limit, most + 1)
      if (calls > most)
        broken(bench, "reclaimBound", `${calls} calls were not enough for ${all} jobs, ${limit} at a time`)
      const worker = yield* open(bench, 60_000)
      const again = yield* claim(bench, worker, { limit: all })
      if (again.length !== all)
        broken(bench, "reclaimBound", `${again.length} of ${all} expired jobs are claimable again`)
    })
})
