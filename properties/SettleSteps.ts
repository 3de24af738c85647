/**
 * The steps that settle grants, and those that repeat a numbered call.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { ControlCommand, SettleItem, SettleRequest } from "../src/log/JobLog.ts"
import { advance } from "./Time.ts"
import {
  atRest,
  cover,
  faultOf,
  grantOf,
  meet,
  mustBeAsBefore,
  outOfOrder,
  say,
  sessionRefused,
  settleable,
  settleCommands,
  told,
  unexpected
} from "./Hands.ts"
import * as Model from "./Model.ts"
import { controlled, renewed, settled } from "./ModelSettle.ts"
import type { SettleSpec, Step } from "./Step.ts"
import { count, json, nextCall, observe, outcome, report, reportAll, sessionOf, toItem, unusedCall } from "./World.ts"
import type { Outcome, World } from "./World.ts"

/**
 * A settlement as its specification says; `badFollowUp` spoils the first follow-up. Follow-ups go to the job's own
 * `queue` where an atomic step reaches no further.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const toSettlement = (world: World, spec: SettleSpec, queue: string): SettleItem["settlement"] => {
  switch (spec.kind) {
    case "Complete": {
      const within = world.capabilities.atomic === "queue" ? { queue } : undefined
      const followUps = spec.followUps.map((followUp) => ({ ...toItem(world, followUp), ...within }))
      const bad = spec.badFollowUp
        ? followUps.map((item, i) => (i === 0 ? { ...item, name: "not a name" } : item))
        : followUps
      return {
        _tag: "Complete",
        ...(spec.plain === true ? undefined : { result: spec.result }),
        ...(bad.length === 0 ? undefined : { enqueue: bad })
      }
    }
    case "Retry":
      return { _tag: "Retry", delay: spec.delay, cause: { kind: "failure", tag: "Declined", message: spec.result } }
    case "Release":
      return { _tag: "Release", ...(spec.delay === 0 ? undefined : { delay: spec.delay }) }
    case "DeadLetter":
      return { _tag: "DeadLetter", cause: { kind: "undecodable", message: spec.result } }
  }
}

/**
 * Settles some of the grants seen so far, current or stale.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const settle = (world: World, step: Extract<Step, { readonly _tag: "Settle" }>) =>
  Effect.gen(function* () {
    if (world.grants.length === 0) return
    const first = grantOf(world, step.items[0]?.grant ?? 0)
    if (first === undefined) return
    const other = step.otherSession ? yield* sessionOf(world, 0) : undefined
    const session = other ?? first.session
    const bad = new Set<number>()
    const items = step.items.slice(0, world.capabilities.maxBatch).flatMap((spec, i): ReadonlyArray<SettleItem> => {
      const named = grantOf(world, spec.grant)
      if (named === undefined) return []
      // out of order now and then, which has to be refused
      const found = step.items.length === 3 ? named : settleable(world, { ...named, session }, i)
      if (spec.badFollowUp && spec.kind === "Complete" && spec.followUps.length > 0) bad.add(i)
      const { id, token, receipt } = found.grant
      return [{ id, token, receipt, settlement: toSettlement(world, spec, found.grant.queue) }]
    })
    const request: SettleRequest = { session, call: nextCall(world, session), items }
    yield* carrySettle(world, request, bad)
  })

const carrySettle = (world: World, request: SettleRequest, bad: ReadonlySet<number>) =>
  Effect.gen(function* () {
    for (const { id, token, settlement } of request.items) {
      const fault = faultOf(world, request.session, id, token)
      meet(world, world.model.jobs.get(id), settleCommands[settlement._tag], fault)
    }
    const before = atRest(world)
    const answer = yield* outcome(world.log.settle(request), world.patience)
    say(world, `settle ${json(request)} → ${told(answer)}`)
    if (answer._tag !== "Ok") cover(world, "settle", answer)
    else {
      answer.value.forEach((one, i) => {
        const ended = one._tag === "Settled" ? one.state : one._tag === "Refused" ? `refused ${one.reason}` : one._tag
        count(world.coverage, `settle ${request.items[i]?.settlement._tag}: ${ended}`)
      })
    }
    const followUps = request.items.some(({ settlement }) => settlement._tag === "Complete" && settlement.enqueue)
    yield* observe(world, (window) => {
      const session = request.session
      if (answer._tag === "Ok") {
        const dead = Model.surelyDead(world.model, session, window.before)
        const allowed = world.capabilities.lateSettle === "accepted" && !Model.ended(world.model, session)
        if (dead && !allowed && world.capabilities.fence === "strict") {
          report(world, ["staleTokenRefused"], `settle of the dead session ${session} was answered`)
        }
        reportAll(world, settled(world.model, request, bad, answer.value, window, world.capabilities))
        world.calls.push({ _tag: "Settle", request, answer: answer.value })
        const refusals = answer.value.some((one) => one._tag === "Refused")
        return refusals ? (followUps ? ["staleTokenRefused", "followUpsAtomic"] : ["staleTokenRefused"]) : []
      }
      unusedCall(world, session)
      if (!prefixOnly(world, request, answer)) {
        sessionRefused(world, "settle", session, answer, window, ["completedStaysCompleted"])
      }
      return followUps ? ["staleTokenRefused", "followUpsAtomic"] : ["staleTokenRefused"]
    })
    if (answer._tag !== "Ok" || answer.value.every((one) => one._tag === "Refused")) {
      mustBeAsBefore(world, before, ["staleChangesNothing", "outcomeTruth"], "the settlement was refused")
    }
  })

/** The call was refused because it leaves out an older grant. */
const prefixOnly = (world: World, request: SettleRequest, answer: Outcome<unknown>): boolean =>
  answer._tag === "Failed" &&
  answer.error.outcome === "refused" &&
  answer.error.reason._tag === "Unsupported" &&
  outOfOrder(world, request)

