/**
 * Carries generated steps out on a log, judging each answer and what the log shows after each step.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { ClaimRequest, ControlCommand, EnqueueItem, SettleItem, SettleRequest } from "../src/log/JobLog.ts"
import type { LawName } from "./LawName.ts"
import { crash, crashDuring } from "./Crash.ts"
import * as Model from "./Model.ts"
import { claimed } from "./ModelClaim.ts"
import { enqueued } from "./ModelEnqueue.ts"
import { controlled, renewed, settled } from "./ModelSettle.ts"
import type { SettleSpec, Step } from "./Step.ts"
import {
  count,
  jobNames,
  json,
  nextCall,
  observe,
  outcome,
  queueNames,
  report,
  reportAll,
  sessionOf,
  toItem,
  unusedCall
} from "./World.ts"
import type { Outcome, World } from "./World.ts"

const queueOf = (index: number): string => queueNames[index % queueNames.length] ?? "alpha"

const jobOf = (world: World, index: number): Model.ModelJob | undefined => {
  const jobs = [...world.model.jobs.values()]
  return jobs[index % Math.max(1, jobs.length)]
}

const grantOf = (world: World, index: number) => world.grants[world.grants.length - 1 - (index % world.grants.length)]

/** The session of a slot; slot 3 is that which received the latest grant, whatever slot it has. */
const inSlot = (world: World, slot: number): string | undefined => {
  if (slot < 3) return world.slots[slot]
  const latest = world.grants.at(-1)?.session
  return world.slots.find((session) => session !== undefined && session === latest)
}

const say = (world: World, line: string): void => void world.lines.push(`   ${line}`)

const told = (outcome: Outcome<unknown>): string =>
  outcome._tag === "Ok" ? json(outcome.value) : outcome._tag === "Failed" ? outcome.error.message : outcome.message

const cover = (world: World, operation: string, result: Outcome<unknown>, ok = "Ok"): void =>
  count(world.coverage, `${operation}: ${result._tag === "Failed" ? result.error.reason._tag : ok}`)

/** A call that had no reason to fail. */
const unexpected = (world: World, operation: string, laws: ReadonlyArray<LawName>, failed: Outcome<unknown>): void => {
  if (failed._tag === "Ok") return
  const unsupported = failed._tag === "Failed" && failed.error.reason._tag === "Unsupported"
  world.violations.push({
    laws: unsupported ? [...laws, "capabilitiesHonest"] : laws,
    message: `${operation} failed: ${told(failed)}`,
    fundamental: unsupported
  })
}

/**
 * Whether a session's refusal is in order. Answers whether the call counts as refused.
 */
const sessionRefused = (
  world: World,
  operation: string,
  session: string,
  failed: Outcome<unknown>,
  window: Model.Window,
  laws: ReadonlyArray<LawName>
): void => {
  if (failed._tag === "Failed" && failed.error.reason._tag === "SessionDead") {
    if (failed.error.outcome !== "refused") {
      report(world, ["staleTokenRefused"], `${operation} by a dead session is answered as ${failed.error.outcome}`)
    }
    if (!Model.surelyDead(world.model, session, window.after)) {
      report(world, ["singleClaimer"], `${operation}: session ${session} is refused as dead, but it is live`)
    }
    return
  }
  unexpected(world, operation, laws, failed)
}

// --- enqueue

const enqueue = (world: World, items: ReadonlyArray<EnqueueItem>, blame: ReadonlyArray<LawName>) =>
  Effect.gen(function* () {
    const answer = yield* outcome(world.log.enqueue(items), world.patience)
    say(world, `enqueue ${json(items)} → ${told(answer)}`)
    if (answer._tag === "Ok") for (const one of answer.value) count(world.coverage, `enqueue: ${one._tag}`)
    yield* observe(world, (window) => {
      if (answer._tag === "Ok") reportAll(world, enqueued(world.model, items, answer.value, window))
      else {
        const keyed = items.some((item) => item.key !== undefined)
        unexpected(world, "enqueue", keyed ? ["atLeastOnce", "keyDeduplicates"] : ["atLeastOnce"], answer)
      }
      return blame
    })
  })

