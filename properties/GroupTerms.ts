/**
 * What comes after every history of the law of groups: each rule that a queue can have for its groups, kept over a
 * crash, with a head that backs off.
 *
 * @since 0.1.0
 */
import { afterwards } from "./Afterwards.ts"
import type { JobSpec, SettleSpec, Step } from "./Step.ts"

const member = (group: number): JobSpec => ({ queue: 0, name: 0, payload: "{}", priority: -2, group })

const settle = (grant: number, kind: SettleSpec["kind"]): Step => ({
  _tag: "Settle",
  items: [{ grant, kind, delay: 1000, result: "ok", followUps: [], badFollowUp: false }],
  otherSession: false
})

const claim: Step = { _tag: "Claim", slot: 2, queue: 0, limit: 10, dead: false }

const under = (groupConcurrency: number, stepAside: boolean, group: number): ReadonlyArray<Step> => [
  { _tag: "Configure", queue: 0, groupConcurrency, stepAside },
  { _tag: "Crash", seed: 3 },
  { _tag: "Enqueue", items: [member(group), member(group), member(group), member(group)] },
  claim,
  settle(0, "Retry"),
  claim,
  settle(0, "Complete"),
  claim
]

/**
 * The groups are not those of the history, whose jobs do not stand before them.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const tryGroupTerms = afterwards([
  { _tag: "Resume", queue: 0 },
  ...under(1, true, 10),
  ...under(2, false, 11),
  ...under(2, true, 12),
  { _tag: "Advance", millis: 1000 },
  claim,
  // one that died comes back into the line, before those that came meanwhile
  { _tag: "Configure", queue: 0, groupConcurrency: 1, stepAside: false },
  { _tag: "Enqueue", items: [member(13)] },
  claim,
  settle(0, "DeadLetter"),
  ({ grants, model }) => {
    const index = [...model.jobs.keys()].indexOf(grants.at(-1)?.grant.id ?? "")
    return index === -1 ? undefined : { _tag: "Redrive", job: index }
  },
  { _tag: "Enqueue", items: [member(13)] },
  claim
])
