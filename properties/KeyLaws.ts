/**
 * Laws of idempotency keys in single situations: ticks of a schedule, and keys that outlive their record.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as fc from "fast-check"
import type { EnqueueItem, Settlement } from "../src/log/JobLog.ts"
import {
  broken,
  claim,
  control,
  enqueue,
  newItem,
  note,
  open,
  overSituations,
  pass,
  reclaimAll,
  reopen,
  settle,
  show
} from "./Direct.ts"
import type { Law } from "./Law.ts"
import { json, outcome } from "./World.ts"

const day = 86_400_000

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const tickOnce: Law = overSituations({
  name: "tickOnce",
  statement:
    "However many producers enqueue a tick of a schedule under one key, at once, again and after a crash, it is one job and all are told which.",
  claimedBy: (can) => can.dedupe,
  inputs: fc.record({
    producers: fc.integer({ min: 2, max: 5 }),
    turns: fc.nat(8),
    crash: fc.boolean(),
    complete: fc.boolean(),
    seed: fc.nat(0xffff)
  }),
  situation: (bench, { producers, turns, crash, complete, seed }) =>
    Effect.gen(function* () {
      const key = { value: "nightly@2030-01-01T00:00:00Z", window: day }
      const tick = (): EnqueueItem => newItem(bench, { key })
      const items = Array.from({ length: producers }, tick)
      const told = new Set<string>()
      const send = (item: EnqueueItem) =>
        Effect.map(outcome(bench.log.enqueue([item]), bench.patience), (answer) => {
          note(bench, `enqueue ${item.id} → ${json(answer._tag === "Ok" ? answer.value : answer._tag)}`)
          const [result] = answer._tag === "Ok" ? answer.value : []
          if (result !== undefined) told.add(result.id)
          return result
        })
      const sending = yield* Effect.forEach(items, (item) => Effect.forkDetach(send(item)))
      if (crash && bench.test.crash !== undefined) {
        for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow
        yield* reopen(bench, `crash ${seed}`, bench.test.crash({ seed }))
        for (const fiber of sending) fiber.interruptUnsafe()
      } else yield* Effect.forEach(sending, (fiber) => Fiber.await(fiber))
      // who was not answered sends again, and so does who was
      for (const item of items) {
        if ((yield* send(item)) === undefined) broken(bench, "tickOnce", `the tick sent again as ${item.id} failed`)
      }
      const session = yield* open(bench, 60_000)
      const grants = yield* claim(bench, session, { limit: 10 })
      if (grants.length !== 1) broken(bench, "tickOnce", `${grants.length} jobs were granted for one tick`)
      const [grant] = grants
      if (grant !== undefined && complete) yield* settle(bench, session, grant, { _tag: "Complete" })
      yield* send(tick())
      const more = yield* claim(bench, session, { limit: 10 })
      if (more.length > 0) broken(bench, "tickOnce", "the tick ran a second time inside its window")
      if (told.size !== 1)
        broken(bench, "tickOnce", `the producers were told of ${told.size} jobs: ${[...told].join(", ")}`)
    })
})

/**
 * @since 0.1.0
 * @category laws
 * @stability unstable
 */
export const retentionKeepsKeys: Law = overSituations({
  name: "retentionKeepsKeys",
  statement:
    "A completed record goes after its retention or by a purge, its key stays for its whole window and answers Duplicate without the result, and then it is free. So does the key of a dead letter that is purged.",
  claimedBy: (can) => can.dedupe && can.inspect,
  inputs: fc.record({
    retention: fc.constantFrom("time" as const, "count" as const, "purge" as const, "purgeDead" as const),
    window: fc.constantFrom(10_000, 60_000),
    crash: fc.boolean(),
    seed: fc.nat(0xffff)
  }),
  situation: (bench, { retention, window, crash, seed }) =>
    Effect.gen(function* () {
      const policy =
        retention === "time" ? { retainCompleted: 1000 } : retention === "count" ? { retainCompletedCount: 1 } : {}
      yield* control(bench, { _tag: "Configure", queue: "alpha", policy })
      const session = yield* open(bench, 600_000)
      const key = { value: "k", window }
      const item = newItem(bench, { key })
      yield* enqueue(bench, item)
      const [grant] = yield* claim(bench, session)
      if (grant === undefined) return broken(bench, "retentionKeepsKeys", "a fresh job was not granted")
      const dies = retention === "purgeDead"
      const settlement: Settlement = dies
        ? { _tag: "DeadLetter", cause: { kind: "failure", tag: "Declined", message: "declined" } }
        : { _tag: "Complete", result: "the result" }
      yield* settle(bench, session, grant, settlement)
      const [kept] = yield* enqueue(bench, newItem(bench, { key }))
      if (kept?._tag !== "Duplicate" || kept.id !== item.id || kept.result !== (dies ? undefined : "the result")) {
        broken(bench, "retentionKeepsKeys", "a key held by an ended job is not answered with its id and result")
      }
      const later = newItem(bench)
      yield* enqueue(bench, later)
      const [next] = yield* claim(bench, session)
      if (next !== undefined) yield* settle(bench, session, next, { _tag: "Complete" })
      if (retention === "purge" || dies) yield* control(bench, { _tag: "Purge", id: item.id })
      yield* pass(bench, 2000)
      yield* reclaimAll(bench, 100)
      if (crash) yield* reopen(bench, `crash ${seed}`, bench.test.crash?.({ seed }))
      if ((yield* show(bench, item.id)) !== undefined) {
        broken(bench, "retentionKeepsKeys", "the record is there after its retention")
      }
      const [gone] = yield* enqueue(bench, newItem(bench, { key }))
      if (gone?._tag !== "Duplicate" || gone.id !== item.id || gone.resultGone !== (dies ? undefined : true)) {
        broken(bench, "retentionKeepsKeys", "a key inside its window is not answered as held without its record")
      }
      yield* pass(bench, window)
      yield* reclaimAll(bench, 100)
      const [free] = yield* enqueue(bench, newItem(bench, { key }))
      if (free?._tag !== "Inserted") broken(bench, "retentionKeepsKeys", "a key is held after its window")
    })
})