const enqueueAgain = (world: World, step: Extract<Step, { readonly _tag: "EnqueueAgain" }>) =>
  Effect.suspend(() => {
    const job = jobOf(world, step.job)
    if (job === undefined || job.replaced) return Effect.void
    const item = step.otherBytes ? { ...job.item, payload: `${job.item.payload} ` } : job.item
    return enqueue(world, [item], ["enqueueIdempotent"])
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

const claim = (world: World, step: Extract<Step, { readonly _tag: "Claim" }>) =>
  Effect.gen(function* () {
    const dead = step.dead ? world.deadSessions[step.slot % Math.max(1, world.deadSessions.length)] : undefined
    const session = dead ?? (yield* sessionOf(world, step.slot))
    if (session === undefined) return
    const name = step.name === undefined ? undefined : jobNames[step.name % jobNames.length]
    const request: ClaimRequest = {
      session,
      call: nextCall(world, session),
      queue: queueOf(step.queue),
      limit: step.limit,
      ...(name === undefined || !world.capabilities.nameFilter ? undefined : { names: [name] })
    }
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
  })

const claimTogether = (world: World, step: Extract<Step, { readonly _tag: "ClaimTogether" }>) =>
  Effect.gen(function* () {
    const requests: Array<ClaimRequest> = []
    for (let slot = 0; slot < step.slots; slot++) {
      const session = yield* sessionOf(world, slot)
      if (session === undefined) return
      requests.push({ session, call: nextCall(world, session), queue: queueOf(step.queue), limit: step.limit })
    }
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
          report(world, ["singleClaimer"], `claim: asked for ${request.limit}, received ${answer.value.grants.length}`)
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
      flat.sort((a, b) => (a.grant.token < b.grant.token ? -1 : 1))
      for (const { request, grant, answer } of flat) {
        const one = { ...answer, grants: [grant] }
        reportAll(world, claimed(world.model, request, one, window, world.capabilities, true))
        remember(world, request, [grant])
      }
      return []
    })
  })

// --- settle

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

const settle = (world: World, step: Extract<Step, { readonly _tag: "Settle" }>) =>
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

const completeAndCancel = (world: World, step: Extract<Step, { readonly _tag: "CompleteAndCancelTogether" }>) =>
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

const repeatCall = (world: World, step: Extract<Step, { readonly _tag: "RepeatCall" }>) =>
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

// --- sessions and time

const renew = (world: World, step: Extract<Step, { readonly _tag: "Renew" }>) =>
  Effect.gen(function* () {
    // a renewal by whatever session the slot has, expired or not: it must not be replaced first
    const dead = step.dead ? world.deadSessions[step.slot % Math.max(1, world.deadSessions.length)] : undefined
    const session = dead ?? inSlot(world, step.slot) ?? (yield* sessionOf(world, step.slot))
    if (session === undefined) return
    const tokens = (indexes: ReadonlyArray<number>): ReadonlyArray<bigint> =>
      world.grants.length === 0
        ? []
        : [...new Set(indexes.flatMap((index) => grantOf(world, index)?.grant.token ?? []))]
    const request = {
      session,
      call: nextCall(world, session),
      started: tokens(step.started),
      progress: tokens(step.progress).map((token, i) => ({ token, value: `at ${i} of ${world.lines.length}` }))
    }
    const answer = yield* outcome(world.log.renew(request), world.patience)
    say(world, `renew ${json(request)} → ${told(answer)}`)
    cover(world, "renew", answer, answer._tag === "Ok" && answer.value.lost.length > 0 ? "lost" : "Ok")
    if (answer._tag === "Ok" && answer.value.cancelled.length > 0) count(world.coverage, "renew: cancelled")
    if (answer._tag === "Ok" && answer.value.paused.length > 0) count(world.coverage, "renew: paused")
    yield* observe(world, (window) => {
      if (answer._tag === "Ok") {
        if (Model.surelyDead(world.model, session, window.before)) {
          report(world, ["renewNeverRevives"], `the dead session ${session} was renewed`)
        }
        reportAll(world, renewed(world.model, request, answer.value, window))
        return []
      }
      unusedCall(world, session)
      sessionRefused(world, "renew", session, answer, window, ["renewNeverRevives"])
      return ["renewNeverRevives", "staleTokenRefused"]
    })
  })

