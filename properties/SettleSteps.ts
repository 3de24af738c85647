/**
 * The steps that settle grants, and those that repeat a numbered call.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { ControlCommand, SettleItem, SettleRequest } from "../src/log/JobLog.ts"
import { cover, grantOf, say, sessionRefused, told, unexpected } from "./Hands.ts"
import * as Model from "./Model.ts"
import { controlled, settled } from "./ModelSettle.ts"
import type { SettleSpec, Step } from "./Step.ts"
import { count, json, nextCall, observe, outcome, report, reportAll, sessionOf, toItem, unusedCall } from "./World.ts"
import type { World } from "./World.ts"

const toSettlement = (world: World, spec: SettleSpec): SettleItem["settlement"] => {
  switch (spec.kind) {
    case "Complete": {
      const followUps = spec.followUps.map((followUp) => toItem(world, followUp))
      const bad = spec.badFollowUp
        ? followUps.map((item, i) => (i === 0 ? { ...item, name: "not a name" } : item))
        : followUps
      return { _tag: "Complete", result: spec.result, ...(bad.length === 0 ? undefined : { enqueue: bad }) }
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
    const items = step.items.flatMap((spec, i): ReadonlyArray<SettleItem> => {
      const found = grantOf(world, spec.grant)
      if (found === undefined) return []
      if (spec.badFollowUp && spec.kind === "Complete" && spec.followUps.length > 0) bad.add(i)
      const { id, token, receipt } = found.grant
      return [{ id, token, receipt, settlement: toSettlement(world, spec) }]
    })
    const request: SettleRequest = { session, call: nextCall(world, session), items }
    yield* carrySettle(world, request, bad)
  })

const carrySettle = (world: World, request: SettleRequest, bad: ReadonlySet<number>) =>
  Effect.gen(function* () {
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
      sessionRefused(world, "settle", session, answer, window, ["completedStaysCompleted"])
      return followUps ? ["staleTokenRefused", "followUpsAtomic"] : ["staleTokenRefused"]
    })
  })

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
    const found = held[step.grant % Math.max(1, held.length)]
    if (found === undefined) return
    const { id, token, receipt } = found.grant
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
    const answer =
      call._tag === "Claim"
        ? yield* outcome(world.log.claim(call.request), world.patience)
        : yield* outcome(world.log.settle(call.request), world.patience)
    say(world, `repeat ${call._tag} ${json(call.request)} → ${told(answer)}`)
    cover(world, `repeat ${call._tag}`, answer)
    const shown = (value: unknown): string =>
      json(typeof value === "object" && value !== null && "grants" in value ? value.grants : value)
    if (answer._tag === "Ok") {
      if (shown(answer.value) !== shown(call.answer)) {
        report(world, ["numberedCallsRepeat"], `the repeated ${call._tag} was first answered ${shown(call.answer)}`)
      }
    } else if (!dead || answer._tag !== "Failed" || answer.error.reason._tag !== "SessionDead") {
      report(world, ["numberedCallsRepeat"], `the repeated ${call._tag} failed: ${told(answer)}`)
    }
    yield* observe(world, () => ["numberedCallsRepeat"])
  })
