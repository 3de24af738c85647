/**
 * What comes after every history of the law of numbered calls: a claim that is sent again late.
 *
 * @since 0.1.0
 */
import { afterwards } from "./Afterwards.ts"
import type { LaterStep } from "./Afterwards.ts"
import type { JobSpec, SettleSpec, Step } from "./Step.ts"

/** Large enough that the jobs of one call fill a file of a log under test. */
const job: JobSpec = { queue: 0, name: 0, payload: `"${"x".repeat(1500)}"`, priority: -2 }

const compact: Step = { _tag: "Compact", crash: false, turns: 0, seed: 0 }

/** The record of the job that was granted last but so many goes. */
const purgeGranted =
  (back: number): LaterStep =>
  ({ grants, model }) => {
    const index = [...model.jobs.keys()].indexOf(grants.at(-1 - back)?.grant.id ?? "")
    return index === -1 ? undefined : { _tag: "Purge", job: index }
  }

const complete = (grant: number): SettleSpec => ({
  grant,
  kind: "Complete",
  delay: 0,
  result: "",
  plain: true,
  followUps: [],
  badFollowUp: false
})

const grants = [0, 1, 2]

/** Jobs come, are done and go. */
const passing: ReadonlyArray<LaterStep> = [
  { _tag: "Enqueue", items: grants.map(() => job) },
  { _tag: "Claim", slot: 2, queue: 0, limit: grants.length, dead: false },
  { _tag: "Settle", items: grants.map(complete), otherSession: false },
  ...grants.map(purgeGranted)
]

/**
 * A claim is sent again after all that it granted has gone, and the storage was rewritten.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const askAgain = afterwards(
  [
    { _tag: "Resume", queue: 0 },
    ...passing,
    ...passing,
    compact,
    { _tag: "RepeatCall", call: 0 },
    { _tag: "RepeatCall", call: 1 }
  ],
  "compact"
)
