/**
 * What all steps share: finding what a small number means, and judging a call that failed.
 *
 * @since 0.1.0
 */
import type { SettleRequest } from "../src/log/JobLog.ts"
import { cellOf } from "./Coverage.ts"
import type { CellCommand, CellFault, CellState } from "./Coverage.ts"
import type { LawName } from "./LawName.ts"
import * as Model from "./Model.ts"
import { count, json, queueNames, report } from "./World.ts"
import type { Outcome, World } from "./World.ts"

/**
 * A queue by number.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const queueOf = (index: number): string => queueNames[index % queueNames.length] ?? "alpha"

/**
 * A known job by number, counted modulo how many there are.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const jobOf = (world: World, index: number): Model.ModelJob | undefined => {
  const jobs = [...world.model.jobs.values()]
  return jobs[index % Math.max(1, jobs.length)]
}

/**
 * A grant by number, counted back from the latest.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const grantOf = (world: World, index: number) =>
  world.grants[world.grants.length - 1 - (index % world.grants.length)]

/**
 * The session of a slot; slot 3 is that which received the latest grant, whatever slot it has.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const inSlot = (world: World, slot: number): string | undefined => {
  if (slot < 3) return world.slots[slot]
  const latest = world.grants.at(-1)?.session
  return world.slots.find((session) => session !== undefined && session === latest)
}

/** A job's state as the model knows it before the next command. */
const stateOf = (world: World, job: Model.ModelJob | undefined): CellState => {
  if (job === undefined) return "absent"
  switch (job.status) {
    case "Waiting":
      return job.visibleFrom > world.now ? "scheduled" : "ready"
    case "Leased":
      return Model.surelyDead(world.model, job.session ?? "", world.now) ? "expired" : "leased"
    case "Completed":
      return "completed"
    case "DeadLettered":
      return "deadLettered"
    case "Cancelled":
      return job.session === undefined ? "cancelled" : "cancelledHeld"
  }
}

/**
 * Settlements as the cells of the coverage name them.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const settleCommands = {
  Complete: "complete",
  Retry: "retry",
  Release: "release",
  DeadLetter: "deadLetter"
} as const

/**
 * Notes that a command is about to meet a job.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const meet = (
  world: World,
  job: Model.ModelJob | undefined,
  command: CellCommand,
  fault: CellFault = "none"
): void => count(world.cells, cellOf(stateOf(world, job), command, fault))

/**
 * Notes that a command is about to meet every job of a queue, or all; `absent` where there is none.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const meetAll = (world: World, queue: string | undefined, command: CellCommand, fault?: CellFault): void => {
  let met = false
  for (const job of world.model.jobs.values()) {
    if (queue !== undefined && job.item.queue !== queue) continue
    met = true
    meet(world, job, command, fault)
  }
  if (!met) meet(world, undefined, command, fault)
}

/**
 * What is wrong with a grant that a session is about to use, if anything.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const faultOf = (world: World, session: string, id: string, token: bigint): CellFault => {
  const job = world.model.jobs.get(id)
  const dead = Model.surelyDead(world.model, session, world.now)
  const current = job?.session !== undefined && job.token === token
  if (current && job.session === session) return dead ? "late" : "none"
  if (dead) return "deadSession"
  return current ? "otherSession" : "stale"
}

/** Grants that a session still holds in a queue, the oldest first. */
const heldIn = (world: World, session: string, queue: string): ReadonlyArray<Model.ModelJob> =>
  [...world.model.jobs.values()]
    .filter((job) => job.session === session && job.item.queue === queue)
    .sort((a, b) => (a.token < b.token ? -1 : 1))

/**
 * A log that settles by prefix may refuse this call: it leaves out a grant that its session still holds from before.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const outOfOrder = (world: World, request: SettleRequest): boolean => {
  if (world.capabilities.settle === "individual") return false
  const settled = new Set(request.items.map(({ id }) => id))
  return request.items.some(({ id, token }) => {
    const job = world.model.jobs.get(id)
    const older = job === undefined ? [] : heldIn(world, request.session, job.item.queue)
    return older.some((other) => other.token < token && !settled.has(other.id))
  })
}

/**
 * The grant that can be settled: where only a prefix can be, the `index`-th oldest of those that are held with it.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const settleable = <Found extends World["grants"][number]>(world: World, found: Found, index = 0) => {
  if (world.capabilities.settle === "individual") return found
  const job = heldIn(world, found.session, found.grant.queue)[index]
  return world.grants.findLast(({ grant }) => grant.id === job?.id && grant.token === job.token) ?? found
}

/**
 * What the log shows, if nothing can change it but a call: no lease has run out and no deadline has passed.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const atRest = (world: World): Frozen | undefined => {
  const window = { before: world.now, after: world.now }
  let until = Number.POSITIVE_INFINITY
  for (const job of world.model.jobs.values()) {
    if (Model.silentFutures(world.model, job, window).length > 0) return undefined
    const lease = job.session === undefined ? undefined : world.model.sessions.get(job.session)?.expiresAt
    const waits = job.status === "Waiting"
    const due = waits && job.visibleBy > world.since ? job.visibleFrom : undefined
    for (const at of [lease, due, waits ? job.deadline : undefined]) until = Math.min(until, at ?? until)
  }
  return world.shown === undefined || until <= world.now ? undefined : { until, shown: world.shown }
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Frozen {
  /** Nothing changes of itself before this instant. */
  readonly until: number
  readonly shown: string
}

/**
 * After a call that changes nothing, everything is shown as before it, in every field.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const mustBeAsBefore = (
  world: World,
  before: Frozen | undefined,
  laws: ReadonlyArray<LawName>,
  what: string
): void => {
  if (before === undefined || world.now >= before.until || world.shown === before.shown) return
  report(world, laws, `${what}, but it changed something: ${before.shown} became ${world.shown}`)
}

/**
 * Adds a line to the history.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const say = (world: World, line: string): void => {
  // long strings say nothing more than their beginning
  world.lines.push(`   ${line.replace(/"([^"]{60})[^"]{60,}"/g, '"$1…"')}`)
}

/**
 * An outcome in words.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const told = (outcome: Outcome<unknown>): string =>
  outcome._tag === "Ok" ? json(outcome.value) : outcome._tag === "Failed" ? outcome.error.message : outcome.message

/**
 * Notes how a call ended.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const cover = (world: World, operation: string, result: Outcome<unknown>, ok = "Ok"): void =>
  count(world.coverage, `${operation}: ${result._tag === "Failed" ? result.error.reason._tag : ok}`)

/**
 * A call that had no reason to fail.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const unexpected = (
  world: World,
  operation: string,
  laws: ReadonlyArray<LawName>,
  failed: Outcome<unknown>
): void => {
  if (failed._tag === "Ok") return
  const unsupported = failed._tag === "Failed" && failed.error.reason._tag === "Unsupported"
  world.violations.push({
    laws: unsupported ? [...laws, "capabilitiesHonest"] : laws,
    message: `${operation} failed: ${told(failed)}`,
    fundamental: unsupported
  })
}

/**
 * Judges a refusal of a session's call: as dead it must be dead, and anything else had no reason.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const sessionRefused = (
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
