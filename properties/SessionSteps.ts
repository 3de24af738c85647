/**
 * The steps of sessions, of time, and of operators.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { ControlCommand, ReclaimResult } from "../src/log/JobLog.ts"
import {
  atRest,
  cover,
  faultOf,
  grantOf,
  inSlot,
  jobOf,
  meet,
  meetAll,
  mustBeAsBefore,
  say,
  sessionRefused,
  told,
  unexpected
} from "./Hands.ts"
import * as Model from "./Model.ts"
import { controlled, renewed } from "./ModelSettle.ts"
import type { Step } from "./Step.ts"
import { count, json, nextCall, observe, outcome, report, reportAll, sessionOf, unusedCall } from "./World.ts"
import type { World } from "./World.ts"

/**
 * Renews a session, dead or alive, with marks and progress.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const renew = (world: World, step: Extract<Step, { readonly _tag: "Renew" }>) =>
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
    meetRenewed(world, session, [...request.started, ...request.progress.map((entry) => entry.token)])
    const before = atRest(world)
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
    if (answer._tag !== "Ok") mustBeAsBefore(world, before, changesNothing, "the renewal was refused")
  })

/** Those grants that a renewal speaks of, and all that its session holds. */
const meetRenewed = (world: World, session: string, tokens: ReadonlyArray<bigint>): void => {
  for (const { grant } of world.grants) {
    if (!tokens.includes(grant.token)) continue
    meet(world, world.model.jobs.get(grant.id), "renew", faultOf(world, session, grant.id, grant.token))
  }
  for (const job of world.model.jobs.values()) {
    if (job.session === session && !tokens.includes(job.token)) {
      meet(world, job, "renew", faultOf(world, session, job.id, job.token))
    }
  }
}

const changesNothing = ["staleChangesNothing", "outcomeTruth"] as const

/**
 * Closes a session.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const close = (world: World, slot: number) =>
  Effect.gen(function* () {
    const index = slot % 3
    const session = world.slots[index] ?? world.deadSessions[slot % Math.max(1, world.deadSessions.length)]
    if (session === undefined) return
    for (const job of world.model.jobs.values()) {
      if (job.session === session) meet(world, job, "close", faultOf(world, session, job.id, job.token))
    }
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

/**
 * Takes back what dead sessions hold.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const reclaim = (world: World, limit: number) =>
  Effect.gen(function* () {
    if (world.capabilities.reclaim !== "log") return
    meetAll(world, undefined, "reclaim")
    const answer = yield* outcome(world.log.reclaim({ limit }), world.patience)
    say(world, `reclaim ${limit} → ${told(answer)}`)
    if (answer._tag === "Ok" && answer.value.reclaimed > 0) count(world.coverage, "reclaim: reclaimed")
    if (answer._tag === "Ok" && answer.value.deadLettered > 0) count(world.coverage, "reclaim: dead-lettered")
    if (answer._tag === "Ok" && answer.value.more) count(world.coverage, "reclaim: more")
    const before = world.now
    const jobs = new Map([...world.model.jobs].map(([id, job]) => [id, { ...job }]))
    yield* observe(world, (window) => {
      if (answer._tag !== "Ok") unexpected(world, "reclaim", ["reclaimOnExpiry"], answer)
      else if (!answer.value.more && !world.capabilities.inspect) Model.reclaimAll(world.model, window)
      return ["reclaimGuarded"]
    })
    if (answer._tag !== "Ok") return
    judgeReclaimed(world, jobs, before, answer.value)
    if (answer.value.reclaimed > limit) {
      report(world, ["reclaimOnExpiry"], `reclaim took ${answer.value.reclaimed} back, asked for at most ${limit}`)
    }
    // who is told that there is more calls again, which has to lead somewhere
    const { deadLettered, more, reclaimed } = answer.value
    if (more && (!world.capabilities.inspect || reclaimed > 0 || deadLettered > 0)) return
    for (const job of world.model.jobs.values()) {
      if (job.status === "Leased" && Model.surelyDead(world.model, job.session ?? "", before)) {
        report(world, ["reclaimOnExpiry"], `job ${job.id} is still held by the dead session ${job.session}`)
      }
      if (job.status === "Waiting" && job.deadline !== undefined && job.deadline <= before) {
        report(world, ["deadLettersConserved"], `job ${job.id} still waits, though its deadline has passed`)
      }
    }
  })

/** Holds what a reclaim says that it did against what it did, where that can be seen and nothing else happened. */
const judgeReclaimed = (
  world: World,
  before: ReadonlyMap<string, Model.ModelJob>,
  then: number,
  answer: ReclaimResult
): void => {
  if (!world.capabilities.inspect || world.now !== then) return
  let taken = 0
  let unseen = 0
  let died = 0
  for (const [id, job] of before) {
    const after = world.model.jobs.get(id)
    if (after?.status === "DeadLettered" && job.status !== "DeadLettered") died += 1
    if (job.session === undefined || !Model.surelyDead(world.model, job.session, then)) continue
    // the end of a cancelled job's grant shows nowhere
    if (job.status === "Cancelled") unseen += 1
    else if (job.status === "Leased" && after?.status !== "Leased") taken += 1
  }
  if (answer.reclaimed < taken || answer.reclaimed > taken + unseen) {
    report(world, ["reclaimOnExpiry"], `reclaim answers ${answer.reclaimed} reclaimed, it took back ${taken}`)
  }
  if (answer.deadLettered !== died) {
    report(world, ["reclaimOnExpiry"], `reclaim answers ${answer.deadLettered} dead-lettered, there are ${died} new`)
  }
}

/**
 * Carries out an operator's command.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const control = (world: World, command: ControlCommand) =>
  Effect.gen(function* () {
    if ("id" in command) {
      meet(world, world.model.jobs.get(command.id), commandOf[command._tag])
    } else meetAll(world, command.queue, commandOf[command._tag])
    const before = atRest(world)
    const answer = yield* outcome(world.log.control([command]), world.patience)
    say(world, `control ${json(command)} → ${told(answer)}`)
    const [first] = answer._tag === "Ok" ? answer.value : []
    cover(world, command._tag, answer, first?._tag === "Refused" ? first.reason : first?._tag)
    yield* observe(world, (window) => {
      if (answer._tag === "Ok") reportAll(world, controlled(world.model, command, answer.value[0], window))
      else unexpected(world, "control", ["cancelIsTerminal", "pauseHolds"], answer)
      return []
    })
    if (first?._tag === "Refused") mustBeAsBefore(world, before, ["outcomeTruth"], `${command._tag} was refused`)
  })

const commandOf = {
  Cancel: "cancel",
  Redrive: "redrive",
  Reschedule: "reschedule",
  Purge: "purge",
  Pause: "pause",
  Resume: "resume",
  Configure: "configure"
} as const

/**
 * Carries out a command on a job by number.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const onJob = (world: World, index: number, command: (id: string) => ControlCommand) =>
  Effect.suspend(() => {
    // the last number stands for a job that nobody knows
    const job = index === 12 ? undefined : jobOf(world, index)
    return control(world, command(job?.id ?? "00000000-0000-4000-8000-ffffffffffff"))
  })
