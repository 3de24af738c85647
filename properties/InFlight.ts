/**
 * Calls in flight while something befalls the log, and the search for a history that explains what is there afterwards.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type {
  ClaimResult,
  ControlCommand,
  ControlResult,
  EnqueueItem,
  EnqueueResult,
  JobView,
  SettleRequest,
  SettleResult
} from "../src/log/JobLog.ts"
import type { LogError } from "../src/log/LogError.ts"
import type { CellFault } from "./Coverage.ts"
import { jobOf, meet, meetAll, settleCommands } from "./Hands.ts"
import type { LawName } from "./LawName.ts"
import * as Model from "./Model.ts"
import { claimed, grantTo } from "./ModelClaim.ts"
import { enqueued } from "./ModelEnqueue.ts"
import { controlled, settled } from "./ModelSettle.ts"
import { compare } from "./ModelSnapshot.ts"
import type { Snapshot } from "./ModelSnapshot.ts"
import { toSettlement } from "./SettleSteps.ts"
import type { InFlightSpec, JobSpec } from "./Step.ts"
import { count, json, nextCall, ofExit, queueNames, reportAll, sessionOf, toItem } from "./World.ts"
import type { Outcome, World } from "./World.ts"

/**
 * A call in flight: carried out if it was answered, and possibly carried out if not.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface InFlight {
  readonly name: string
  /** How it ended, if it has. */
  outcome: Outcome<unknown> | undefined
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
        if (Exit.isSuccess(exit)) answer = exit.value
        running.outcome = ofExit(exit)
      })
    )
    const running: InFlight = {
      name,
      outcome: undefined,
      fiber,
      carryOut: (model, window, views) =>
        carryOut(running.outcome?._tag === "Ok" ? answer : undefined, model, window, views)
    }
    return running
  })

const startEnqueue = (world: World, items: ReadonlyArray<EnqueueItem>) =>
  start<ReadonlyArray<EnqueueResult>>(`enqueue ${json(items)}`, world.log.enqueue(items), (answer, model, window) =>
    enqueued(model, items, answer ?? items.map(({ id }) => ({ _tag: "Inserted", id })), window)
  )

const startSettle = (world: World, request: SettleRequest) =>
  start<ReadonlyArray<SettleResult>>(
    `settle ${json(request)}`,
    world.log.settle(request),
    (answer, model, window, views) =>
      settled(
        model,
        request,
        new Set(),
        answer ??
          request.items.map(({ id, settlement }) => {
            const state = views.find((view) => view.id === id)?.state ?? "Completed"
            const followUps = settlement._tag === "Complete" ? settlement.enqueue : undefined
            const enqueued = followUps?.map((item) => ({ _tag: "Inserted" as const, id: item.id }))
            return { _tag: "Settled", state, ...(enqueued === undefined ? undefined : { enqueued }) }
          }),
        window,
        world.capabilities
      )
  )

const startControl = (world: World, command: ControlCommand) =>
  start<ReadonlyArray<ControlResult>>(
    `control ${json(command)}`,
    world.log.control([command]),
    (answer, model, window) => {
      if (answer !== undefined) return controlled(model, command, answer[0], window)
      // unanswered, it may also have been refused, which changes nothing
      controlled(model, command, { _tag: "Done" }, window)
      return []
    }
  )

const startClaim = (world: World, session: string, queue: string) => {
  const request = { session, call: nextCall(world, session), queue, limit: 3 }
  return start<ClaimResult>(`claim ${json(request)}`, world.log.claim(request), (answer, model, window, views) => {
    if (answer !== undefined) {
      for (const grant of answer.grants) {
        // it may be carried out several times, in the search for an order that explains what is seen
        if (!world.grants.some((known) => known.grant === grant)) world.grants.push({ grant, session })
      }
      return claimed(model, request, answer, window, world.capabilities, true)
    }
    // nobody was told which jobs: those that show one more delivery
    let left = request.limit
    for (const view of views) {
      const job = model.jobs.get(view.id)
      if (left === 0 || job === undefined || job.item.queue !== queue || view.deliveries !== job.deliveries + 1)
        continue
      if (job.status !== "Waiting") {
        // it may have taken the job back before, from a session whose lease had run out
        const taken = Model.silentFutures(model, job, window).find(({ status }) => status === "Waiting")
        if (taken === undefined) continue
        Object.assign(job, taken)
      }
      grantTo(model, job, session, view.token ?? job.token)
      left -= 1
    }
    return []
  })
}

