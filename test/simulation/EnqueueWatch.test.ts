import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import { describe, expect, test } from "vitest"
import type { EnqueueItem } from "../../src/log/JobLog.ts"
import { Full, refused, Unavailable, unknown } from "../../src/log/LogError.ts"
import { EnqueueWatch } from "../../src/simulation/EnqueueWatch.ts"
import { FleetHistory } from "../../src/simulation/FleetHistory.ts"
import { judge } from "../../src/simulation/FleetLaws.ts"

const itemOf = (number: number, key?: string): EnqueueItem => ({
  id: `00000000-0000-7000-8000-00000000000${number}`,
  queue: "plain",
  name: "plain",
  version: 1,
  payload: "{}",
  key: key === undefined ? undefined : { value: key, window: 0 }
})

const watched = (...items: ReadonlyArray<EnqueueItem>) => {
  const history = new FleetHistory(() => {})
  history.attempt(items)
  return { history, watch: new EnqueueWatch(history) }
}

const full = Exit.fail(refused("enqueue", new Full({ limit: "maxBacklog", detail: "full" })))
const inserted = (item: EnqueueItem) => Exit.succeed([{ _tag: "Inserted", id: item.id }] as const)

/** What the history says of a job that is there although nobody granted it. */
const broken = (history: FleetHistory, item: EnqueueItem): ReadonlyArray<string> => {
  history.jobs.get(item.id)?.grants.push({
    grant: {
      ...item,
      priority: 0,
      attempt: 1,
      delivery: 1,
      maxAttempts: 1,
      generation: 1,
      enqueuedAt: 0,
      readySince: 0,
      leaseDuration: undefined,
      timeout: undefined,
      deadline: undefined,
      group: undefined,
      metadata: undefined,
      trace: undefined,
      token: 1n,
      receipt: ""
    },
    session: "1-1",
    now: 0,
    answeredAt: 0,
    claimedAt: 0,
    settleSentAt: undefined,
    accepted: undefined
  })
  return judge(history, new Map()).map((violation) => violation.slice(0, violation.indexOf(":")))
}

describe("a refusal", () => {
  const item = itemOf(1)

  test("binds the copy of the request that was refused", () => {
    const { history, watch } = watched(item)
    watch.arrived([item])(full)
    expect(broken(history, item)).toEqual(["refusedHasNoEffect"])
  })

  test("binds no other copy, whichever was answered to the caller", () => {
    const { history, watch } = watched(item)
    const first = watch.arrived([item])
    const second = watch.arrived([item])
    first(full)
    second(inserted(item))
    expect(broken(history, item)).toEqual([])
  })

  test.for([
    ["of which nothing was heard", undefined],
    ["whose outcome is unknown", Exit.fail(unknown("enqueue", new Unavailable({ detail: "" })))],
    ["that was interrupted", Exit.failCause(Cause.interrupt())]
  ] as const)("is none for a copy %s", ([, exit]) => {
    const { history, watch } = watched(item)
    const ended = watch.arrived([item])
    if (exit !== undefined) ended(exit)
    expect(broken(history, item)).toEqual([])
  })
})

describe("an idempotency key", () => {
  const [a, b] = [itemOf(1, "k"), itemOf(2, "k")]
  const duplicateOf = (item: EnqueueItem) => Exit.succeed([{ _tag: "Duplicate", id: item.id, state: "Ready" }] as const)

  test("has one holder at a time", () => {
    const { history, watch } = watched(a, b)
    watch.arrived([a])(inserted(a))
    watch.arrived([b])(inserted(b))
    expect(history.violations).toEqual([`keyHeldOnce: ${b.id} was inserted under the key of ${a.id}`])
  })

  test("is answered with its holder", () => {
    const { history, watch } = watched(a, b, itemOf(3, "other"))
    watch.arrived([a])(inserted(a))
    watch.arrived([b])(duplicateOf(a))
    expect(history.violations).toEqual([])
    watch.arrived([b])(duplicateOf(itemOf(3, "other")))
    expect(history.violations).toHaveLength(1)
  })

  test("may have another holder once the first may have ended, or when the requests crossed", () => {
    const { history, watch } = watched(a, b)
    const crossing = watch.arrived([b])
    watch.arrived([a])(inserted(a))
    crossing(inserted(b))
    const job = history.jobs.get(b.id)
    if (job !== undefined) job.completeSent = true
    watch.arrived([a])(inserted(a))
    expect(history.violations).toEqual([])
  })
})
