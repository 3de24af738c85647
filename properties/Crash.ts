/**
 * Openings anew: after crashes, failed syncs and in good order. What was acknowledged must be there afterwards, and what
 * was in flight wholly or not at all.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { JobLogOperations } from "../src/log/JobLog.ts"
import type { LogError } from "../src/log/LogError.ts"
import { meetAll, say, told } from "./Hands.ts"
import { explain, startAll } from "./InFlight.ts"
import type { InFlight } from "./InFlight.ts"
import type { LawName } from "./LawName.ts"
import * as Model from "./Model.ts"
import { renewed } from "./ModelSettle.ts"
import type { Step } from "./Step.ts"
import { count, look, nextCall, observe, outcome, report, sessionOf } from "./World.ts"
import type { World } from "./World.ts"

/** A log of one owner ends its former owner's sessions when it is opened; those of a server live on. */
const forgetSessions = (world: World): void => {
  if (world.capabilities.crossProcess && world.capabilities.lease === "timed") return
  Model.endAllSessions(world.model)
  world.slots.forEach((session, i) => {
    if (session !== undefined) world.deadSessions.push(session)
    world.slots[i] = undefined
  })
}

const open = (
  world: World,
  how: string,
  opening: Effect.Effect<JobLogOperations, LogError>,
  blame: ReadonlyArray<LawName>
): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    const reopened = yield* outcome(opening, world.patience)
    if (reopened._tag === "Ok") {
      world.log = world.watch(reopened.value)
      world.lines.push(`   ${how} → opened again`)
      return true
    }
    report(world, [...blame, "atLeastOnce"], `the log could not be opened (${how}): ${told(reopened)}`)
    return false
  })

const crashed: ReadonlyArray<LawName> = ["recoveryIsLegalPrefix", "recoveryIdempotent", "recoveryBound"]

/** Laws that speak about what was done to the storage before the log is opened again. */
const suspects = (world: World): ReadonlyArray<LawName> => [
  ...(world.coverage.has("compacted") ? (["compactionKeepsAll"] as const) : []),
  ...(world.coverage.has("a sync failed") ? (["poisonOnSyncError"] as const) : [])
]

const openAfterCrash = (world: World, seed: number): Effect.Effect<boolean> =>
  world.test.crash === undefined
    ? Effect.succeed(false)
    : open(world, `crash ${seed}`, world.test.crash({ seed }), [...crashed, ...suspects(world)])

/**
 * Crashes the log between two calls.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const crash = (world: World, seed: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    meetAll(world, undefined, "reopen", "crash")
    if (!(yield* openAfterCrash(world, seed))) return
    forgetSessions(world)
    yield* observe(world, () => ["recoveryIsLegalPrefix", ...suspects(world)])
  })

/**
 * Closes the log in good order and opens it again, and once more, which finds the very same.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const restart = (world: World): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (world.test.restart === undefined) return
    meetAll(world, undefined, "reopen", "restart")
    const blame: ReadonlyArray<LawName> = ["recoveryIdempotent", ...suspects(world)]
    if (!(yield* open(world, "restart", world.test.restart, blame))) return
    forgetSessions(world)
    yield* observe(world, () => blame)
    const before = world.shown
    const since = world.now
    if (!(yield* open(world, "restart", world.test.restart, blame))) return
    yield* observe(world, () => blame)
    if (world.now === since && world.shown !== before) {
      report(world, blame, `opened twice, it shows first ${before}, then ${world.shown}`)
    }
  })

/** Notes the calls that were in flight and answers those that the log acknowledged, and those that may have happened. */
const sort = (world: World, flights: ReadonlyArray<InFlight>, what: string) => {
  const kept: { readonly answered: Array<InFlight>; readonly open: Array<InFlight> } = { answered: [], open: [] }
  for (const flight of flights) {
    const { outcome: ended } = flight
    const refused = ended?._tag === "Failed" && ended.error.outcome === "refused"
    const how = ended?._tag === "Ok" ? "answered" : refused ? "refused" : "unknown"
    count(world.coverage, `${what}: ${how}`)
    world.lines.push(`   in flight: ${flight.name} → ${how}`)
    if (!refused) kept[how === "answered" ? "answered" : "open"].push(flight)
  }
  return kept
}