/**
 * Starts the calls.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const startAll = (
  world: World,
  spec: InFlightSpec & { readonly seed: number },
  fault: CellFault
): Effect.Effect<ReadonlyArray<InFlight> | undefined> =>
  Effect.gen(function* () {
    const flights: Array<InFlight> = []
    const session = yield* sessionOf(world, 2)
    if (session === undefined) return undefined
    const held = world.grants.findLast(({ grant, session: holder }) => {
      const job = world.model.jobs.get(grant.id)
      return job?.status === "Leased" && job.token === grant.token && !Model.surelyDead(world.model, holder, world.now)
    })
    const queue = queueNames[spec.seed % 2] ?? "alpha"
    const heldJob = held === undefined ? undefined : world.model.jobs.get(held.grant.id)
    const target = jobOf(world, spec.job)
    const purgesKey = spec.control === "Purge" && target?.status === "DeadLettered" && target.item.key !== undefined
    const settled = spec.settle === undefined ? undefined : heldJob
    const command = purgesKey || (target !== undefined && target === settled) ? undefined : spec.control
    meet(world, undefined, "enqueue", fault)
    flights.push(
      yield* startEnqueue(
        world,
        spec.enqueue.slice(0, world.capabilities.maxBatch).map((item) => toItem(world, item))
      )
    )
    if (spec.settle !== undefined && held !== undefined) {
      const { id, token, receipt } = held.grant
      const kind = spec.settle
      const followUps = kind === "Complete" ? [followUp] : []
      const plain = { grant: 0, kind, delay: 400, result: "done", followUps, badFollowUp: false }
      const settlement = toSettlement(world, plain, held.grant.queue)
      meet(world, heldJob, settleCommands[kind], fault)
      flights.push(
        yield* startSettle(world, {
          session: held.session,
          call: nextCall(world, held.session),
          items: [{ id, token, receipt, settlement }]
        })
      )
    }
    if (command !== undefined && target !== undefined) {
      meet(world, target, controlCommands[command], fault)
      const change = command === "Reschedule" ? { delay: Math.min(1000, world.capabilities.maxDelay) } : undefined
      flights.push(yield* startControl(world, { _tag: command, id: target.id, ...change }))
    }
    if (spec.claim) {
      meetAll(world, queue, "claim", fault)
      flights.push(yield* startClaim(world, session, queue))
    }
    return flights
  })

/** Large enough that it does not share its completion's sector of a disk. */
const followUp: JobSpec = { queue: 0, name: 0, payload: `"${"x".repeat(800)}"` }

const controlCommands = { Cancel: "cancel", Redrive: "redrive", Reschedule: "reschedule", Purge: "purge" } as const

/** Every way in which the unanswered calls may have happened or not. */
const subsets = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  all.reduce<ReadonlyArray<ReadonlyArray<A>>>((sets, one) => [...sets, ...sets.map((set) => [...set, one])], [[]])

/** All orders, of few. */
const orders = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  all.length < 2
    ? [all]
    : all.flatMap((one, i) => orders([...all.slice(0, i), ...all.slice(i + 1)]).map((rest) => [one, ...rest]))

/**
 * Carries the answered calls out and looks for a choice of the open ones that leads to what the log shows.
 * `afterwards` does to the model what befell the log.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const explain = (
  world: World,
  flights: { readonly answered: ReadonlyArray<InFlight>; readonly open: ReadonlyArray<InFlight> },
  seen: { readonly snapshot: Snapshot | undefined; readonly window: Model.Window },
  blame: ReadonlyArray<LawName>,
  afterwards: () => void
): void => {
  const { answered, open } = flights
  const { snapshot, window } = seen
  const views = snapshot?.jobs ?? []
  const start = world.model
  let best: { readonly model: Model.Model; readonly violations: ReadonlyArray<Model.Violation> } | undefined
  // calls that were in flight together have no order among them, whoever was called first
  for (const said of orders(answered)) {
    world.model = structuredClone(start)
    const contradicted = said.flatMap((flight) => flight.carryOut(world.model, window, views))
    afterwards()
    if (snapshot === undefined) {
      world.blinded = open.length > 0
      reportAll(world, contradicted)
      return
    }
    for (const happened of subsets(open).flatMap(orders)) {
      const model = structuredClone(world.model)
      for (const flight of happened) flight.carryOut(model, window, views)
      const violations = [...contradicted, ...compare(model, snapshot, window, blame)]
      if (best === undefined || violations.length < best.violations.length) best = { model, violations }
      if (violations.length === 0) {
        if (open.length > 0) count(world.coverage, `crash during a call: ${happened.length > 0 ? "kept" : "lost"}`)
        break
      }
    }
    if (best?.violations.length === 0) break
  }
  if (best === undefined) return
  world.model = best.model
  reportAll(world, best.violations)
}
