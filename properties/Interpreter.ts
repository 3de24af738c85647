/**
 * Carries generated steps out on a log, judging each answer and what the log shows after each step.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { ClaimRequest, EnqueueItem, EnqueueResult } from "../src/log/JobLog.ts"
import { compact, crash, crashDuring, failDuring, restart } from "./Crash.ts"
import {
  atRest,
  cover,
  inSlot,
  jobOf,
  meet,
  meetAll,
  mustBeAsBefore,
  queueOf,
  say,
  sessionRefused,
  told,
  unexpected
} from "./Hands.ts"
import type { LawName } from "./LawName.ts"
import * as Model from "./Model.ts"
import { claimed } from "./ModelClaim.ts"
import { enqueued, sameBytes } from "./ModelEnqueue.ts"
import { read } from "./ReadStep.ts"
import { close, control, onJob, reclaim, renew } from "./SessionSteps.ts"
import { completeAndCancel, repeatCall, settle, settleAndReclaim } from "./SettleSteps.ts"
import type { Step } from "./Step.ts"
import { advance, stepClock } from "./Time.ts"
import {
  count,
  jobNames,
  json,
  nextCall,
  observe,
  outcome,
  priorityFor,
  report,
  reportAll,
  sessionOf,
  toItem,
  unusedCall
} from "./World.ts"
import type { World } from "./World.ts"

// --- enqueue

const enqueue = (world: World, items: ReadonlyArray<EnqueueItem>, blame: ReadonlyArray<LawName>) =>
  Effect.gen(function* () {
    const before = atRest(world)
    const answer = yield* outcome(world.log.enqueue(items), world.patience)
    say(world, `enqueue ${json(items)} → ${told(answer)}`)
    if (answer._tag === "Ok") for (const one of answer.value) count(world.coverage, `enqueue: ${one._tag}`)
    if (answer._tag === "Ok") items.forEach((item, i) => meetEnqueued(world, item, answer.value[i]))
    yield* observe(world, (window) => {
      if (answer._tag === "Ok") reportAll(world, enqueued(world.model, items, answer.value, window))
      else {
        const keyed = items.some((item) => item.key !== undefined)
        unexpected(world, "enqueue", keyed ? ["atLeastOnce", "keyDeduplicates"] : ["atLeastOnce"], answer)
      }
      return blame
    })
    // what was known already, met a held key or was refused is no new job, and its batch has no other effect
    const idle = answer._tag !== "Ok" || answer.value.every((one) => one._tag === "Duplicate" || one._tag === "Refused")
    if (idle || blame.includes("enqueueIdempotent")) {
      const laws: ReadonlyArray<LawName> =
        answer._tag === "Ok" ? ["enqueueIdempotent", "outcomeTruth"] : ["outcomeTruth"]
      mustBeAsBefore(world, before, laws, "the enqueue made no new job")
    }
  })

const meetEnqueued = (world: World, item: EnqueueItem, answer: EnqueueResult | undefined): void => {
  const known = world.model.jobs.get(item.id)
  if (known !== undefined) {
    return meet(world, known, sameBytes(known.item, item) ? "enqueueAgain" : "enqueueOtherBytes")
  }
  if (answer?._tag === "Inserted") return meet(world, undefined, "enqueue")
  if (answer?._tag !== "Duplicate" && answer?._tag !== "Replaced") return
  const replacing = item.key?.onConflict === "replace"
  meet(world, world.model.jobs.get(answer.id), replacing ? "enqueueReplacing" : "enqueueKeyHeld")
}

/** Any of what a job consists of may differ. */
const otherBytes = (item: EnqueueItem, which: number): EnqueueItem => {
  switch (which % 4) {
    case 0:
      return { ...item, payload: `${item.payload} ` }
    case 1:
      return { ...item, name: item.name === jobNames[0] ? jobNames[1] : jobNames[0] }
    case 2:
      return { ...item, maxAttempts: (item.maxAttempts ?? 10) + 1 }
    default:
      return { ...item, metadata: { ...item.metadata, other: "bytes" } }
  }
}

