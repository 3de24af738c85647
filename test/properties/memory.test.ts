import * as Effect from "effect/Effect"
import { afterAll, expect, test } from "vitest"
import { formatReport, lawNames, laws } from "../../properties/index.ts"
import { memoryHarness } from "./memoryHarness.ts"
import { runs, seed } from "./runs.ts"

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

const reached = new Map<string, number>()
const checked = new Set<string>()

// nothing of a log in memory outlives its process
const unclaimed = new Set<string>([
  "recoveryIsLegalPrefix",
  "atomicBatch",
  "readYourDurability",
  "durabilityNamed",
  "recoveryIdempotent",
  "recoveryBound",
  "compactionKeepsAll",
  "poisonOnSyncError",
  "haltOnDamage",
  "versionSafe",
  "singleOwner",
  "quiescence"
])

test.for(lawNames)("memory: %s", { timeout: 120_000 }, async (name) => {
  const result = await Effect.runPromise(
    laws[name].check(memoryHarness, { seed: seed(), runs: runs(50), strict: true })
  )
  checked.add(name)
  for (const [what, times] of Object.entries(result.coverage)) reached.set(what, (reached.get(what) ?? 0) + times)
  const report = { log: "memory", capabilities: {} as never, crashes: false, laws: [result], passed: true }
  expect(result.outcome, formatReport(report)).toBe(unclaimed.has(name) ? "notClaimed" : "passed")
})

afterAll(() => {
  // only a run of all laws can tell
  if (checked.size < lawNames.length) return
  expect(situations.filter((what) => (reached.get(what) ?? 0) === 0)).toEqual([])
})
