/**
 * Rules about outcomes: what is refused has not happened and had a reason, what is repeated is answered as before, and
 * who is dead stays dead.
 *
 * @since 0.1.0
 */
import { valueOf } from "./Facts.ts"
import type { Call, Facts } from "./Facts.ts"
import { ruleOf } from "./Finding.ts"
import type { Finding } from "./Finding.ts"
import { formatOperation } from "./History.ts"
import type { Of, Operation, Outcome } from "./History.ts"

/** Refusals for which a log may have its own reasons at any time. */
const passing = new Set(["SessionDead", "Unavailable", "Poisoned", "Full", "OwnedBy", "Closed"])

/** What of an answer has to be the same when it is given again. */
const essence = (operation: Operation): string => {
  if (operation.outcome.tag !== "Ok") return ""
  switch (operation.op) {
    case "claim":
      return JSON.stringify(
        (operation as Of<"claim"> & { outcome: { value: { grants: unknown } } }).outcome.value.grants
      )
    default:
      return JSON.stringify(operation.outcome.value)
  }
}

const repeats = (sendings: ReadonlyArray<Operation>): Finding | undefined => {
  const ok = sendings.filter(({ outcome }) => outcome.tag === "Ok")
  const first = ok[0]
  const other = ok.find((sending) => first !== undefined && essence(sending) !== essence(first))
  if (first === undefined || other === undefined) return undefined
  const message = `the same call was answered in two ways: ${formatOperation(first)}, and ${formatOperation(other)}`
  return ruleOf("repeatDiffers", message, [first.id, other.id])
}

const refusal = (facts: Facts, operation: Operation): Finding | undefined => {
  const { inv, outcome, res } = operation
  if (operation.op === "enqueue" && outcome.tag === "Ok") {
    const answers = (outcome as Extract<Outcome<ReadonlyArray<string>>, { tag: "Ok" }>).value
    const inserted = answers.length === operation.args.jobs.length && answers.every((answer) => answer === "Inserted")
    return inserted
      ? undefined
      : ruleOf("refusedForNothing", `new jobs without keys: ${formatOperation(operation)}`, [operation.id])
  }
  if (operation.op === "settle" && outcome.tag === "Ok") {
    const answers = (outcome as Extract<Outcome<ReadonlyArray<string>>, { tag: "Ok" }>).value
    if (answers.length === operation.args.items.length) return undefined
    return ruleOf("refusedForNothing", `an answer per item: ${formatOperation(operation)}`, [operation.id])
  }
  if (outcome.tag !== "Refused") return undefined
  const byPrefix = operation.op === "settle" && facts.history.promises.settle === "prefix"
  // such a log may be left with older grants that the call does not name
  if (byPrefix && outcome.reason === "Unsupported") return undefined
  if (!passing.has(outcome.reason)) {
    return ruleOf("refusedForNothing", `nothing is wrong with it: ${formatOperation(operation)}`, [operation.id])
  }
  if (outcome.reason !== "SessionDead") return undefined
  if (operation.op !== "renew" && operation.op !== "claim" && operation.op !== "settle") return undefined
  if (facts.sessions.get(operation.args.session)?.mayBeDead(inv, res) !== false) return undefined
  return ruleOf("refusedAsDead", `the session was live: ${formatOperation(operation)}`, [operation.id])
}

type SessionCall = Call<"renew"> | Call<"claim"> | Call<"settle">

/** Whether some sending before this call was refused because its session was dead; a late settle may pass yet. */
const knownDead = (calls: ReadonlyArray<SessionCall>, call: SessionCall, settles: boolean): Operation | undefined => {
  for (const other of calls) {
    if (other.args.session !== call.args.session) continue
    for (const sending of other.sendings) {
      const { outcome, res } = sending
      if (outcome.tag !== "Refused" || outcome.reason !== "SessionDead" || res > call.inv) continue
      if (!settles || sending.op === "settle") return sending
    }
  }
  return undefined
}

const deadSession = (facts: Facts, calls: ReadonlyArray<SessionCall>, call: SessionCall): Finding | undefined => {
  if (call.outcome.tag !== "Ok") return undefined
  const settles = call.sendings[0]?.op === "settle"
  const session = facts.sessions.get(call.args.session)
  const late = settles && facts.history.promises.lateSettle === "accepted"
  const dead = late ? session?.surelyEnded(call.inv) : session?.surelyDead(call.inv, call.res, call.id)
  const told = knownDead(calls, call, late)
  if (dead !== true && told === undefined) return undefined
  const [sending] = call.sendings
  const why = told === undefined ? "it had ended" : `it was refused before: ${formatOperation(told)}`
  const message = `a dead session acts: ${sending === undefined ? "" : formatOperation(sending)}; ${why}`
  return ruleOf("deadSessionActs", message, [call.id, ...(told === undefined ? [] : [told.id])])
}

/**
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const outcomeRules = (facts: Facts): ReadonlyArray<Finding> => {
  const findings: Array<Finding | undefined> = []
  const calls: ReadonlyArray<SessionCall> = [...facts.claims, ...facts.settles, ...facts.renews]
  for (const call of [...facts.enqueues, ...calls]) findings.push(repeats(call.sendings))
  for (const operation of facts.history.operations) findings.push(refusal(facts, operation))
  for (const call of calls) findings.push(deadSession(facts, calls, call))
  const listed = new Set(facts.lists.flatMap((list) => valueOf(list) ?? []))
  for (const job of facts.jobs.values()) {
    if (job.enqueue?.outcome.tag !== "Refused") continue
    const read = job.reads.find((call) => (valueOf(call) ?? null) !== null)
    const grant = job.grants[0]
    if (grant === undefined && read === undefined && !listed.has(job.id)) continue
    findings.push(
      ruleOf("refusedButThere", `job ${job.id} is there, but its enqueue was refused`, [
        job.enqueue.id,
        ...(grant === undefined ? [] : [grant.claim.id]),
        ...(read === undefined ? [] : [read.id])
      ])
    )
  }
  return findings.filter((finding) => finding !== undefined)
}