/**
 * Completes a running job and cancels it at the same time.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const completeAndCancel = (world: World, step: Extract<Step, { readonly _tag: "CompleteAndCancelTogether" }>) =>
  Effect.gen(function* () {
    const held = world.grants.filter(({ grant, session }) => {
      const job = world.model.jobs.get(grant.id)
      return job?.status === "Leased" && job.token === grant.token && !Model.surelyDead(world.model, session, world.now)
    })
    const any = held[step.grant % Math.max(1, held.length)]
    if (any === undefined) return
    const found = settleable(world, any)
    const { id, token, receipt } = found.grant
    if (world.model.jobs.get(id)?.status !== "Leased") return
    meet(world, world.model.jobs.get(id), "complete", "together")
    meet(world, world.model.jobs.get(id), "cancel", "together")
    const request: SettleRequest = {
      session: found.session,
      call: nextCall(world, found.session),
      items: [{ id, token, receipt, settlement: { _tag: "Complete" } }]
    }
    const command: ControlCommand = { _tag: "Cancel", id }
    const settling = outcome(world.log.settle(request), world.patience)
    const cancelling = outcome(world.log.control([command]), world.patience)
    const concurrency = { concurrency: "unbounded" } as const
    const [settlingEnd, cancellingEnd] = step.cancelFirst
      ? yield* Effect.map(Effect.all([cancelling, settling], concurrency), ([b, a]) => [a, b] as const)
      : yield* Effect.all([settling, cancelling], concurrency)
    say(world, `complete ${id} → ${told(settlingEnd)}; cancel at the same time → ${told(cancellingEnd)}`)
    yield* observe(world, (window) => {
      if (settlingEnd._tag !== "Ok") unexpected(world, "settle", ["cancelIsTerminal"], settlingEnd)
      if (cancellingEnd._tag !== "Ok") unexpected(world, "control", ["cancelIsTerminal"], cancellingEnd)
      if (settlingEnd._tag !== "Ok" || cancellingEnd._tag !== "Ok") return []
      const judgeSettle = () =>
        reportAll(world, settled(world.model, request, new Set(), settlingEnd.value, window, world.capabilities))
      const judgeCancel = () => reportAll(world, controlled(world.model, command, cancellingEnd.value[0], window))
      count(
        world.coverage,
        `cancel against complete: ${cancellingEnd.value[0]?._tag === "Done" ? "cancel" : "complete"}`
      )
      if (cancellingEnd.value[0]?._tag === "Done") {
        judgeCancel()
        judgeSettle()
      } else {
        judgeSettle()
        judgeCancel()
      }
      return []
    })
  })

/**
 * Sends a numbered call again.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const repeatCall = (world: World, step: Extract<Step, { readonly _tag: "RepeatCall" }>) =>
  Effect.gen(function* () {
    // answers are kept for the latest calls of a session: ask for none older than the last two
    const latest = world.calls.filter((call, i) => {
      const later = world.calls.slice(i + 1).filter((other) => other.request.session === call.request.session)
      return later.length < 2
    })
    const call = latest[latest.length - 1 - (step.call % Math.max(1, latest.length))]
    if (call === undefined) return
    const dead = Model.surelyDead(world.model, call.request.session, world.now)
    if (call._tag === "Claim") {
      for (const { id } of call.answer.grants) meet(world, world.model.jobs.get(id), "claim", "repeated")
    } else {
      for (const { id, settlement } of call.request.items) {
        meet(world, world.model.jobs.get(id), settleCommands[settlement._tag], "repeated")
      }
    }
    const before = atRest(world)
    const answer =
      call._tag === "Claim"
        ? yield* outcome(world.log.claim(call.request), world.patience)
        : yield* outcome(world.log.settle(call.request), world.patience)
    say(world, `repeat ${call._tag} ${json(call.request)} → ${told(answer)}`)
    cover(world, `repeat ${call._tag}`, answer)
    const shown = (value: unknown): string =>
      json(typeof value === "object" && value !== null && "grants" in value ? value.grants : value)
    if (answer._tag === "Ok") {
      // who cannot verify may take what a dead session sends again, and says so
      const unverified =
        dead && world.capabilities.fence !== "strict" && json(answer.value).includes('"_tag":"Unverified"')
      if (shown(answer.value) !== shown(call.answer) && !unverified) {
        report(world, ["numberedCallsRepeat"], `the repeated ${call._tag} was first answered ${shown(call.answer)}`)
      }
    } else if (!dead || answer._tag !== "Failed" || answer.error.reason._tag !== "SessionDead") {
      report(world, ["numberedCallsRepeat"], `the repeated ${call._tag} failed: ${told(answer)}`)
    }
    yield* observe(world, () => ["numberedCallsRepeat"])
    mustBeAsBefore(world, before, ["numberedCallsRepeat"], `the repeated ${call._tag} was answered from memory`)
  })

/**
 * Settles or renews at the instant of expiry, or just short of it, while the dead are taken back.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const settleAndReclaim = (world: World, step: Extract<Step, { readonly _tag: "SettleAndReclaimTogether" }>) =>
  Effect.gen(function* () {
    if (world.capabilities.reclaim !== "log" || world.capabilities.lease !== "timed") return
    const held = world.grants.filter(({ grant, session }) => {
      const job = world.model.jobs.get(grant.id)
      return job?.status === "Leased" && job.session === session && job.token === grant.token
    })
    const any = held[step.grant % Math.max(1, held.length)]
    const found = any === undefined ? undefined : settleable(world, any)
    const session = world.model.sessions.get(found?.session ?? "")
    if (found === undefined || session === undefined || session.ended) return
    yield* advance(world, session.expiresAt - world.now + (step.short ? -1 : 0))
    const { id, token, receipt } = found.grant
    const call = nextCall(world, session.id)
    const request: SettleRequest = {
      session: session.id,
      call,
      items: [{ id, token, receipt, settlement: { _tag: "Complete" } }]
    }
    const renewal = { session: session.id, call, started: [], progress: [] }
    const acting = step.renew
      ? outcome(world.log.renew(renewal), world.patience)
      : outcome(world.log.settle(request), world.patience)
    const reclaiming = outcome(world.log.reclaim({ limit: 100 }), world.patience)
    const concurrency = { concurrency: "unbounded" } as const
    const [acted, reclaimed] = step.reclaimFirst
      ? yield* Effect.map(Effect.all([reclaiming, acting], concurrency), ([b, a]) => [a, b] as const)
      : yield* Effect.all([acting, reclaiming], concurrency)
    say(world, `${step.renew ? "renew" : "complete"} of ${id} → ${told(acted)}; reclaim → ${told(reclaimed)}`)
    yield* observe(world, (window) => {
      if (reclaimed._tag !== "Ok") unexpected(world, "reclaim", ["reclaimOnExpiry"], reclaimed)
      if (acted._tag !== "Ok") {
        unusedCall(world, session.id)
        sessionRefused(world, step.renew ? "renew" : "settle", session.id, acted, window, ["reclaimGuarded"])
      } else if ("length" in acted.value) {
        reportAll(world, settled(world.model, request, new Set(), acted.value, window, world.capabilities))
        world.calls.push({ _tag: "Settle", request, answer: acted.value })
      } else {
        if (Model.surelyDead(world.model, session.id, window.before)) {
          report(world, ["renewNeverRevives"], `the dead session ${session.id} was renewed`)
        }
        reportAll(world, renewed(world.model, renewal, acted.value, window))
      }
      return ["reclaimGuarded"]
    })
  })