/**
 * Starts calls, crashes the log amid them, and looks for a history that explains what is there afterwards.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const crashDuring = (world: World, step: Extract<Step, { readonly _tag: "CrashDuring" }>): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (world.test.crash === undefined) return
    const flights = yield* startAll(world, step, "crashDuring")
    if (flights === undefined) return
    for (let turn = 0; turn < step.turns; turn++) yield* Effect.yieldNow
    const sorted = sort(world, flights, "crash during a call")
    const reopened = yield* openAfterCrash(world, step.seed)
    for (const flight of flights) flight.fiber.interruptUnsafe()
    if (!reopened) return
    const before = world.now
    const seen = yield* outcome(look(world.log), world.patience)
    if (seen._tag !== "Ok") return report(world, ["recoveryIsLegalPrefix"], "the log cannot be read after a crash")
    world.now = Math.max(before, seen.value.now)
    const found = { snapshot: seen.value.snapshot, window: { before, after: world.now } }
    const after: ReadonlyArray<LawName> = ["recoveryIsLegalPrefix", ...suspects(world)]
    const blame: ReadonlyArray<LawName> = sorted.open.length > 0 ? [...after, "atomicBatch"] : after
    explain(world, sorted, found, blame, () => forgetSessions(world))
    yield* observe(world, () => after)
  })

/** Whether the sessions ended: asks one that should live. */
const sessionsEnded = (world: World): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    for (const session of world.slots) {
      if (session === undefined || Model.surelyDead(world.model, session, world.now)) continue
      const request = { session, call: nextCall(world, session), started: [], progress: [] }
      const answer = yield* outcome(world.log.renew(request), world.patience)
      if (answer._tag !== "Ok") return true
      const window = { before: world.now, after: answer.value.now }
      const ignoring = { ...answer.value, lost: [], cancelled: [], paused: [...world.model.paused] }
      renewed(world.model, request, ignoring, window)
      return false
    }
    return true
  })

/**
 * Starts calls on storage that fails. None may succeed without being durable, and each that is refused must not have
 * happened; opened again, the log has kept all that was acknowledged.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const failDuring = (world: World, step: Extract<Step, { readonly _tag: "FailDuring" }>): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { failSync, crash: crashNow } = world.test
    if (failSync === undefined) return
    const blame: ReadonlyArray<LawName> = ["poisonOnSyncError", "outcomeTruth"]
    yield* failSync({ times: step.forever ? Number.POSITIVE_INFINITY : 1 })
    count(world.coverage, "a sync failed")
    say(world, `the next sync fails${step.forever ? ", and all after it" : ""}`)
    const flights = yield* startAll(world, step, "none")
    if (flights !== undefined) {
      const joined = Effect.forEach(flights, (flight) => Fiber.await(flight.fiber), { discard: true })
      const ended = yield* outcome(joined, world.patience)
      if (ended._tag !== "Ok") report(world, blame, "a call on failing storage is never answered")
      for (const flight of flights) flight.fiber.interruptUnsafe()
    }
    const sorted = sort(world, flights ?? [], "failed sync during a call")
    const lied = step.forever && sorted.answered.some(({ name }) => name.startsWith("enqueue"))
    if (lied) report(world, blame, "an enqueue was acknowledged although nothing can be made durable")
    yield* failSync({ times: 0 })
    const crashes = step.crash && crashNow !== undefined
    if (crashes && !(yield* openAfterCrash(world, step.seed))) return
    const opened = yield* outcome(world.log.open({ owner: "afterwards", leaseDuration: 1000 }), world.patience)
    say(world, `open → ${told(opened)}`)
    if (opened._tag !== "Ok") return report(world, blame, `the log cannot be opened after a failed sync`)
    const before = world.now
    const seen = yield* outcome(look(world.log), world.patience)
    if (seen._tag !== "Ok") return report(world, blame, "the log cannot be read after a failed sync")
    world.now = Math.max(before, seen.value.now)
    const over = crashes || (yield* sessionsEnded(world))
    explain(world, sorted, { snapshot: seen.value.snapshot, window: { before, after: world.now } }, blame, () => {
      if (over) forgetSessions(world)
    })
    yield* observe(world, () => blame)
  })

/**
 * Rewrites the storage, perhaps not to the end: nothing of it is to be seen.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const compact = (world: World, step: Extract<Step, { readonly _tag: "Compact" }>): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (world.test.compact === undefined) return
    const blame: ReadonlyArray<LawName> = ["compactionKeepsAll"]
    count(world.coverage, "compacted")
    // its own session holds a job or two over the compaction
    if ((yield* sessionOf(world, 2)) === undefined) return
    if (step.crash && world.test.crash !== undefined) {
      const fiber = yield* Effect.forkDetach(world.test.compact)
      for (let turn = 0; turn < step.turns; turn++) yield* Effect.yieldNow
      const reopened = yield* openAfterCrash(world, step.seed)
      fiber.interruptUnsafe()
      if (!reopened) return
      forgetSessions(world)
      return yield* observe(world, () => blame)
    }
    const compacted = yield* outcome(world.test.compact, world.patience)
    say(world, `compact → ${told(compacted)}`)
    if (compacted._tag !== "Ok") return report(world, blame, `compaction failed: ${told(compacted)}`)
    yield* observe(world, () => blame)
  })
