import * as Effect from "effect/Effect"
import { expect, test } from "vitest"
import { laws } from "../../properties/index.ts"
import type { Harness } from "../../properties/index.ts"
import { fileHarness } from "./fileHarness.ts"
import { memoryHarness } from "./memoryHarness.ts"

const covered = async (harness: Harness, runs: number): Promise<Map<string, number>> => {
  const total = new Map<string, number>()
  for (const law of Object.values(laws)) {
    const { coverage } = await Effect.runPromise(law.check(harness, { seed: 11, runs }))
    for (const [what, times] of Object.entries(coverage)) total.set(what, (total.get(what) ?? 0) + times)
  }
  return total
}

/** Situations without which the laws would say nothing about a duty. */
const situations = [
  "enqueue: Inserted",
  "enqueue: Duplicate",
  "enqueue: Replaced",
  "enqueue: Refused",
  "claim: grants",
  "claim: empty",
  "claim: SessionDead",
  "grant: first",
  "grant: again",
  "grant: later attempt",
  "grant: later generation",
  "settle Complete: Completed",
  "settle Complete: refused stale",
  "settle Complete: refused completed",
  "settle Complete: refused cancelled",
  "settle Complete: refused invalidFollowUp",
  "settle Retry: Ready",
  "settle Retry: Scheduled",
  "settle Retry: DeadLettered",
  "settle Release: Ready",
  "settle Release: Scheduled",
  "settle Release: DeadLettered",
  "settle Release: Cancelled",
  "settle DeadLetter: DeadLettered",
  "settle: SessionDead",
  "renew: Ok",
  "renew: lost",
  "renew: cancelled",
  "renew: paused",
  "renew: SessionDead",
  "repeat Claim: Ok",
  "repeat Settle: Ok",
  "repeat Claim: SessionDead",
  "reclaim: reclaimed",
  "reclaim: dead-lettered",
  "reclaim: more",
  "Cancel: Done",
  "Cancel: completed",
  "Cancel: cancelled",
  "Pause: Done",
  "Resume: Done",
  "Redrive: Done",
  "Redrive: notDeadLettered",
  "Reschedule: Done",
  "Reschedule: leased",
  "Purge: Done",
  "Purge: notTerminal",
  "Configure: Done",
  "read: some",
  "cancel against complete: cancel",
  "cancel against complete: complete"
]

const crashes = [
  "crash during a call: answered",
  "crash during a call: unknown",
  "crash during a call: kept",
  "crash during a call: lost"
]

test("the histories reach every situation that a law speaks about", { timeout: 120_000 }, async () => {
  const seen = await covered(memoryHarness, 35)
  expect(situations.filter((what) => (seen.get(what) ?? 0) < 3)).toEqual([])
})

test("crashes meet calls before, in the middle of and after their becoming durable", { timeout: 120_000 }, async () => {
  const { coverage } = await Effect.runPromise(laws.recoveryIsLegalPrefix.check(fileHarness, { seed: 11, runs: 40 }))
  expect(crashes.filter((what) => (coverage[what] ?? 0) < 3)).toEqual([])
})
