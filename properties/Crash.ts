/**
 * Crashes: what was acknowledged must be there afterwards, and what was in flight wholly or not at all.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type {
  ClaimResult,
  EnqueueItem,
  EnqueueResult,
  JobView,
  SettleRequest,
  SettleResult
} from "../src/log/JobLog.ts"
import type { LogError } from "../src/log/LogError.ts"
import type { LawName } from "./LawName.ts"
import * as Model from "./Model.ts"
import { claimed, grantTo } from "./ModelClaim.ts"
import { enqueued } from "./ModelEnqueue.ts"
import { settled } from "./ModelSettle.ts"
import { compare } from "./ModelSnapshot.ts"
import type { Snapshot } from "./ModelSnapshot.ts"
import type { Step } from "./Step.ts"
import {
  count,
  json,
  look,
  nextCall,
  observe,
  outcome,
  queueNames,
  report,
  reportAll,
  sessionOf,
  toItem
} from "./World.ts"
import type { World } from "./World.ts"

const forgetSessions = (world: World): void => {
  Model.endAllSessions(world.model)
  world.slots.forEach((session, i) => {
    if (session !== undefined) world.deadSessions.push(session)
    world.slots[i] = undefined
  })
}

const reopen = (world: World, seed: number): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    if (world.test.crash === undefined) return false
    const reopened = yield* outcome(world.test.crash({ seed }), world.patience)
    if (reopened._tag === "Ok") {
      world.log = world.watch(reopened.value)
      world.lines.push(`   crash ${seed} → opened again`)
      return true
    }
    const why = reopened._tag === "Died" ? reopened.message : reopened.error.message
    report(world, ["recoveryIsLegalPrefix", "atLeastOnce"], `the log could not be opened after a crash: ${why}`)
    return false
  })

/**
 * Crashes the log between two calls.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const crash = (world: World, seed: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (!(yield* reopen(world, seed))) return
    forgetSessions(world)
    yield* observe(world, () => ["recoveryIsLegalPrefix"])
  })

/** A call in flight: carried out if it was answered, and possibly carried out if not. */
interface InFlight {
  readonly name: string
  answered: boolean
  /** Judges the answer, where there is one, or assumes that all of it happened. */
  readonly carryOut: (
    model: Model.Model,
    window: Model.Window,
    views: ReadonlyArray<JobView>
  ) => ReadonlyArray<Model.Violation>
  readonly fiber: Fiber.Fiber<unknown, unknown>
}

const start = <A>(
  name: string,
  call: Effect.Effect<A, LogError>,
  carryOut: (
    answer: A | undefined,
    model: Model.Model,
    window: Model.Window,
    views: ReadonlyArray<JobView>
  ) => ReadonlyArray<Model.Violation>
): Effect.Effect<InFlight> =>
  Effect.gen(function* () {
    let answer: A | undefined
    const fiber = yield* Effect.forkDetach(
      Effect.map(Effect.exit(call), (exit) => {
        if (!Exit.isSuccess(exit)) return
        answer = exit.value
        running.answered = true
      })
    )
    const running: InFlight = {
      name,
      answered: false,
      fiber,
      carryOut: (model, window, views) => carryOut(running.answered ? answer : undefined, model, window, views)
    }
    return running
  })

const startEnqueue = (world: World, items: ReadonlyArray<EnqueueItem>) =>
  start<ReadonlyArray<EnqueueResult>>(`enqueue ${json(items)}`, world.log.enqueue(items), (answer, model, window) =>
    enqueued(model, items, answer ?? items.map(({ id }) => ({ _tag: "Inserted", id })), window)
  )

const startComplete = (world: World, request: SettleRequest) =>
  start<ReadonlyArray<SettleResult>>(`settle ${json(request)}`, world.log.settle(request), (answer, model, window) =>
    settled(
      model,
      request,
      new Set(),
      answer ?? request.items.map(() => ({ _tag: "Settled", state: "Completed" })),
      window,
      world.capabilities
    )
  )

