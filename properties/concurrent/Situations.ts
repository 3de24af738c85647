/**
 * What a concurrent history has met: a generator that never reaches a situation says nothing about it.
 *
 * @since 0.1.0
 */
import { count } from "../World.ts"
import { valueOf } from "./Facts.ts"
import type { Facts } from "./Facts.ts"

/**
 * Counts situations.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const countSituations = (facts: Facts, coverage: Map<string, number>): void => {
  const met = (what: string): void => count(coverage, what)
  for (const { fault, op, repeats } of facts.history.operations) {
    if (fault !== undefined) met(`${fault} ${op}`)
    if (repeats !== undefined) met(`repeated ${op}`)
  }
  for (const claim of facts.claims) {
    const granted = valueOf(claim)?.grants.length
    if (granted === undefined) continue
    met(granted === 0 ? "empty claim" : "claim with grants")
    if (
      facts.claims.some(
        (other) => other.inv < claim.inv && claim.inv < other.res && other.res < Number.POSITIVE_INFINITY
      )
    ) {
      met(granted === 0 ? "empty claim beside another" : "claim with grants beside another")
    }
  }
  for (const job of facts.jobs.values()) {
    for (const { answer, call, kind } of job.settles) {
      if (answer === undefined) continue
      met(`${kind}: ${answer}`)
      const rivals = [...job.settles.map((settle) => settle.call), ...job.cancels]
      if (rivals.some((other) => other !== call && other.inv < call.res && call.inv < other.res)) {
        met("settle beside another settle or cancel of the job")
      }
    }
    for (const call of job.cancels) met(`cancel: ${valueOf(call) ?? call.outcome.tag}`)
    for (const call of job.redrives) met(`redrive: ${valueOf(call) ?? call.outcome.tag}`)
    job.grants.forEach(({ claim, grant }, i) => {
      const former = job.grants[i - 1]
      if (former === undefined) {
        if (grant.delivery > 1) met("grant after one that nobody was told of")
        return
      }
      if (grant.generation > former.grant.generation) return met("grant after a redrive")
      const back = job.settles.some(
        ({ answer, token }) => token === former.token && (answer === "Ready" || answer === "Scheduled")
      )
      const closed = facts.closes.some(({ args, inv }) => args.session === former.session && inv < claim.res)
      met(back ? "grant after a retry or release" : closed ? "grant after a close" : "grant after a lost lease")
      if (grant.delivery > former.grant.delivery + 1) met("grant after one that nobody was told of")
    })
  }
}
