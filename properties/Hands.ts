/**
 * What all steps share: finding what a small number means, and judging a call that failed.
 *
 * @since 0.1.0
 */
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