const close = (world: World, slot: number) =>
  Effect.gen(function* () {
    const index = slot % 3
    const session = world.slots[index] ?? world.deadSessions[slot % Math.max(1, world.deadSessions.length)]
    if (session === undefined) return
    const answer = yield* outcome(world.log.close(session), world.patience)
    say(world, `close ${session} → ${told(answer)}`)
    if (world.slots[index] === session) {
      world.slots[index] = undefined
      world.deadSessions.push(session)
    }
    yield* observe(world, (window) => {
      if (answer._tag === "Ok") Model.closeSession(world.model, session, window)
      else unexpected(world, "close", ["singleClaimer"], answer)
      return []
    })
  })

const advance = (world: World, millis: number) =>
  Effect.gen(function* () {
    if (millis <= 0) return
    yield* world.test.advance(millis)
    say(world, `${millis} ms pass`)
    yield* observe(world, () => [])
  })

const reclaim = (world: World, limit: number) =>
  Effect.gen(function* () {
    if (world.capabilities.reclaim !== "log") return
    const answer = yield* outcome(world.log.reclaim({ limit }), world.patience)
    say(world, `reclaim ${limit} → ${told(answer)}`)
    if (answer._tag === "Ok" && answer.value.reclaimed > 0) count(world.coverage, "reclaim: reclaimed")
    if (answer._tag === "Ok" && answer.value.deadLettered > 0) count(world.coverage, "reclaim: dead-lettered")
    if (answer._tag === "Ok" && answer.value.more) count(world.coverage, "reclaim: more")
    const before = world.now
    yield* observe(world, (window) => {
      if (answer._tag !== "Ok") unexpected(world, "reclaim", ["reclaimOnExpiry"], answer)
      else if (!answer.value.more && !world.capabilities.inspect) Model.reclaimAll(world.model, window)
      return []
    })
    if (answer._tag !== "Ok" || answer.value.more) return
    for (const job of world.model.jobs.values()) {
      if (job.status === "Leased" && Model.surelyDead(world.model, job.session ?? "", before)) {
        report(world, ["reclaimOnExpiry"], `job ${job.id} is still held by the dead session ${job.session}`)
      }
    }
  })

const control = (world: World, command: ControlCommand) =>
  Effect.gen(function* () {
    const answer = yield* outcome(world.log.control([command]), world.patience)
    say(world, `control ${json(command)} → ${told(answer)}`)
    const [first] = answer._tag === "Ok" ? answer.value : []
    cover(world, command._tag, answer, first?._tag === "Refused" ? first.reason : first?._tag)
    yield* observe(world, (window) => {
      if (answer._tag === "Ok") reportAll(world, controlled(world.model, command, answer.value[0], window))
      else unexpected(world, "control", ["cancelIsTerminal", "pauseHolds"], answer)
      return []
    })
  })

const onJob = (world: World, index: number, command: (id: string) => ControlCommand) =>
  Effect.suspend(() => {
    const job = jobOf(world, index)
    return job === undefined ? Effect.void : control(world, command(job.id))
  })

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
        step.items.map((spec) => toItem(world, spec)),
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
      return session === undefined ? Effect.void : advance(world, session.expiresAt - world.now + (step.short ? -1 : 0))
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
      return onJob(world, step.job, (id) => ({ _tag: "Redrive", id }))
    case "Reschedule":
      if (step.priority !== undefined && world.capabilities.priorities === 1) return Effect.void
      return onJob(world, step.job, (id) => ({
        _tag: "Reschedule",
        id,
        ...(step.delay === undefined ? undefined : { delay: step.delay }),
        ...(step.priority === undefined ? undefined : { priority: step.priority })
      }))
    case "Purge": {
      const job = jobOf(world, step.job)
      // what becomes of the key of a purged dead letter is not laid down
      if (job === undefined || (job.status === "DeadLettered" && job.item.key !== undefined)) return Effect.void
      return control(world, { _tag: "Purge", id: job.id })
    }
    case "Configure":
      return control(world, {
        _tag: "Configure",
        queue: queueOf(step.queue),
        policy: {
          groupConcurrency: step.groupConcurrency,
          groupOnRetry: step.stepAside ? "stepAside" : "block"
        }
      })
    case "Crash":
      return crash(world, step.seed)
    case "CrashDuring":
      return crashDuring(world, step)
  }
}
