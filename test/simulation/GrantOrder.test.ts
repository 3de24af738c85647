/** What laws of fleets may make of grants that were not seen, and of ids that come again. */
import { describe, expect, test } from "vitest"
import type { EnqueueItem, Grant, QueuePolicy, Settlement } from "../../src/log/JobLog.ts"
import type { JobView } from "../../src/log/Read.ts"
import { FleetHistory, type GrantRecord, type JobRecord } from "../../src/simulation/FleetHistory.ts"
import { judge } from "../../src/simulation/FleetLaws.ts"

const itemOf = (number: number, more: Partial<EnqueueItem> = {}): EnqueueItem => ({
  id: `00000000-0000-7000-8000-00000000000${number}`,
  queue: "grouped",
  name: "grouped",
  version: 1,
  payload: "{}",
  ...more
})

const historyOf = (policy: QueuePolicy | undefined, ...items: ReadonlyArray<EnqueueItem>): FleetHistory => {
  const history = new FleetHistory(() => {})
  history.policy = policy
  history.attempt(items)
  for (const job of history.jobs.values()) {
    job.maybe = 1
    job.insertedAt = 0
  }
  return history
}

const jobOf = (history: FleetHistory, item: EnqueueItem): JobRecord => {
  const job = history.jobs.get(item.id)
  if (job === undefined) throw new Error("no such job")
  return job
}

/** The log gives the job away, and the grant is seen. */
const grants = (
  history: FleetHistory,
  item: EnqueueItem,
  grant: Pick<Grant, "token" | "delivery"> & Partial<Grant>,
  accepted?: Settlement,
  more: Partial<Pick<GrantRecord, "session" | "answeredAt">> = {}
): void => {
  const job = jobOf(history, item)
  const record = {
    grant: {
      ...item,
      priority: item.priority ?? 0,
      attempt: 1,
      maxAttempts: 1,
      generation: 1,
      enqueuedAt: 0,
      readySince: 0,
      leaseDuration: undefined,
      timeout: undefined,
      deadline: undefined,
      group: item.group,
      metadata: undefined,
      trace: undefined,
      receipt: "",
      ...grant
    },
    session: "1-1",
    now: 0,
    answeredAt: 10 * Number(grant.token),
    claimedAt: 5,
    settleSentAt: accepted === undefined ? undefined : 10 * Number(grant.token) + 1,
    accepted,
    ...more
  }
  job.grants.push(record)
  history.grants.set(grant.token, record)
  if (accepted?._tag === "Complete") job.completeSent = true
}

const viewOf = (item: EnqueueItem, more: Partial<JobView> & Pick<JobView, "state" | "sequence">): JobView => ({
  id: item.id,
  queue: item.queue,
  name: item.name,
  version: 1,
  payload: item.payload,
  priority: item.priority ?? 0,
  attempts: 1,
  maxAttempts: 1,
  deliveries: 1,
  maxDeliveries: 5,
  generation: 1,
  enqueuedAt: 0,
  visibleAt: 0,
  ...more
})

const broken = (history: FleetHistory, ...views: ReadonlyArray<JobView>): ReadonlyArray<string> =>
  judge(history, new Map(views.map((view) => [view.id, view])))
    .map((violation) => violation.slice(0, violation.indexOf(":")))
    .filter((law) => law !== "settledAsItEnded")

describe("of two jobs in order, the second was seen to be granted before the first", () => {
  const played = (delivery: number, more: Partial<EnqueueItem>, better: Partial<EnqueueItem>) => {
    const first = itemOf(1, { ...more, ...better })
    const second = itemOf(2, more)
    const history = historyOf(undefined, first, second)
    grants(history, second, { token: 2n, delivery: 1 }, { _tag: "Complete" })
    grants(history, first, { token: 3n, delivery }, { _tag: "Complete" })
    return broken(
      history,
      viewOf(first, { state: "Completed", sequence: 1, deliveries: delivery }),
      viewOf(second, { state: "Completed", sequence: 2 })
    )
  }

  test("in a group, and that was its first grant", () => {
    expect(played(1, { group: "g" }, {})).toEqual(["groupFifo"])
  })

  test("in a group, and its first grant went to a claim that was given up", () => {
    expect(played(2, { group: "g" }, {})).toEqual([])
  })

  test("by priority, and that was its first grant", () => {
    expect(played(1, {}, { priority: -1 })).toEqual(["priorityKept"])
  })

  test("by priority, and its first grant went to a claim that was given up", () => {
    expect(played(2, {}, { priority: -1 })).toEqual([])
  })
})

describe("the log was opened ten times", () => {
  const played = (...given: ReadonlyArray<readonly [opening: number, token: bigint]>) => {
    const items = given.map((_, index) => itemOf(index))
    const history = historyOf(undefined, ...items)
    for (const [index, [opening, token]] of given.entries()) {
      grants(history, items[index]!, { token, delivery: 1 }, undefined, { session: `${opening}-1`, answeredAt: index })
    }
    return broken(history)
  }

  test("and gave greater tokens each time", () => {
    expect(played([8, 1n], [9, 2n], [10, 3n])).toEqual([])
  })

  test("and an answer of an earlier opening came late", () => {
    expect(played([9, 2n], [10, 3n], [9, 1n])).toEqual([])
  })

  test("and gave a token below one that it had given before", () => {
    expect(played([9, 3n], [10, 2n])).toEqual(["tokenMonotone"])
  })

  test("and so it did when the answer of the earlier opening came late", () => {
    expect(played([10, 2n], [9, 3n])).toEqual(["tokenMonotone"])
  })
})

describe("a completed job's id is granted once more, enqueued in the same millisecond", () => {
  const item = itemOf(1)
  const done: Settlement = { _tag: "Complete" }
  const retain = (retainCompleted: number): QueuePolicy => ({ retainCompleted })
  const played = (
    policy: QueuePolicy,
    copies: number,
    delivery: number,
    end: Settlement = done,
    was: Settlement = done
  ) => {
    const history = historyOf(policy, item)
    jobOf(history, item).maybe = copies
    grants(history, item, { token: 1n, delivery: 1 }, was)
    grants(history, item, { token: 2n, delivery }, end)
    return broken(history)
  }

  test("it was forgotten, and another copy of its request came", () => {
    expect(played(retain(0), 2, 1)).toEqual([])
  })

  test("and it goes on from there", () => {
    const history = historyOf(retain(0), item)
    jobOf(history, item).maybe = 2
    grants(history, item, { token: 1n, delivery: 1 }, done)
    grants(history, item, { token: 2n, delivery: 1 }, { _tag: "Release" })
    grants(history, item, { token: 3n, delivery: 2 }, done)
    expect(broken(history)).toEqual([])
  })

  test("no other copy of its request came", () => {
    expect(played(retain(0), 1, 1)).toEqual(["completedStaysCompleted", "attemptsBounded"])
  })

  test("it is not the first delivery of another job", () => {
    expect(played(retain(0), 2, 2)).toEqual(["completedStaysCompleted"])
  })

  test("and is not completed by that", () => {
    expect(played(retain(0), 2, 2, { _tag: "Release" })).toEqual(["completedStaysCompleted"])
  })

  test("the log forgets nothing", () => {
    expect(played(retain(3_600_000), 2, 1)).toEqual(["completedStaysCompleted", "attemptsBounded"])
  })

  test("what was given back is no other job", () => {
    expect(played(retain(0), 2, 1, done, { _tag: "Release" })).toEqual(["attemptsBounded"])
  })
})