/** As a producer sends it again, later. */
const stampedAnew = (item: EnqueueItem): EnqueueItem => ({
  ...item,
  trace: { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", sampled: false },
  ...(item.deadline === undefined ? undefined : { deadline: item.deadline + 1 })
})

const enqueueAgain = (world: World, step: Extract<Step, { readonly _tag: "EnqueueAgain" }>) =>
  Effect.suspend(() => {
    const job = jobOf(world, step.job)
    if (job === undefined || job.replaced) return Effect.void
    return enqueue(
      world,
      [step.otherBytes ? otherBytes(job.item, step.job) : stampedAnew(job.item)],
      ["enqueueIdempotent"]
    )
  })

// --- claim

const remember = (
  world: World,
  request: ClaimRequest,
  grants: ReadonlyArray<World["grants"][number]["grant"]>
): void => {
  for (const grant of grants) {
    world.grants.push({ grant, session: request.session })
    count(world.coverage, grant.delivery > 1 ? "grant: again" : "grant: first")
    if (grant.attempt > 1) count(world.coverage, "grant: later attempt")
    if (grant.generation > 1) count(world.coverage, "grant: later generation")
  }
}

/** One name, or all of them, the last first. */
const namesOf = (index: number): ReadonlyArray<string> => {
  const name = jobNames[index]
  return name === undefined ? jobNames.toReversed() : [name]
}

const claim = (world: World, step: Extract<Step, { readonly _tag: "Claim" }>) =>
  Effect.gen(function* () {
    const dead = step.dead ? world.deadSessions[step.slot % Math.max(1, world.deadSessions.length)] : undefined
    const session = dead ?? (yield* sessionOf(world, step.slot))
    if (session === undefined) return
    const names = step.name === undefined ? undefined : namesOf(step.name)
    const request: ClaimRequest = {
      session,
      call: nextCall(world, session),
      queue: queueOf(step.queue),
      limit: step.limit,
      ...(names === undefined || !world.capabilities.nameFilter ? undefined : { names })
    }
    meetAll(world, request.queue, "claim", Model.surelyDead(world.model, session, world.now) ? "deadSession" : "none")
    const before = atRest(world)
    const answer = yield* outcome(world.log.claim(request), world.patience)
    say(world, `claim ${json(request)} → ${told(answer)}`)
    cover(world, "claim", answer, answer._tag === "Ok" && answer.value.grants.length === 0 ? "empty" : "grants")
    yield* observe(world, (window) => {
      if (answer._tag === "Ok") {
        if (Model.surelyDead(world.model, session, window.before)) {
          report(world, ["renewNeverRevives"], `claim of the dead session ${session} was answered`)
        }
        reportAll(world, claimed(world.model, request, answer.value, window, world.capabilities))
        remember(world, request, answer.value.grants)
        world.calls.push({ _tag: "Claim", request, answer: answer.value })
        return []
      }
      unusedCall(world, session)
      sessionRefused(world, "claim", session, answer, window, ["noLostWakeUp"])
      return ["staleTokenRefused"]
    })
    if (answer._tag !== "Ok")
      mustBeAsBefore(world, before, ["staleChangesNothing", "outcomeTruth"], "the claim was refused")
  })

const claimTogether = (world: World, step: Extract<Step, { readonly _tag: "ClaimTogether" }>) =>
  Effect.gen(function* () {
    const requests: Array<ClaimRequest> = []
    for (let slot = 0; slot < step.slots; slot++) {
      const session = yield* sessionOf(world, slot)
      if (session === undefined) return
      requests.push({ session, call: nextCall(world, session), queue: queueOf(step.queue), limit: step.limit })
    }
    meetAll(world, queueOf(step.queue), "claim", "together")
    const answers = yield* Effect.all(
      requests.map((request) => outcome(world.log.claim(request), world.patience)),
      { concurrency: "unbounded" }
    )
    yield* observe(world, (window) => {
      const before = Model.surelyClaimable(world.model, queueOf(step.queue), undefined, window)
      const granted: Array<{ readonly request: ClaimRequest; readonly index: number }> = []
      answers.forEach((answer, i) => {
        const request = requests[i]
        if (request === undefined) return
        say(world, `claim at the same time ${json(request)} → ${told(answer)}`)
        if (answer._tag !== "Ok") return unexpected(world, "claim", ["noLostWakeUp"], answer)
        answer.value.grants.forEach((_, index) => granted.push({ request, index }))
        if (answer.value.grants.length > request.limit) {
          report(
            world,
            ["singleClaimer", "claimAtomic"],
            `claim: asked for ${request.limit}, received ${answer.value.grants.length}`
          )
        }
        world.calls.push({ _tag: "Claim", request, answer: answer.value })
      })
      if (granted.length === 0 && before.length > 0 && requests.length > 0) {
        report(world, ["noLostWakeUp"], `${requests.length} claims at once were all empty`)
      }
      // one history of them all: in the order of their tokens
      const flat = answers.flatMap((answer, i) => {
        const request = requests[i]
        if (answer._tag !== "Ok" || request === undefined) return []
        return answer.value.grants.map((grant) => ({ request, grant, answer: answer.value }))
      })
      const twice = flat.find(({ grant }, i) => flat.findIndex((other) => other.grant.id === grant.id) !== i)
      if (twice !== undefined) {
        report(world, ["singleClaimer", "claimAtomic"], `${twice.grant.id} was granted to two claims at once`)
      }
      flat.sort((a, b) => (a.grant.token < b.grant.token ? -1 : 1))
      for (const { request, grant, answer } of flat) {
        const one = { ...answer, grants: [grant] }
        reportAll(world, claimed(world.model, request, one, window, world.capabilities, true))
        remember(world, request, [grant])
      }
      return []
    })
  })

/** A dead letter where there is one, of every other number. */
const mostlyDead = (world: World, index: number): number => {
  const dead = [...world.model.jobs.values()].flatMap(({ status }, i) => (status === "DeadLettered" ? [i] : []))
  return index === 12 || index % 2 === 1 ? index : (dead[(index / 2) % Math.max(1, dead.length)] ?? index)
}

/**
 * Carries one step out.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const perform = (world: World, step: Step): Effect.Effect<void> => {
  switch (step._tag) {
    case "Enqueue":
      return enqueue(
        world,
        step.items.slice(0, world.capabilities.maxBatch).map((spec) => toItem(world, spec)),
        []
      )
    case "EnqueueAgain":
      return enqueueAgain(world, step)
    case "Claim":
      return claim(world, step)
    case "ClaimTogether":
      return claimTogether(world, step)
    case "Settle":
      return settle(world, step)
    case "SettleAndReclaimTogether":
      return settleAndReclaim(world, step)
    case "CompleteAndCancelTogether":
      return completeAndCancel(world, step)
    case "RepeatCall":
      return repeatCall(world, step)
    case "Renew":
      return renew(world, step)
    case "Close":
      return close(world, step.slot)
    case "Advance":
      return advance(world, step.millis)
    case "AdvanceToExpiry": {
      const session = world.model.sessions.get(inSlot(world, step.slot) ?? "")
      // one that ends with its connection never expires
      return session === undefined || !Number.isFinite(session.expiresAt)
        ? Effect.void
        : advance(world, session.expiresAt - world.now + (step.short ? -1 : 0))
    }
    case "Reclaim":
      return reclaim(world, step.limit)
    case "Cancel":
      return onJob(world, step.job, (id) => ({ _tag: "Cancel", id }))
    case "Pause":
      return control(world, { _tag: "Pause", queue: queueOf(step.queue) })
    case "Resume":
      return control(world, { _tag: "Resume", queue: queueOf(step.queue) })
    case "Redrive":
      return onJob(world, mostlyDead(world, step.job), (id) => ({ _tag: "Redrive", id }))
    case "Reschedule":
      if (step.priority !== undefined && world.capabilities.priorities < 3) return Effect.void
      if (step.at !== undefined && world.capabilities.maxDelay === 0) return Effect.void
      return onJob(world, step.job, (id) => ({
        _tag: "Reschedule",
        id,
        ...(step.delay === undefined ? undefined : { delay: Math.min(step.delay, world.capabilities.maxDelay) }),
        ...(step.at === undefined ? undefined : { at: world.now + Math.min(step.at, world.capabilities.maxDelay) }),
        ...(step.priority === undefined ? undefined : { priority: priorityFor(world.capabilities, step.priority) })
      }))
    case "Purge":
      return onJob(world, step.job, (id) => ({ _tag: "Purge", id }))
    case "Configure":
      // the terms of groups, which a log without groups refuses
      if (!world.capabilities.groups) return Effect.void
      return control(world, {
        _tag: "Configure",
        queue: queueOf(step.queue),
        policy: {
          groupConcurrency: step.groupConcurrency,
          groupOnRetry: step.stepAside ? "stepAside" : "block"
        }
      })
    case "Read":
      return read(world, step)
    case "Crash":
      return crash(world, step.seed)
    case "CrashDuring":
      return crashDuring(world, step)
    case "Restart":
      return restart(world)
    case "FailDuring":
      return failDuring(world, step)
    case "Compact":
      return compact(world, step)
    case "StepClock":
      return stepClock(world, step.millis)
  }
}