const startClaim = (world: World, session: string, queue: string) => {
  const request = { session, call: nextCall(world, session), queue, limit: 3 }
  return start<ClaimResult>(`claim ${json(request)}`, world.log.claim(request), (answer, model, window, views) => {
    if (answer !== undefined) {
      for (const grant of answer.grants) world.grants.push({ grant, session })
      return claimed(model, request, answer, window, world.capabilities, true)
    }
    // nobody was told which jobs: those that show one more delivery
    let left = request.limit
    for (const view of views) {
      const job = model.jobs.get(view.id)
      if (left === 0 || job?.status !== "Waiting" || job.item.queue !== queue) continue
      if (view.deliveries !== job.deliveries + 1) continue
      grantTo(model, job, session, view.token ?? job.token)
      left -= 1
    }
    return []
  })
}

/** Every way in which the unanswered calls may have happened or not. */
const subsets = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  all.reduce<ReadonlyArray<ReadonlyArray<A>>>((sets, one) => [...sets, ...sets.map((set) => [...set, one])], [[]])

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
    const flights: Array<InFlight> = []
    const session = yield* sessionOf(world, 2)
    if (session === undefined) return
    const held = world.grants.findLast(({ grant, session: holder }) => {
      const job = world.model.jobs.get(grant.id)
      return job?.status === "Leased" && job.token === grant.token && !Model.surelyDead(world.model, holder, world.now)
    })
    const items = step.enqueue.map((spec) => toItem(world, spec))
    flights.push(yield* startEnqueue(world, items))
    if (step.complete && held !== undefined) {
      const { id, token, receipt } = held.grant
      flights.push(
        yield* startComplete(world, {
          session: held.session,
          call: nextCall(world, held.session),
          items: [{ id, token, receipt, settlement: { _tag: "Complete", result: "done" } }]
        })
      )
    }
    if (step.claim) flights.push(yield* startClaim(world, session, queueNames[step.seed % 2] ?? "alpha"))
    for (let turn = 0; turn < step.turns; turn++) yield* Effect.yieldNow
    const answered = flights.filter((flight) => flight.answered)
    const open = flights.filter((flight) => !flight.answered)
    const reopened = yield* reopen(world, step.seed)
    for (const flight of flights) flight.fiber.interruptUnsafe()
    for (const flight of flights) {
      count(world.coverage, `crash during a call: ${answered.includes(flight) ? "answered" : "unknown"}`)
      world.lines.push(`   in flight: ${flight.name} → ${answered.includes(flight) ? "answered" : "unknown"}`)
    }
    if (!reopened) return
    const before = world.now
    const seen = yield* outcome(look(world.log), world.patience)
    if (seen._tag !== "Ok") return report(world, ["recoveryIsLegalPrefix"], "the log cannot be read after a crash")
    world.now = Math.max(before, seen.value.now)
    explain(world, answered, open, seen.value.snapshot, { before, after: world.now })
  })

const explain = (
  world: World,
  answered: ReadonlyArray<InFlight>,
  open: ReadonlyArray<InFlight>,
  snapshot: Snapshot | undefined,
  window: Model.Window
): void => {
  const views = snapshot?.jobs ?? []
  for (const flight of answered) reportAll(world, flight.carryOut(world.model, window, views))
  forgetSessions(world)
  if (snapshot === undefined) return
  const blame: ReadonlyArray<LawName> = ["recoveryIsLegalPrefix"]
  let best: { readonly model: Model.Model; readonly violations: ReadonlyArray<Model.Violation> } | undefined
  for (const happened of subsets(open)) {
    const model = structuredClone(world.model)
    for (const flight of happened) flight.carryOut(model, window, views)
    const violations = compare(model, snapshot, window, blame)
    if (best === undefined || violations.length < best.violations.length) best = { model, violations }
    if (violations.length === 0) {
      if (open.length > 0) count(world.coverage, `crash during a call: ${happened.length > 0 ? "kept" : "lost"}`)
      break
    }
  }
  if (best === undefined) return
  world.model = best.model
  reportAll(world, best.violations)
}
